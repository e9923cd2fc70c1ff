"""What the household has signed, held against what the chip sees of it.

From outside: `meter` (the meter that a contract names), `signed` (the files).
"""
