"""Registers to quarter-hours and days; a pure state machine without I/O."""
