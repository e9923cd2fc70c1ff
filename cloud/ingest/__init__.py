"""Verifies, stores and acknowledges messages from chips.

pipeline       a batch of messages: verified, stored in one transaction, answered
verify         signatures and form
handlers       which handler takes which kind
handler        what handlers share
readings       headers and blocks, and what is given back of them
seen           statements and private messages that have arrived
contributions  the area lane's
answers        terms, documents and quotes that a chip asks for
receipts       sealed receipts for providers
departures     households that move out
status         what chips report of themselves
acks           signed acknowledgements
downlink       messages to a chip, signed for it
"""
