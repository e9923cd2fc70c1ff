"""The household's own smart home: what the chip tells its broker, and nothing that it hears from it.

settings   where the broker is, and how the chip signs in there
choice     whether the household that lives here wants it told
guard      refuses a broker that is not the household's own
energies   energy values, of which none falls or leaps
entities   everything that a smart home can be shown
states     the values of the entities
record     the ids and topics, kept in the chip's directory
discovery  the documents by which Home Assistant finds the entities
link       the connection, in a thread of its own
telling    the messages that follow from all these
announcer  hands the link what is new
switch     begins and ends it all, as the household chooses
forgetting  has the broker forget what it retains
"""
