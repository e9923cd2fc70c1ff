"""The languages in which a household reads its chip: French and English.

choice       the language of a command: `--lang`, else LANG
directories  the chip's directory in the commands that a text names
typography   the spaces of French
numbers      numbers, amounts and days
french/      French help and errors
"""
