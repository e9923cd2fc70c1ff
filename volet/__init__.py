"""The `volet` command and the demo: the only package that imports both edge and cloud."""
