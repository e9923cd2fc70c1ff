"""The chip's half of the area lane: seeds, terms, contributions, and when they are sent.

`contribution` makes one from a day's values and is what a simulated fleet calls; `trust` says
which documents are trusted; `lane` speaks with the cloud; `settings` is what the household decides.
Nothing here sends a value that was not clipped, noised, masked and paid for in the ledger.
"""
