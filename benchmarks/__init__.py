"""Measures and checks the README's numbers: `./run bench [NAME…]`.

cipher   bytes, encryption, statement and opening, beside TenSEAL's bfv_vector and python-paillier
tic      decoding, beside two decoders from PyPI, and the share of a core for a live line
chip     memory, quarter-hour transaction and disk writes of a chip
ingest   blocks per second and core, durable, without and with the real broker

Each is a module with `run(scale) -> list[Row]`. Scale 1 gives the README's figures; less is
quicker. `load` is the load generator; `*_peers` contain what Volet is compared with.
"""
