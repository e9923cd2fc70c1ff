"""What all parties must agree on: ciphers, messages, documents and arithmetic. No I/O.

Chip, collectivity, trustee and provider compute with the same code. The modules by subject:

Common ground

errors        one class for each decision that a caller makes
ids           identifiers as types
json_text     the only reader of JSON
packed        the only reader of MessagePack
certificates  the only reader of certificates that others made
backoff       when to try again

Messages

topics            kinds of messages, and the topics that carry them
versions          which versions are read, and the forms of the older one
envelope          version, body and signature of every signed message
messages          the bodies of the billing lane
area_messages     the bodies of the area lane
trustee_messages  between the release worker and trustees, and among trustees
convictions       proofs of an offence by the collectivity or a trustee
status            a chip's report of its state
enrolment         a chip's request and the collectivity's answer
provider_api      the bodies of the providers' API

The day and its values

calendar    the legal day and its quarter-hours
registers   tariff calendars of meters, and which of them use the same registers
layout      where a day's values are among the coefficients of a month
doubt       why the readings of a billed day are doubted
commitment  binds the chip to a day's values

The billing lane's cipher

keys        a household's secret and the keys derived from it
year_keys   its keys for the readings of one year
ternary     draws the secret polynomial
household   encryption and weighted sums, without SEAL
seal        encryptions of zero and openings, with SEAL
seal_form   SEAL's save format, without SEAL
ntt         the number-theoretic transform modulo q

Tariffs, contracts and bills

tariff     fixed and energy lines with their VAT
schedule   calendars and market series
leverage   how much of a quarter-hour a bill at market prices tells
listed     what may be listed, and what the rules need of it
catalogue  the transparency log
quota      what one key may list in public within a year
contract   offers, contracts, requests for statements
statement  which coefficients a statement sums, with which weights
bill       the bill in plain arithmetic
quotes     all listed offers, priced on encrypted months

Receipts

receipt       what a household declares about a statement
amount_proof  proves the amount of a receipt

Figures of an area

governance     sets of trustees, documents with several signatures
roster         which household belongs to which cell
measures       what is computed over which groups, with which noise
transform      a curve's public transform
price_classes  energy by its price to the household
socio          a household's profile
privacy        what the noise is worth
seeds          key shares, sealed to trustees
sealing        the keys to which they are sealed, one a month
area_cipher    masks that open only as sums
release        published figures

Keys that end

key_list  roots, issuers, platform and registrar keys, past and present
renewal   a chip's certificate, renewed at its own request

Sealed to somebody

hpke        to a public key
passphrase  by a passphrase
chunks      streams that do not fit in memory
letters     a provider's message to one household
backup      the file format of a backup
moving      the end of a contract, and the mandate to another chip
"""
