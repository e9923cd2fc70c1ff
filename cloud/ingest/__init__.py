"""Verifies, stores and acknowledges messages from chips.

pipeline       verifies a batch of messages, stores it in one transaction and answers it
verify         signatures and form
handlers       which handler takes which kind
handler        what handlers share
readings       headers and blocks, and the requests for stored ones
seen           statements and private messages that have arrived
contributions  contributions to area figures
answers        terms, documents and quotes that a chip asks for
receipts       sealed receipts for providers
departures     households that move out
status         what chips report about themselves
acks           signed acknowledgements
downlink       signed messages to one chip
"""
