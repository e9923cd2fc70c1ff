"""What both sides need of the machine they run on, and nothing of what either does.

files    secrets and documents written whole or not at all
logs     the one way in which a program of Volet logs
tls      the one way in which a program of Volet speaks TLS
"""
