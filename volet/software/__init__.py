"""The software of a machine: signed releases in directories of their own, switched by one link.

manifest    what a release consists of, and its signature
places      where releases, wheels and what is known of them lie
receiving   takes an archive apart, if all of it is as the signed manifest says
building    makes a release's environment from locked wheels, without a network
rehearsal   what a release does with itself before it is switched to
capture     what a meter sends, for that
checking    has a release rehearse, as the chip's user
health      how the unit that runs the software does
switching   switches to a release, and back if it does not do well
trying      has a release tried in a unit of its own
removal     takes the software off the machine
publishing  lays a release out as files of a web server
download    gets files of known size by HTTPS
fetching    gets a newer release from such a server, and changes nothing
following   has that done each day, or at a call, if the household wants it
options     what commands share
cli         `volet software`
"""
