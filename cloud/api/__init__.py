"""The providers' HTTP service: what `volet provider` does on the store, over TLS.

provider       what a provider may ask of the store; knows no HTTP
problems       errors as application/problem+json
access         tokens and certificates: who calls, and what they may do
gate           in front of everything: who, how much, how fast; and the audit
routes         the handlers, one module for each kind of thing
server         uvicorn with the collectivity's TLS
local_backend  the same calls for a provider on this machine, without HTTP

What passes the wire is in `protocol.provider_api`; `provider.http_backend` calls the service.
"""
