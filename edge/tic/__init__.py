"""The meter's TIC output: bytes to checked groups, and nothing else."""
