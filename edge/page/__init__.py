"""The household's page: what its chip measured, what left the home, and what it means.

A process of its own, without a key of the household or the vault: it asks the chip through
`edge.household`. On sockets that systemd opened it ends when nobody has looked for ten minutes.

app        the application: which page is where, and who may see it
pages      the pages that show what the chip answers
guards     what a request must be before anything is shown
shares     how often who may ask
sessions   who has been let in
browsers   what a browser says of itself, in a few words
drafts     forms that wait for a yes, and what was done after it
early      whether the chip was not enrolled yet when it answered last
visit      one request: language, session, answers of the chip
views      the content of each page, as texts
entering   how a visitor is let in, and leaves
live       the latest values on the line, as a stream
scripts    the same answers as JSON
bill_file  a bill as PDF, which the chip lays out meanwhile
curve_file  the household's own curve as a file, sent in pieces
places     the menu, and what a viewer may see
charts     curves and bars as SVG
changes    what a form may change, and what the chip is asked for it
texts      the words of the page, in French and English
help_texts  the words of the help
sent_texts  the words of what the chip sent, kind by kind
change_texts  the words of what the page can change
first_run  from the meter's line to the enrolment, while the chip is not enrolled
first_run_texts  its words
moving_texts  the words of moving out and of erasing the household
contract   another contract on an enrolled chip
contract_texts  its words
uploads    forms that carry files
running    runs the page over one chip
server     listens on the sockets that systemd opened, for visitors of the home's network alone
names      the names of the page and of its files
tls        the page's own authority and certificate
"""
