"""Providers' private messages, which only the household's chip can open."""
