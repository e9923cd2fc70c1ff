"""Keys that end: the chip renews its certificate, and follows the collectivity's keys.

key_list     takes the key list that comes over the session
certificates the certificate in use, and the next one until it has worked
asking       asks for the next certificate over the session
without      asks without a session, for a chip whose certificate has ended
"""
