"""MQTT for the programs that run on asyncio: workers, release service, trustees.

link      the only module of these programs that knows MQTT
message   the messages between link and program
identity  certificate, key, name and role, checked before they are presented to a broker
rival     detects another program with the same certificate
"""
