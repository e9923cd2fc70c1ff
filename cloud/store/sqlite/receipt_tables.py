"""The table of receipts."""

# A receipt belongs to a published statement; its number gives the order of arrival.
RECEIPT_TABLES = """
CREATE TABLE receipt (
  id INTEGER PRIMARY KEY, statement BLOB NOT NULL UNIQUE REFERENCES request (id),
  contract BLOB NOT NULL, household INTEGER NOT NULL REFERENCES household (id),
  device TEXT NOT NULL, payload BLOB NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX receipt_of_contract ON receipt (contract);
"""
