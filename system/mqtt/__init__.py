"""MQTT for the programs that run on asyncio: workers, release service, trustees.

link      the only module of these programs that knows MQTT
message   what passes between link and program
identity  certificate, key, name and role, checked before they are shown to a broker
rival     whether another program shows the same certificate
"""
