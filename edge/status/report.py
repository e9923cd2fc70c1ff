"""The report on a chip for its household: the vault's figures, and the running chip's state."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from edge.area.report import AreaSummary, summary
from edge.area.settings import UNREADABLE, AreaChoices, AreaConfig, load_choices
from edge.bills.calendars import first_day_of_present
from edge.bills.judgement import Judgement, Verdict
from edge.bills.signed_off import asks_for_release
from edge.bills.verifier import read_judgement
from edge.contracts.signed import load_contract
from edge.contracts.watch import unresolved, unresolved_notices
from edge.identity.enrolment import load_device
from edge.identity.platform_keys import KnownKeys, read_known_keys
from edge.metering.events import Notice, NoticeKind
from edge.metering.state import MeterState
from edge.metering.unconfirmed import Quarantine, Unconfirmed, is_waiting, unconfirmed_in
from edge.moving.departure import ORDER
from edge.mqtt.message import Absence
from edge.status.lasting import lasting
from edge.status.line import LineFault, LineState
from edge.status.presence import Presence, StatusFile, is_running
from edge.status.repeater import repeater_of
from edge.status.software import SoftwareState, read_software
from edge.tic.frame import Mode
from edge.tic.repeater.choice import RepeaterState
from edge.vault.moving import Departure
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import day_number, legal_day, next_month, quarter_hour_start
from protocol.contract import Contract
from protocol.errors import ConfigError
from protocol.ids import DeviceId
from system.certificates import ENDS_SOON, Lifetime, read_lifetime
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import SetAsideMessage, read_set_aside

CLOCK_OFF_S = 60


class Advice(StrEnum):
    """What the household can do now."""

    START = "start_the_chip"
    WIRING = "look_at_the_wiring"
    INTERFACE = "look_at_the_interface"
    SIGNAL = "look_at_the_signal"
    ADAPTER = "look_at_the_adapter"
    LINE = "mend_the_line"
    NETWORK = "look_at_the_network"
    REFUSED = "ask_the_collectivity"
    CERTIFICATE = "renew_the_certificate"
    NOT_SIMULATED = "say_that_the_meter_is_real"
    CLOCK = "set_the_clock"
    TIME = "let_a_clock_be_sure"
    NETWORK_TIME = "let_the_network_give_the_time"
    REVOKED = "enrol_again"
    AUTHORITY = "compare_the_authority"
    CITY_CERTIFICATE = "tell_the_collectivity"
    DOUBLE = "end_the_other_chip"
    CONFIRM = "confirm_the_index"
    OTHER_METER = "say_whose_meter_it_is"
    CONFIRMED = "wait_for_what_was_confirmed"
    CONTRACT = "make_a_contract_for_the_meter"
    TARIFF = "ask_for_the_meters_tariff"
    MOVE_OUT = "let_the_household_move_out_or_not"
    LEAVING = "let_the_chip_send_the_end"
    LEFT = "export_and_erase"
    FORKED = "show_the_two_lists_of_keys"
    CHOICES = "choose_again_about_the_figures"


_ADVICE = {
    Absence.NETWORK: Advice.NETWORK,
    Absence.AUTHORITY: Advice.AUTHORITY,
    Absence.CERTIFICATE: Advice.REFUSED,
    Absence.EXPIRED: Advice.CERTIFICATE,
    Absence.CITY_EXPIRED: Advice.CITY_CERTIFICATE,
    Absence.REVOKED: Advice.REVOKED,
    Absence.REFUSED: Advice.REFUSED,
    Absence.DOUBLE: Advice.DOUBLE,
}


class NextBill(msgspec.Struct, frozen=True):
    """The days [start, end) of the next bill; `end` is None if no bill has shown a rhythm yet."""

    start: date
    end: date | None


class ChipReport(msgspec.Struct, frozen=True, rename={"unresolved": "standing"}):
    """What `volet edge status` reports to the household about its own chip.

    Attributes:
        last_quarter_hour_end: the instant up to which the meter is accounted for.
        presence: None if no chip runs.
        certificate: None if the chip is not enrolled.
        device: the chip's id, None if it is not enrolled.
        left_after: the last day of a household that has moved out.
        move_out_ordered_at: when the household asked to move out, until that is done.
        revoked_at: when the chip learnt that it is revoked, until the broker accepts it again.
        unresolved: the notices of what is so now.
        offer_from: the first day of a contract for what the meter is set to, None if not known.
        set_aside: the messages that the program could not handle, without their content.
        keys: what the chip knows of its collectivity's keys, None before it has been told.
        software: the release of the program that reports, None if it is of none.
        repeater: how the line is repeated on the home network, None if it is not.
    """

    intervals: int
    days: int
    blocks: int
    outbox_depth: int
    incarnations: int
    statements: int
    last_quarter_hour_end: datetime | None
    last_day_closed: date | None
    waiting_for_cloud: int
    notices: tuple[Notice, ...]
    area: AreaSummary
    presence: Presence | None
    has_contract: bool
    next_bill: NextBill | None
    certificate: Lifetime | None
    advice: tuple[Advice, ...]
    device: DeviceId | None = None
    left_after: date | None = None
    move_out_ordered_at: datetime | None = None
    revoked_at: datetime | None = None
    unresolved: tuple[Notice, ...] = ()
    offer_from: date | None = None
    set_aside: tuple[SetAsideMessage, ...] = ()
    keys: KnownKeys | None = None
    software: SoftwareState | None = None
    repeater: RepeaterState | None = None


def report(
    directory: Path,
    area: AreaConfig,
    now: datetime,
    confirmed: Unconfirmed | None,
    *,
    is_real_line_called_simulated: bool = False,
) -> ChipReport:
    """Return the report on the chip in `directory`, whether it runs or not.

    Args:
        directory: the chip's directory.
        area: the configuration of the area lane.
        now: the present instant.
        confirmed: what a person has confirmed and the chip has not carried out.
        is_real_line_called_simulated: see `EdgeConfig`.

    Raises:
        ConfigError: the chip has never run, or its contract is damaged.
        StoreError: its vault is damaged.
    """
    choices = _choices(directory)
    record = StatusFile(directory).read()
    presence = record.presence
    if presence is not None and not is_running(presence):
        presence = None
    path = directory / "device.pem"
    certificate = read_lifetime("chip", path) if path.exists() else None
    documents, keys = load_contract(directory), read_known_keys(directory)
    today = legal_day(now)
    with read_vault(directory) as vault:
        figures, departure = vault.figures(), vault.departures.get()
        last = figures.last_quarter_hour
        end = None if last is None else quarter_hour_start(last[0], last[1] + 1)
        has_left = departure is not None
        order = None if has_left else ORDER.read(directory)
        notices, state = vault.values.notices(), vault.values.state()
        return ChipReport(
            intervals=figures.intervals,
            days=figures.days,
            blocks=figures.blocks,
            outbox_depth=figures.outbox_depth,
            incarnations=figures.incarnations,
            statements=figures.statements,
            last_quarter_hour_end=None if end is None else end.astimezone(UTC),
            last_day_closed=figures.last_day_closed,
            waiting_for_cloud=figures.intervals_to_encrypt,
            notices=tuple(lasting(notices, now, are_receipts_held=asks_for_release(vault))),
            area=summary(vault, choices or UNREADABLE, area, day_number(today)),
            presence=presence,
            has_contract=documents is not None,
            next_bill=(
                None
                if documents is None
                else next_bill(_judged(vault), _until(documents[1], departure))
            ),
            certificate=certificate,
            advice=(
                *([Advice.NOT_SIMULATED] if is_real_line_called_simulated else []),
                *advise_on_move(departure, is_ordered=order is not None),
                *advise(
                    presence,
                    certificate,
                    now,
                    has_left=has_left,
                    is_revoked=record.revoked_at is not None,
                ),
                *([] if has_left else advise_on_unconfirmed(state, confirmed)),
                *([] if has_left else advise_on_contract(notices)),
                *([Advice.FORKED] if keys is not None and keys.is_forked else []),
                *([Advice.CHOICES] if choices is None else []),
            ),
            device=load_device(directory),
            left_after=None if departure is None else departure.last_day,
            move_out_ordered_at=None if order is None else order.asked_at,
            revoked_at=record.revoked_at,
            unresolved=tuple(unresolved_notices(notices)),
            offer_from=_offer_from(vault, None if documents is None else documents[1], today),
            set_aside=read_set_aside(directory / SET_ASIDE),
            keys=keys,
            software=read_software(),
            repeater=repeater_of(directory, presence),
        )


def _choices(directory: Path) -> AreaChoices | None:
    """Return the household's choices; None if they are damaged, which the report has to say."""
    try:
        return load_choices(directory)
    except ConfigError:
        return None


