"""The commands of `volet monitor …`: one module for each, listed in `table`."""
