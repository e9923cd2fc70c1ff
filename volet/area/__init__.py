"""`volet area …`: a whole area on one machine, chips, trustees and release, by their own code."""
