"""The household's signed contracts, compared with the meter that the chip reads.

For other folders: `meter` (the meter that a contract names), `signed` (the files), `catalogue` (the
chip's copy of the transparency log, where offers and tariffs are listed), `terms` and `fitting` (an
offer in words, and whether the meter fits it), `recognizing` (which file somebody chose).
"""
