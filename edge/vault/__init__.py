"""The chip's store: plain values, sealed blocks, epoch headers, metering's state and statements.

Beside the database are the keys of each year, in files of their own (`keyring`).

Other packages use `vault.Vault` and the types of `rows`. Everything that one quarter-hour changes
is committed in one transaction; see docs/explanation/chip.md.
"""
