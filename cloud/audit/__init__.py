"""What an attacker gets: the attacks that work on plain load curves, run on what Volet gives away.

`capture` records traffic, `truth` reads the curves that really were, `observed` and `views` turn
traffic, store and releases into what an attacker works with, `attackers` are their tools, `attacks`
and `uniform` what is tried. Reads only; holds no key of a household.
"""
