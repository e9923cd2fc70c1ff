"""One module for each `volet cloud X`, and what these share.

table      which command is where
opened     the collectivity's store, opened for one command
directory  what the collectivity's directory holds, and what of it a backup takes along
"""
