"""The optional panel: a light and a button."""
