"""The pages that show: each asks the chip, and lays out what it answers."""

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from edge.household.requests import (
    AskAgreements,
    AskBills,
    AskBudget,
    AskLetters,
    AskLive,
    AskMoving,
    AskOffers,
    AskOwnCurve,
    AskShared,
    AskState,
    AskToday,
)
from edge.household.shown import (
    ChipState,
    LetterList,
    Live,
    Moving,
    OfferList,
    OwnCurve,
    Shared,
    SpentBudget,
    Today,
)
from edge.household.shown_agreements import AgreementList
from edge.household.shown_bills import BillList
from edge.language.numbers import time_text
from edge.page import views
from edge.page.browsers import browser_in_words
from edge.page.curve_file import KINDS, CurveFile, parts
from edge.page.visit import Visit, expected
from protocol.calendar import legal_day


async def today_page(visit: Visit) -> Response:
    """Show the day so far."""
    today = expected(Today, await visit.ask(AskToday(lang=visit.lang)))
    live = expected(Live, await visit.ask(AskLive(lang=visit.lang)))
    so_far, last_day = views.today_facts(today, visit.lang)
    return visit.show(
        "today",
        today=today,
        live=views.live_texts(live, visit.lang),
        curve=views.curve(today.day, today.quarters, visit.lang),
        so_far=so_far,
        last_day=last_day,
        bill=views.last_bill(today, visit.lang),
        beside=views.beside_link(today, visit.lang),
    )


async def shared_page(visit: Visit) -> Response:
    """Show what left the home for a day."""
    day = visit.day("jour")
    shared = expected(Shared, await visit.ask(AskShared(lang=visit.lang, day=day)))
    before, after = views.neighbours(shared)
    contribution, how = views.contribution(shared, visit.lang)
    return visit.show(
        "shared",
        shared=shared,
        title=views.shared_title(shared, visit.lang),
        before=before,
        after=after,
        energy=views.metered_text(shared, visit.lang),
        curve=views.curve(shared.day, shared.quarters, visit.lang),
        blocks=views.blocks(shared, visit.lang),
        contribution=contribution,
        contribution_how=how,
        sent=views.sent(shared, visit.lang),
        beside=views.beside(shared, visit.lang),
        beside_days=views.beside_days(shared, visit.lang),
    )


async def budget_page(visit: Visit) -> Response:
    """Show what the neighbourhood's figures have cost in privacy."""
    budget = expected(SpentBudget, await visit.ask(AskBudget(lang=visit.lang)))
    return visit.show(
        "budget",
        budget=budget,
        spent=views.spent_noise(budget, visit.lang),
        caps=views.caps(budget, visit.lang),
    )


async def bills_page(visit: Visit) -> Response:
    """Show the bills, and the lines of one."""
    statement = visit.statement("releve")
    bills = expected(BillList, await visit.ask(AskBills(lang=visit.lang, statement=statement)))
    return visit.show(
        "bills",
        bills=bills,
        rows=views.bill_rows(bills, visit.lang),
        bars=views.bill_bars(bills),
    )


async def letters_page(visit: Visit) -> Response:
    """Show the providers' private messages."""
    letters = expected(LetterList, await visit.ask(AskLetters(lang=visit.lang)))
    return visit.show("letters", letters=letters, titles=views.letter_titles(letters, visit.lang))


async def offers_page(visit: Visit) -> Response:
    """Show what the listed offers would have cost."""
    offers = expected(OfferList, await visit.ask(AskOffers(lang=visit.lang)))
    return visit.show(
        "offers",
        offers=offers,
        rows=views.offer_rows(offers, visit.lang),
        facts=views.offer_facts(offers, visit.lang),
    )


async def agreements_page(visit: Visit) -> Response:
    """Show contracts, receipts, the part in the neighbourhood's figures, and the trustees."""
    agreements = expected(AgreementList, await visit.ask(AskAgreements(lang=visit.lang)))
    return visit.show(
        "agreements",
        agreements=agreements,
        contracts=views.contracts(agreements, visit.lang),
        waiting=agreements.waiting,
        today=legal_day(datetime.now(UTC)),
        sets=views.trustee_sets(agreements, visit.lang),
    )


async def moving_page(visit: Visit) -> Response:
    """Show how far the household is with moving out, and what to type at the chip for it."""
    moving = expected(Moving, await visit.ask(AskMoving(lang=visit.lang)))
    until = None if moving.asked_until is None else time_text(moving.asked_until, visit.lang)
    return visit.show("moving", moving=moving, until=until)


async def own_curve_page(visit: Visit) -> Response:
    """Show how much of the curve the chip keeps."""
    own = expected(OwnCurve, await visit.ask(AskOwnCurve(lang=visit.lang)))
    until = None if own.asked_until is None else time_text(own.asked_until, visit.lang)
    return visit.show("own_curve", own=own, until=until)


async def curve_file(visit: Visit) -> Response:
    """Send the household its curve as a file."""
    kind = visit.request.path_params["kind"]
    if kind not in KINDS:
        raise HTTPException(HTTP_404_NOT_FOUND)
    own = expected(OwnCurve, await visit.ask(AskOwnCurve(lang=visit.lang)))
    days = own.days(visit.day("du"), visit.day("au"))
    if days is None:
        raise HTTPException(HTTP_404_NOT_FOUND)
    name = f"{visit.texts['curve_file']}_{days[0]}_{days[1]}.{kind}"
    return CurveFile(
        parts(visit, kind, *days),
        media_type=KINDS[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def state_page(visit: Visit) -> Response:
    """Show the state of the chip, and who is logged in."""
    state = expected(ChipState, await visit.ask(AskState(lang=visit.lang)))
    sessions = [
        {
            "name": each.name,
            "since": time_text(each.since, visit.lang),
            "seen": time_text(each.seen, visit.lang),
            "role": visit.texts[each.role],
            "browser": browser_in_words(each.browser, visit.lang),
            "agent": each.browser,
            "is_this": visit.session is not None and each.name == visit.session.name,
        }
        for each in visit.sessions.all()
    ]
    return visit.show("state", state=state, sessions=sessions)


async def help_page(visit: Visit) -> Response:
    """Show help."""
    await visit.look_whether_early()
    return visit.show("help")
