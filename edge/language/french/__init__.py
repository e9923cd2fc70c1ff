"""What commands of `volet edge` say of themselves and of errors, in French.

The English stands in the code, where it is said; the French stands here beside it.

help        commands and options, by their English
sentences   errors and answers, by English patterns with names in braces
documents   the errors among them that are about documents, keys and files
signed      those of `protocol`: tariffs, offers, signed documents
meter       what `decode` shows of a meter's output
curves      errors and answers about curves, captures and the meter's line
"""
