"""Verifies, stores and acknowledges messages from chips.

pipeline       what is done with a batch of messages, in order
verify         signatures and form
acks           signed acknowledgements
downlink       messages to a chip, signed for it
contributions  the area lane's
answers        terms and documents that a chip asks for
receipts       sealed receipts for providers
departures     households that move out
status         what chips report of themselves
"""
