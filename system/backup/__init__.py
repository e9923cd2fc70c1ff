"""Backups of a party's directory: written, verified by reading back, and restored.

A party declares the files of its directory (`Party`, listing.py). From this list, `commands`
(cli.py) makes its `backup`, `restore` and `backup-key`.
"""
