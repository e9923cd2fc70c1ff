"""The household's door: the only way from its page to the chip.

requests  what the page asks
shown     what the chip answers
shown_bills, shown_agreements, shown_first_run  the same of one page each
visitors  whom the page lets in, and as what
messages  the frames that carry both, and all that an answer may be
call      the page's side: one request, one answer
door      the chip's side: a Unix socket, open to whom its directory lets in
answers   finds the answer to each request
entrance  lets visitors in, and keeps those of another household out
first_run  answers while the chip is not enrolled: line, request, answer
pairing   lets a visitor in by a code that the chip's console shows
panel_questions  what the page asks at the panel, because it cannot be undone
erasing   asks at the panel whether a household that has left is to be erased
today     the day so far, and what waits for the household
shared    what left the home for a day, beside what the meter said
sent      every message that left on a day
budget    what the neighbourhood's figures have cost in privacy
bills     the bills that have arrived, and the lines of one
printing  bills as PDF, each laid out in a process of its own
letters   the providers' private messages
offers    the quotes as they stand
agreements  contracts, receipts, the neighbourhood's figures, trustees
contracts  another contract: what an offer makes, what signs it, the request that waits
contract_words  what is read before a yes to a request or an answer, on page and console
asked_contract  a contract that is asked for, in words, with what speaks against it
moving    how far the household is with moving out, and what to type next
changes   what the household changes on its page
curve     how much of the load curve is kept, and its quarter-hours
enedis    writes quarter-hours as Enedis lays out a load curve
state     the state of everything
"""
