"""People who move: out of a home, with their keys to another chip, and a chip that starts anew.

From outside: `departure.MovingOut` (the chip's part), and the commands of `cli`.
"""
