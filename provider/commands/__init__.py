"""The commands of `volet provider`."""
