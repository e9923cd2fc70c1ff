"""`volet provider …`, one module for each command; `table` lists them, `options` is shared."""
