"""The tables of the transparency log."""

# Triggers make the list append-only, so that no defect elsewhere can rewrite it.
CATALOGUE_TABLES = """
CREATE TABLE listed (
  number INTEGER PRIMARY KEY, listed_on INTEGER NOT NULL, kind TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE, head BLOB NOT NULL, body BLOB NOT NULL, signature BLOB NOT NULL
) STRICT;
CREATE TRIGGER listed_is_not_changed BEFORE UPDATE ON listed
BEGIN SELECT RAISE(ABORT, 'the public list is append-only'); END;
CREATE TRIGGER listed_is_not_deleted BEFORE DELETE ON listed
BEGIN SELECT RAISE(ABORT, 'the public list is append-only'); END;
"""
