"""Bills on the chip: a statement is checked against the contract and the chip's own registers.

The amount comes from the chip's registers and the tariff; what the statement opens to is compared
with it, and nobody outside learns the result. `judge` is pure; `verifier` joins it to the vault.
"""
