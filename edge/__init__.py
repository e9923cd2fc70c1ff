"""The chip: from the meter's wire to a sealed block, and from an encrypted bill to one a person reads.

Rooms from the top down; each imports only from those below it.

commands/   one module for each `volet edge X`
chip/       the program: its loop, its core, its configuration
status/     what the chip reports of itself, to its household and to the operator
panel/      a light and a button
moving/     people who move, and the chip that stays
area/       the area lane: terms, contributions, and when they are sent
quotes/     what other offers would have cost
bills/      statements checked, opened and shown; receipts
letters/    private messages of providers
contracts/  what the household signed, and whether the line agrees with it
catalogue/  the chip's copy of the transparency log
mqtt/       the broker: link, outbox, recovery, handlers of messages
identity/   keys, and what the collectivity certified
vault/      what the chip keeps, in one database
stage       how far a chip's directory has come
simulate/   a meter that does not exist
metering/   registers to quarter-hours and days
privacy/    noise, and the account of what it protects
tic/        bytes of the meter's serial output to checked groups
language/   French and English, and how each writes numbers
"""
