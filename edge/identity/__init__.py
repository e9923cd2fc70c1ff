"""The chip's identity: its keys, and the collectivity's certificate.

keys       the keys that the chip drew
enrolment  reads and checks the collectivity's answer
"""
