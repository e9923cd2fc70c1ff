"""The group `volet area`: a whole area on one machine, with the real chip, trustee and release code."""