def next_bill(judgements: list[Judgement], contract: Contract) -> NextBill | None:
    """Return the expected next bill: it follows the last one and is as long; None if none comes."""
    correct = [judgement for judgement in judgements if judgement.verdict is Verdict.CORRECT]
    if not correct:
        has_days = contract.end is None or contract.start < contract.end
        return NextBill(contract.start, None) if has_days else None
    last = max(correct, key=lambda judgement: judgement.end)
    if contract.end is not None and last.end >= contract.end:
        return None
    end = last.end + (last.end - last.start)
    if last.start.day == last.end.day == 1:
        end = last.end
        for _ in range((last.end.year - last.start.year) * 12 + last.end.month - last.start.month):
            end = next_month(end)
    return NextBill(last.end, end if contract.end is None else min(end, contract.end))


def advise(
    presence: Presence | None,
    certificate: Lifetime | None,
    now: datetime,
    *,
    has_left: bool,
    is_revoked: bool = False,
) -> tuple[Advice, ...]:
    """Return the advice on line, clock, link and certificate, the most urgent first."""
    advice = []
    if presence is None:
        if not has_left and not is_revoked:
            advice.append(Advice.START)
    else:
        line, why = presence.line, presence.session.why
        if not has_left and not line.is_starting and line.is_poor:
            advice.append(Advice.LINE if line.is_good else _advise_on_line(line))
        if not has_left and not line.is_time_known:
            has_no_date = line.mode == Mode.HISTORIQUE.value
            advice.append(Advice.NETWORK_TIME if has_no_date else Advice.TIME)
        if abs(line.clock_offset_s or 0) > CLOCK_OFF_S:
            advice.append(Advice.CLOCK)
        if why is Absence.CLOCK and Advice.CLOCK not in advice:
            advice.append(Advice.CLOCK)
        elif why in _ADVICE:
            advice.append(_ADVICE[why])
    if is_revoked and Advice.REVOKED not in advice:
        advice.append(Advice.REVOKED)
    is_ending = certificate is not None and certificate.is_within(ENDS_SOON, now)
    if is_ending and Advice.CERTIFICATE not in advice:
        advice.append(Advice.CERTIFICATE)
    return tuple(advice)


