"""One module for each `volet edge X`, and what these share.

table      which command is where
household  commands, help and errors in the household's language
directory  what a chip's directory holds, and what of it a backup takes along
"""
