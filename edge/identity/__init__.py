"""Who this chip is: its keys, and what the collectivity certified."""
