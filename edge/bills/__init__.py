"""Bills on the chip: checks each statement against the contract and the chip's own registers.

The chip computes the amount from its registers and the tariff, and compares it with what the
statement opens to. Nobody outside learns the result. `judge` is pure; `verifier` joins it to the
vault. `letters` has what providers write beside their bills.
"""
