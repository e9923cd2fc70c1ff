"""A bill as PDF, which the chip has laid out while the visitor waits."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND, HTTP_503_SERVICE_UNAVAILABLE

from edge.household.requests import AskBillPdf, AskBills
from edge.household.shown_bills import BillList, BillPdf
from edge.page.visit import Visit, expected

ASK_EVERY_S = 0.5
# For one that waits for others too; the chip ends what takes it longer than two minutes.
WAIT_S = 300.0
WAITING_MAX = 4


class BillFiles:
    """Asks for one bill at a time; a few visitors wait until it is their turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def send(self, visit: Visit) -> Response:
        """Send the bill that the address names."""
        statement = visit.statement("releve")
        if statement is None:
            raise HTTPException(HTTP_404_NOT_FOUND)
        bills = expected(BillList, await visit.ask(AskBills(lang=visit.lang, statement=statement)))
        if bills.shown is None or bills.shown.sheet is None:
            raise HTTPException(HTTP_404_NOT_FOUND)
        if self._waiting >= WAITING_MAX:
            return _busy(visit)
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S), self._turn:
                pdf = await _laid_out(visit, statement)
        except TimeoutError:
            return _busy(visit)
        finally:
            self._waiting -= 1
        if visit.sessions.of(visit.token) is None:  # ended meanwhile
            return visit.stranger()
        row = bills.shown.row
        name = f"{visit.texts['bill_file']}_{row.first}_{row.last}.pdf"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(pdf, media_type="application/pdf", headers=headers)


async def _laid_out(visit: Visit, statement: str) -> bytes:
    asked = AskBillPdf(lang=visit.lang, statement=statement)
    while True:
        answer = expected(BillPdf, await visit.ask(asked))
        if answer.data is not None:
            return bytes(answer.data)
        await asyncio.sleep(ASK_EVERY_S)


def _busy(visit: Visit) -> Response:
    why = visit.texts["bill_busy"]
    return visit.trouble(HTTP_503_SERVICE_UNAVAILABLE, "bill_busy_title", why)
