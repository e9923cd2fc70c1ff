"""Signed documents for area figures: sets of trustees, measures, transforms.

documents  drafts, signs, checks and adds documents
replacing  drafts what puts a trustee out
current    the documents in force, as the worker reads them from the store
"""
