"""Compares what chips say that they saw, in their signed key shares, with what this trustee has.

Whoever shows chips and trustees different documents or rosters has no figure opened: a household
whose chip saw something else is left out, and a figure that lacks too many is discarded.
"""

from enum import StrEnum

from protocol.area_messages import SeenHeads
from trustee.documents import TrustedDocuments


class Difference(StrEnum):
    """In what a chip's view differs from the trustee's.

    trustees, measures: the chip has a document that this trustee has not. roster: at the chip's
    entry the trustee has another roster, or none yet. behind: the chip had not seen the document
    when it sealed these seeds, so it contributed nothing under it with them.
    """

    TRUSTEES = "trustees"
    MEASURES = "measures"
    ROSTER = "roster"
    BEHIND = "behind"


def difference(
    seen: SeenHeads, documents: TrustedDocuments, measures: bytes | None = None
) -> Difference | None:
    """Return in what a chip's view differs; None if it fits.

    `measures` is the hash of the known document that a figure is asked for, if it is for one.
    """
    if documents.trustee_set(seen.trustees) is None:
        return Difference.TRUSTEES
    newest = documents.place_of(seen.measures)
    if newest is None:
        return Difference.MEASURES
    if documents.roster.head_at(seen.roster_length) != seen.roster_head:
        return Difference.ROSTER
    asked = None if measures is None else documents.place_of(measures)
    return Difference.BEHIND if asked is not None and newest < asked else None
