"""The chip's state, reported to its household at once, in words and lights, and to operators.

`lights` says what the panel shows and what its button means; `panel` has the pins;
`kept` gives one report to all who ask, and `lasting` says which notices it still has.
"""
