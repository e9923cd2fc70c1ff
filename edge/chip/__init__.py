"""The chip as a program.

agent       the one loop, between serial port and broker
chip        the core, which handles frames and messages; no threads, no sockets
config      `edge.toml`
settings    the settings that the core is given
handlers    a handler for each kind of message, opened together
restoring   where metering continues after a loss
confirming  the household's confirmation of doubtful readings
"""
