"""An energy provider: its keys, offers and requests; receipts that only it can open.

commands/     `volet provider …`, one module for each command
service       keys, offers, acceptances, requests for statements
receipts      opened, and checked against what the chip committed to
backend       where a provider is served, and what receipts are checked against: interfaces
http_backend  the first of them over the collectivity's API
directory     what a provider's directory holds
"""
