"""Backups of a party's directory: declared files, written, checked by reading back, put back.

A party declares what its directory holds (`Party`, listing.py); `commands` (cli.py) makes its
`backup`, `restore` and `backup-key` of that.
"""
