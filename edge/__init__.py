"""The chip: turns the meter's output into sealed blocks, and encrypted bills into readable ones.

The packages from the top down; each imports only from those below it.

commands/   one module for each `volet edge X`
chip/       the program: its loop, its core, its configuration
page/       the household's page in a browser, a process of its own
household/  the door between page and chip
home/       the household's own smart home
status/     the chip's state, reported to its household and to the operator
moving/     a household that moves to another chip
area/       the area lane: terms, contributions, and when they are sent
quotes/     what other offers would have cost
bills/      checks, opens and shows statements; receipts, and letters from providers
contracts/  what the household signed, whether the meter's line agrees with it, and what is listed
renewal/    certificates and the collectivity's keys, which end and are followed
mqtt/       the broker: link, outbox, recovery, handlers of messages
identity/   keys, and what the collectivity certified
vault/      what the chip stores, in one database, and the keys of each year
stage       how far the setup of a chip's directory has come
simulate/   a simulated meter
metering/   turns registers into quarter-hours and days
privacy/    noise, and the ledger of what it protects
tic/        turns bytes of the meter's serial output into checked groups
language/   French and English, and how each writes numbers
"""
