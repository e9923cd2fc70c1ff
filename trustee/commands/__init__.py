"""`volet trustee …`, one module for each command; `table` lists them."""
