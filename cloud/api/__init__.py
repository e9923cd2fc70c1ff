"""The providers' HTTP service: what `volet provider` does on the store, over TLS.

shapes    what passes the wire, shared by service and client
provider  what a provider may ask of the store; knows no HTTP
problems  errors as application/problem+json
access    tokens and certificates: who calls, and what they may do
gate      in front of everything: who, how much, how fast; and the audit
routes    the handlers, one module for each kind of thing
server    uvicorn with the collectivity's TLS
client    the same calls from a provider's side
"""
