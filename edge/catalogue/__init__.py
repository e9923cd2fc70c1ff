"""The chip's copy of the transparency log: every entry and document is checked before it counts.

`reader` takes pages and documents and refuses a list that contradicts the copy; `cli` shows it.
"""
