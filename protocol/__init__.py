"""What chip and cloud must agree on, without any I/O: ciphers, messages, topics, calendar, tariffs."""
