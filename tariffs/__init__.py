"""Tariffs as data: the regulated French ones, calendars, market series, and what checks them."""
