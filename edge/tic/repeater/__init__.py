"""Repeats the meter's line on the home network, for programs that read the line themselves.

Two processes: the chip's, which alone reads the line, hands it on without ever waiting; another one,
without keys, readings or a network of its own, speaks to the clients.

choice     whether the household wants it, where, and with which numbers
channel    the names, sizes and messages between the two processes
listening  opens the port, on addresses of the home alone
outlet     the chip's side: masks the line and hands it on
serving    the other side: clients of the home network, each bounded
"""
