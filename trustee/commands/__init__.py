"""The commands of `volet trustee`: one module for each, listed in `table`."""
