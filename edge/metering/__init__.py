"""Turns meter readings into quarter-hours and days; a pure state machine without I/O.

Other packages use `meter.Meter` with `state.MeterState` and `state.MeteringSettings`, the types of
`events`, and `restore.restore` for a chip that lost its store.
"""
