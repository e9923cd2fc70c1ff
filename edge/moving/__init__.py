"""Moving: a household leaves a home, takes its keys to another chip, and a chip is erased.

For other folders: `departure.MovingOut` (the chip's part), `repeating.repeat_line` (of a household
that lives here alone); `edge.commands` uses the rest.
"""
