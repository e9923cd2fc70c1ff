"""Bills and quotes, computed on ciphertexts that the cloud cannot decrypt.

requests    makes a provider's requests: omitted days, days billed late, corrections
statements  computes the sums that answer one request
plan        a statement's weights as one matrix per month
progress    how far a request has come
pending     answers pending requests page by page
quotes      what listed offers would have cost a household
letters     delivers providers' private messages
"""
