"""Holds a sum back until the logs of t trustees contain the request that it answers.

The collectivity may ask some trustees for one set of a figure and the others for a second one, and
withhold their messages from each other. A trustee that keeps the rules logs one set of a figure, so
two sets that t logs contain have 2t - n trustees in common, each of which has logged both. If fewer
than that lie, one set of a figure at most is given out by anybody. Without this rule, t - 1
trustees who only hand over their seeds would be enough: each of the others answers for the set that
it is asked for.
"""

from protocol.errors import MessageRefused, Reason
from protocol.trustee_messages import Ask, RequestSummary
from trustee.documents import TrustedDocuments
from trustee.log import TrusteeLog


class Quorum:
    """Counts the trustees whose logs, as far as they are known here, contain a request."""

    def __init__(self, trustee_log: TrusteeLog, documents: TrustedDocuments) -> None:
        self._log = trustee_log
        self._documents = documents

    def missing(self, summary: RequestSummary) -> int:
        """Return how many more logs must contain a request before its answer is given out.

        Masks of check slots are given out at once: they hide nothing but a 1.

        Raises:
            MessageRefused: no set of trustees is known for the request.
        """
        return 0 if summary.ask is Ask.CHECK else max(0, -self._beyond(summary))

    def is_reached_by(self, summary: RequestSummary, heard: int) -> bool:
        """Return whether the last log that was missing is among `heard` ones.

        Raises:
            MessageRefused: no set of trustees is known for the request.
        """
        return summary.ask is Ask.SUM and 0 <= self._beyond(summary) < heard

    def _beyond(self, summary: RequestSummary) -> int:
        """Return by how many the logs that contain a request exceed the threshold."""
        trustees = self._documents.trustees_of(summary.measures)
        if trustees is None:
            raise MessageRefused(Reason.DOCUMENT, "these measures are not known")
        names = {trustee.name for trustee in trustees.trustees}
        held = names & self._log.authors_of(summary.request)
        return len(held) - trustees.shape.threshold
