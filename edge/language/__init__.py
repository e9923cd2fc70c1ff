"""The languages that a household reads.

choice      which one: `--lang`, else LANG
typography  the spaces of French
numbers     numbers, amounts and days
french/     the French of help and errors
"""
