"""The chip as a program.

agent        the one loop, between serial port and broker
first_run    the program of a chip that is not enrolled yet
chip         the core, which handles frames and messages; no threads, no sockets
config       `edge.toml`
settings     the settings that the core is given
handlers     a handler for each kind of message, opened together
house_panel  what the panel tells of the chip, and what a press does
panel_pins   the panel's pins, open from the first run to the enrolled chip
restoring    where metering continues after a loss
confirming   the household's confirmation of doubtful readings
"""
