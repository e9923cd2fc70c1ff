"""The providers' HTTP service: what `volet provider` does on the store, over TLS.

provider       a provider's operations on the store, without HTTP
problems       errors as application/problem+json
access         tokens and certificates: who calls, and what they may do
gate           checks every call: who, how much, how fast; writes the audit
routes         the handlers, one module for each subject
server         uvicorn with the collectivity's TLS
identity       the server's certificate, read again when it is renewed
local_backend  the same calls for a provider on this machine, without HTTP

The messages are defined in `protocol.provider_api`; `provider.http_backend` is the client.
"""
