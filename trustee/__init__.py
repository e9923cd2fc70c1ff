"""A trustee: returns sums of masks once, for sets that the rules allow, and never sees a ciphertext.

commands/  `volet trustee …`, one module for each command
core       handles messages, independently of the broker
answering  answers requests for sums: checks, logs, then computes
rules      the sets of households that may be requested
identity   a trustee's names and private key
days       the clock's day, and how long answers are kept
documents  the trustee sets, measures and roster that this trustee has verified
keys       the collectivity's key list
letters    households' seeds, from the key shares that their chips publish
sealing    this trustee's sealing keys, one a month, to which chips seal these shares
masks      keystreams in bulk
views      compares what chips have seen with what this trustee has
peers      the other trustees' logs: recovery after a restore, and what others signed
quorum     holds a sum back until enough trustees' logs contain its request
alarms     signed offences of the collectivity or a trustee, kept with their proof
quotas     how many messages it takes from each sender
pages      reassembles messages that arrive in parts
log        what the database holds; only it and `database` use SQL
database   the database's file, tables and transactions
service    the program over MQTT
directory  configuration, keys and certificate of a trustee's directory
files      the files of the directory, and which of them a backup contains
words      texts for the trustee's operator
"""
