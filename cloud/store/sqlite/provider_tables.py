"""The tables of providers, their batches and their messages.

Triggers make the audit append-only, so that no defect elsewhere can rewrite it.
"""

PROVIDER_TABLES = """
CREATE TABLE provider (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, key BLOB NOT NULL UNIQUE,
  since INTEGER NOT NULL
) STRICT;
CREATE TABLE token (
  id TEXT NOT NULL PRIMARY KEY, provider INTEGER NOT NULL REFERENCES provider (id),
  digest BLOB NOT NULL UNIQUE, scopes BLOB NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL, revoked INTEGER
) STRICT;
CREATE TABLE api_audit (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, provider TEXT NOT NULL, credential TEXT NOT NULL,
  action TEXT NOT NULL, subject TEXT NOT NULL, status INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX api_audit_of_provider ON api_audit (provider);
CREATE TRIGGER api_audit_is_not_changed BEFORE UPDATE ON api_audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER api_audit_is_not_deleted BEFORE DELETE ON api_audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE INDEX contract_of_provider ON contract (provider_key);
CREATE TABLE batch (
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, provider_key BLOB NOT NULL,
  name TEXT NOT NULL, digest BLOB NOT NULL, at INTEGER NOT NULL, UNIQUE (provider_key, name)
) STRICT;
CREATE TABLE batch_item (
  batch INTEGER NOT NULL REFERENCES batch (number), number INTEGER NOT NULL,
  request BLOB NOT NULL REFERENCES request (id), PRIMARY KEY (batch, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE letter (
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, contract BLOB NOT NULL,
  household INTEGER NOT NULL REFERENCES household (id), letter BLOB NOT NULL,
  state TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX letter_by_state ON letter (state);
CREATE TABLE receipt_taken (statement BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT;
"""
