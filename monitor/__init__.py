"""A monitor: watches the fleet by what it publishes, and holds no household's row.

commands/     `volet monitor …`, one module for each command
program       the program: subscribes, serves, writes
intake        takes messages from the broker, and counts what it cannot use
fleet         the chips, by the statuses that they publish
figures       the areas' released figures: of which day the latest is, and its coverage
broker        the broker's counters of itself
metrics      one registry of metrics, from all of these
server        `/metrics` and `/health`, on this machine only
desk          tells this machine's operator of each chip, over a socket in the directory
report        what the desk tells
directory     configuration, key and certificate of a monitor's directory
"""
