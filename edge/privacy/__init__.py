"""What protects a household in the sums of its area: clip, noise, and the account of both.

`mechanism` turns a day into noised integers, `noise` draws, `ledger` keeps the budget. Knows no
store, no broker and no key.
"""
