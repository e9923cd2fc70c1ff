"""Registers to quarter-hours and days; a pure state machine without I/O.

From outside: `meter.Meter` with `state.MeterState` and `state.Settings`, the types of `events`,
and `restore.restore` for a chip that lost its store.
"""