def _advise_on_line(line: LineState) -> Advice:
    """Return the advice for a line on which no good frame comes."""
    if line.fault is LineFault.AWAY:
        return Advice.ADAPTER
    if line.fault is LineFault.GARBLED:
        return Advice.SIGNAL
    return Advice.INTERFACE if line.last_frame_at is None else Advice.WIRING


def advise_on_contract(notices: list[Notice]) -> list[Advice]:
    """Return the advice if the meter's line differs from the contract."""
    differing = unresolved(notices)
    advice = [Advice.CONTRACT] if NoticeKind.METER_DIFFERS in differing else []
    if differing.keys() & {NoticeKind.CALENDAR_DIFFERS, NoticeKind.POWER_DIFFERS}:
        advice.append(Advice.TARIFF)
    return advice


def advise_on_unconfirmed(
    state: MeterState | None, confirmed: Unconfirmed | None = None
) -> list[Advice]:
    """Return the advice if an index or a meter waits for a person's confirmation.

    `confirmed`: the confirmation that already waits for the chip.
    """
    unconfirmed = None if state is None else unconfirmed_in(state)
    if state is None or unconfirmed is None:
        return []
    if confirmed is not None and is_waiting(state, confirmed):
        return [Advice.CONFIRMED]
    return [Advice.CONFIRM if isinstance(unconfirmed, Quarantine) else Advice.OTHER_METER]


def advise_on_move(departure: Departure | None, *, is_ordered: bool) -> list[Advice]:
    """Return the advice to a household that moves out or has moved out."""
    if departure is None:
        return [Advice.MOVE_OUT] if is_ordered else []
    return [Advice.LEFT if departure.is_told else Advice.LEAVING]


def _until(contract: Contract, departure: Departure | None) -> Contract:
    """Return the contract, ending with the household's last day here if it leaves."""
    if departure is None:
        return contract
    return msgspec.structs.replace(contract, end=departure.last_day + timedelta(days=1))


def _judged(vault: VaultReader) -> list[Judgement]:
    return [
        judgement for row in vault.statements() if (judgement := read_judgement(row)) is not None
    ]


def _offer_from(vault: VaultReader, contract: Contract | None, today: date) -> date | None:
    """Return the first day of a contract for what the meter is set to, None if not known.

    A calendar can only price whole days of its own. Another subscribed power makes no bill invalid,
    so that a contract for it may begin at any time.
    """
    differing = unresolved(vault.values.notices())
    if NoticeKind.POWER_DIFFERS in differing and NoticeKind.CALENDAR_DIFFERS not in differing:
        return today + timedelta(days=1)
    state = vault.values.state()
    if state is None or state.account is None:
        return None
    days = [closed for closed, _ in vault.values.fingerprinted_days()]
    first = first_day_of_present(days, state.account)
    return first if first is None or contract is None else max(first, contract.start)


def last_day(bill_end: date) -> date:
    """Return the last day of a bill whose days end before `bill_end`."""
    return bill_end - timedelta(days=1)
