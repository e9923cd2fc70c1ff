"""Distinguishes SQLite's errors about a value from those about the file."""

import sqlite3

# Another value can be stored all the same, so that these are defects of the program that tried.
CAUSED_BY_A_VALUE = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
    sqlite3.InterfaceError,
)
