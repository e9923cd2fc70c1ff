"""The `volet` command, the demo and a machine's software; only this package imports edge and cloud."""
