"""The chip's half of the area lane: seeds, terms, contributions, and when they are sent.

`trust` decides which documents are trusted, `lane` exchanges messages with the cloud, and
`settings` holds the household's decisions. `edge.privacy.contribution` makes each contribution.
Every value sent from here was clipped, noised, masked and paid for in the ledger.
"""
