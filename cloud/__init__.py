"""The collectivity: stores encrypted blocks and computes on them without seeing a reading.

Folders from the top layer down; each imports only from those below it.

commands/    one module for each `volet cloud X`
worker/      the program between broker and store; its metrics
api/         the providers' HTTP service
audit/       the attacks of docs/explanation/what-an-attacker-gets.md
release/     area figures: fixes a set, has trustees open it, publishes the figure
ingest/      verifies, stores and acknowledges messages from chips
billing/     statements, quotes and letters, computed on ciphertexts
roster/      who is counted where
registry/    authority, enrolment, revocation, supply points
governance/  signed documents: sets of trustees, measures
catalogue/   the transparency log of offers and schedules
estimation/  the public model of an area's curve, and the filter
store/       one storage interface; SQLite is the embedded default
geo/         official codes of areas
config       `cloud.toml`
"""
