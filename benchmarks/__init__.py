"""The README's numbers, measured and checked: `./run bench [NAME…]`.

cipher   bytes, encryption, statement and opening, beside TenSEAL's bfv_vector and python-paillier
tic      decoding, beside two decoders from PyPI, and the share of a core that a live line takes
chip     memory, quarter-hour transaction and disk writes of a chip
ingest   blocks per second and core, durable, without and with the real broker

Each is a module with `run(scale) -> list[Row]`; scale 1 is what the README shows, less is quicker.
`load` is the load generator, `*_peers` hold what we are compared with.
"""
