"""The collectivity: takes blocks in, keeps them, computes on them, and never sees a reading.

registry/    enrolment, identities, contracts
store/       one small interface over what is kept; SQLite is the embedded default
ingest       from the broker to the store; acknowledges after commit
statements   bills on ciphertexts
link         MQTT, and the only module that knows it
worker       the program that joins them
"""
