"""The chip's identity: its keys, and the collectivity's certificate.

keys       the keys that the chip drew
key_form   rewrites a household key of an older form, once
enrolment  reads and checks the collectivity's answer
"""
