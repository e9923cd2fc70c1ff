"""Who this chip is: its keys, and what the collectivity certified.

keys       what the chip drew for itself
key_form   a household key of an older form brought to this one, once
enrolment  what the collectivity said of the chip, checked and read
"""
