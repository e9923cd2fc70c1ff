"""What chip and cloud must agree on: ciphers, messages, topics, calendar, tariffs. Without I/O."""
