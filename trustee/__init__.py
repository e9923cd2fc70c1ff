"""A trustee: gives sums of masks for sets that the rules allow, once, and never sees a ciphertext.

commands/  `volet trustee …`, one module for each command
core       what a trustee does with a message; knows no broker
rules      which set of households may be asked for
documents  sets of trustees, measures and the roster as this trustee knows them
letters    households' seeds, from the letters that their chips publish
masks      the keystreams, in bulk
peers      the others' logs: what a restored image forgot, and alarms
pages      messages that come in parts
log        the database; the only module here that knows SQL
service    the program over MQTT
directory  a trustee's directory, opened
files      what of it a backup takes along
words      what `volet trustee` prints
"""
