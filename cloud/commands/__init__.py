"""The commands of `volet cloud`: one module for each, and what they share.

table      the module of each command
opened     the collectivity's store, opened for one command
directory  the files of the collectivity's directory, and which of them a backup contains
"""
