"""A simulated Linky: curves, registers, frames in both modes, faults, and a pseudo-terminal.

For other folders: `curve_files.load_curve` and `household.synthetic_curve` return curves,
`home.build_home` puts a meter on one (`frame_at`, and the oracle `registers_wh`), `player` sends
its frames over time, and `faults` corrupts them.
"""
