"""Quotes on the chip: what every listed offer would have cost this household.

`asking` asks and keeps the answer; `opening` opens its sums; `pricing` makes bills of them; `cli`
and `picture` show them. Nothing leaves the chip after the answer, whatever it says.
"""
