"""The commands of `volet provider`: one module for each, listed in `table`; `options` is shared."""
