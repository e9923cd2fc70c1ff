"""The `volet` command and the demo: the only place where both sides meet."""
