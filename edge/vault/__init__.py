"""What the chip keeps: plain values, sealed blocks, epoch headers, the state of metering, statements.

From outside: `vault.Vault` and the types of `rows`. Everything that one quarter-hour changes is
committed in one transaction; see docs/explanation/chip.md.
"""
