"""Private messages of providers, which only the household's chip can open."""
