"""An energy provider: its keys, offers and requests, and receipts that only it can open.

commands/     `volet provider …`, one module for each command
service       keys, offers, acceptances, requests for statements
receipts      opens receipts and checks them against the chip's commitments
backend       interfaces of the collectivity's service and of the evidence for receipts
http_backend  the service over the collectivity's API
directory     the files of a provider's directory
"""
