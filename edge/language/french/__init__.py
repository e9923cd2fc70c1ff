"""French help, answers and errors of the commands of `volet edge`.

The English texts are in the code that prints them; each table maps them to French.

looking_up  finds the French for an English text
help        help of commands and options
sentences   errors and answers, as patterns with placeholders in braces
doctor      what `doctor` finds
documents   errors about documents, keys and files
signed      errors of `protocol`: tariffs, offers, signed documents
meter       the output of `decode`
setting_up  what a chip says until it is enrolled
repeater    answers and errors about the line that is repeated
keys        errors about certificates and the collectivity's keys
curves      errors and answers about curves, captures and the meter's line
"""
