"""How many connections the API takes."""

CONNECTIONS_MAX = 192
ADDRESS_CONNECTIONS_MAX = 32
