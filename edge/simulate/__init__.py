"""A Linky that does not exist: curves, registers, frames in both modes, faults, and a pty.

From outside: `curve_files.load_curve` and `household.synthetic_curve` make curves,
`home.build_home` puts a meter on one (`frame_at`, and the oracle `registers_wh`), `player` puts
its frames in time, `faults` spoils them.
"""
