"""An energy provider: its keys, offers and requests; receipts that only it can open.

service    offers, contracts, requests for statements
receipts   opened, and checked against what the chip committed to
directory  what a provider's directory holds
commands/  `volet provider …`
"""
