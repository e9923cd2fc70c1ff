"""The chip's copy of the transparency log: every entry and document is checked before it is used.

`reader` takes segments and documents, and refuses a log that contradicts the copy.
"""
