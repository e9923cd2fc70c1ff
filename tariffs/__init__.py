"""Tariffs as data: the regulated French tariffs, calendars, market series, and their linter."""
