"""The commands of `volet edge`: one module for each, and what they share.

table      the module of each command
household  commands, help and errors in the household's language
contract_shown  prints a contract as the page shows it
directory  the files of a chip's directory, and which of them a backup contains
"""
