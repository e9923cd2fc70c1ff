"""The chip's connection to its broker.

link      the only module of the chip that knows MQTT
message   the messages and events between link and core
outbox    which blocks still have to be sent, and which the cloud has stored
recovery  fetches back what the cloud holds and the vault has lost
handler   one interface for every kind of message
sent      counts what was published, by day and kind
retry     when an unanswered message is sent again
trouble   why there is no session
"""
