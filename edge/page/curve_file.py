"""The household's own curve as a file, fetched from the chip as it is sent."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE
from starlette.types import Send

from edge.household.enedis import csv_lines, json_parts
from edge.household.requests import AskQuarters
from edge.household.shown import Quarter, Quarters
from edge.page.visit import Visit

KINDS = {"csv": "text/csv", "json": "application/json"}
# The chip would answer for 31; what it answers is in memory for each visitor who downloads.
DAYS_AT_ONCE = 4
_LINES_AT_ONCE = 200
_ONE_DAY = timedelta(days=1)


class CurveFile(StreamingResponse):
    """A file that is cut off when the chip stops: the browser sees that it is not whole."""

    async def stream_response(self, send: Send) -> None:
        """Send the parts; after a failure without the end, on which the server hangs up."""
        try:
            await super().stream_response(send)
        except HTTPException:
            return


def parts(visit: Visit, kind: str, first: date, last: date) -> Iterator[str]:
    """Yield the file over the days from `first` to `last`, a piece at a time.

    Raises:
        HTTPException: the chip no longer answers, or no longer keeps the days.
    """
    quarters = _quarters(visit, first, last)
    lines = csv_lines(quarters) if kind == "csv" else json_parts(first, last, quarters)
    while piece := "".join(islice(lines, _LINES_AT_ONCE)):
        yield piece


def _quarters(visit: Visit, first: date, last: date) -> Iterator[Quarter]:
    start = first
    while start <= last:
        end = min(last, start + timedelta(days=DAYS_AT_ONCE - 1))
        answer = visit.asked(AskQuarters(lang=visit.lang, first=start, last=end))
        if not isinstance(answer, Quarters):
            raise HTTPException(HTTP_503_SERVICE_UNAVAILABLE)
        yield from answer.quarters
        start = end + _ONE_DAY
