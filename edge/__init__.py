"""The chip: from the meter's wire to a sealed block, and from an encrypted bill to one a person reads.

tic/       bytes of the meter's serial output to checked groups, and the emulator's way back
metering/  registers to quarter-hours and days
vault/     what the chip keeps: household keys, epochs, values, blocks
outbox     which blocks still have to go out, and which are stored
link       MQTT, and the only module that knows it
bills      statements checked, opened and shown
agent      the program that joins them
"""
