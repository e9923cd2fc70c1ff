"""Signed documents for area figures: sets of trustees, measures, transforms.

documents  drafts, signs, checks and adds documents
current    the documents in force, as the worker reads them from the store
"""
