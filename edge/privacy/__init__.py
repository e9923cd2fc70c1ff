"""Protects a household in the sums of its area: clipping, noise, and the privacy budget.

`mechanism` turns a day into noised integers, `noise` draws the noise, `ledger` keeps the budget,
and `contribution` makes one day's message. Nothing here uses a store or a broker.
"""
