"""What an attacker gets: attacks that work on plain load curves, run on the data Volet reveals.

`capture` records traffic. `truth` reads the real curves. `observed`, `views` and `releases` turn
traffic, store and releases into an attacker's data. `attackers` are the attackers' tools, `attacks`
and `uniform` the attacks. It only reads, and has no key of a household.
"""
