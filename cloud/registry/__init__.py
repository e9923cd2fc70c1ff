"""The members of the collectivity: authority, enrolments, revocation, and the broker's files.

authority   builds certificates and the revocation list; touches no files
pki         the CA's files: created once, renewed, revoked
enrolment   checks and answers a chip's request
broker      fills the broker's directory and makes the broker save its data
broker_process  finds the process of the broker
broker_restart  restarts a broker for what it reads at its start only
offered_lists  revocation lists that a running broker takes without a signal
places      who lived where, at which delivery point
revocation  shuts out a device and ends its session
ending      ends a household that nobody serves any more
leftovers   clears what the broker retains of those who have left
renewal     renews the certificates of roles and of the authority
revoked     merges revocation lists and restores forgotten revocations
"""
