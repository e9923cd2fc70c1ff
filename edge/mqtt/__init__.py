"""The chip and its broker.

link      the only module of the chip that knows MQTT
message   what passes between link and core
outbox    which blocks still have to be sent, and which the cloud has stored
recovery  what the cloud holds and the vault has lost, fetched back
handler   one interface for every kind of message
retry     when something unanswered is sent again
trouble   why there is no session
"""
