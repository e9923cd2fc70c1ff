"""Signed documents of the area lane: sets of trustees, measures, transforms.

documents  drawn up, signed, checked and added
current    those in force, as the worker reads them from the store
"""
