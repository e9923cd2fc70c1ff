"""The emulator: a meter's TIC output made from a load curve."""
