"""Bills and quotes, computed on ciphertexts that nobody here can open.

requests    what a provider asks for: days left out, days billed late, corrections
statements  the sums that answer one request
plan        a statement's weights as one matrix a month
progress    how far a request has come
pending     requests that wait, answered page by page
quotes      what listed offers would have cost a household
letters     providers' private messages on their way
"""
