"""The latest values on the meter's line, as a stream to each page that shows them."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from edge.household.requests import AskLive
from edge.household.shown import Live
from edge.page import views
from edge.page.visit import Visit, expected

LIVE_EVERY_S = 2.0
# A browser opens a new stream by itself.
LIVE_FOR_S = 120.0
STREAMS_MAX, STREAMS_MAX_EACH = 8, 2


class LiveStreams:
    """The streams that are open, a few for each session."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    async def open(self, visit: Visit) -> Response:
        """Stream the latest values on the line, as server-sent events."""
        name = "" if visit.session is None else visit.session.name
        if self._open.total() >= STREAMS_MAX or self._open[name] >= STREAMS_MAX_EACH:
            raise HTTPException(HTTP_503_SERVICE_UNAVAILABLE)
        return StreamingResponse(self._events(visit, name), media_type="text/event-stream")

    async def _events(self, visit: Visit, name: str) -> AsyncIterator[str]:
        self._open[name] += 1
        try:
            for _ in range(int(LIVE_FOR_S / LIVE_EVERY_S)):
                if visit.sessions.of(visit.token) is None:  # ended meanwhile
                    return
                live = expected(Live, await visit.ask(AskLive(lang=visit.lang)))
                yield f"data: {json.dumps(views.live_texts(live, visit.lang))}\n\n"
                await asyncio.sleep(LIVE_EVERY_S)
        except HTTPException:
            return
        finally:
            self._open -= Counter((name,))  # without those that have none
