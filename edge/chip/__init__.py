"""The chip as a program.

agent       the one loop, between serial port and broker
chip        the core: what is to be done with a frame or a message; no threads, no sockets
config      `edge.toml`
settings    how a chip behaves, as its core is given it
handlers    a handler for each kind of message, opened together
restoring   where metering goes on after a loss
confirming  what the household confirmed of doubtful readings
systemd     readiness and watchdog
"""
