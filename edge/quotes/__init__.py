"""Quotes on the chip: the bill of every listed offer for this household's past year.

`asking` sends the question and stores the answer, `opening` opens its sums, `pricing` turns them
into bills, and `picture` draws them. Nothing leaves the chip after the answer, whatever it contains.
"""
