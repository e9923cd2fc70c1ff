"""Who belongs to the collectivity: its authority, enrolments, revocation, and the broker's files.

authority   the CA's documents: certificates and the revocation list, no files
pki         the files of the CA: made once, renewed, revoked
enrolment   a chip's request checked, and its answer
broker      the broker's directory filled, the broker told to read it again
places      who lived where, at which delivery point
revocation  a device shut out, its open session included
renewal     certificates of roles and of the authority, renewed
revoked     the revocation list, and what an older store has forgotten of it
"""
