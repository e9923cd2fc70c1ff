"""What each kind of message and each call of the API may cost, for docs/reference/limits.md.

Numbers come from the code. A kind of message or a call without a row here stops `generate.py`.
CPU times were measured on one core of a 2-core x86-64 virtual machine.
"""

from collections.abc import Callable, Iterable, Sequence

from cloud.api.app import operations
from cloud.api.connections import ADDRESS_CONNECTIONS_MAX, CONNECTIONS_MAX
from cloud.api.gate import RateLimits
from cloud.api.service import UPLOADS_MAX
from cloud.api.upload import ITEMS_MAX
from cloud.billing.quotes import PAUSE
from cloud.billing.requests import AHEAD_MAX
from cloud.config import CloudConfig
from cloud.ingest.quotas import DAILY
from cloud.store.put import LETTERS_A_DAY, REQUESTS_A_DAY
from cloud.store.sqlite.batch import INCARNATIONS_MAX, MONTHS_MAX
from cloud.store.sqlite.blocks import DEAD_LETTERS_KEPT
from cloud.worker.worker import REQUESTS_MAX
from edge.area.figure import DAYS_KEPT, FIGURE_MAX_BYTES
from edge.area.neighbourhood import READ_AN_HOUR_MAX
from edge.home import link
from edge.home.announcer import KEPT_EVERY_S, LIVE_EVERY_S, SLOW_EVERY_S
from edge.home.record import ENTITIES_MAX, TOPICS_MAX
from edge.household.door import WAIT_S
from edge.household.messages import ANSWER_BYTES_MAX
from edge.household.requests import REQUEST_BYTES_MAX
from edge.page import guards, shares
from edge.page.bill_file import WAITING_MAX
from edge.page.drafts import DRAFTS_BYTES_MAX, DRAFTS_MAX, DRAFTS_MAX_EACH
from edge.page.guards import BODY_BYTES_MAX
from edge.page.live import STREAMS_MAX, STREAMS_MAX_EACH
from edge.page.server import ASKS_WITHIN_S, TAKES_WITHIN_S
from edge.page.server import CONNECTIONS_MAX as PAGE_CONNECTIONS_MAX
from edge.page.server import CONNECTIONS_MAX_EACH as PAGE_CONNECTIONS_MAX_EACH
from edge.page.sessions import SESSIONS_MAX
from edge.tic.repeater.channel import CLIENTS_MAX as LINE_CLIENTS_MAX
from edge.tic.repeater.channel import WAITING_BYTES as CHIP_WAITING_BYTES
from edge.tic.repeater.serving import (
    CLIENTS_MAX_EACH,
    HEARD_MAX_BYTES,
    REST_S,
)
from edge.tic.repeater.serving import (
    WAITING_MAX_BYTES as CLIENT_WAITING_MAX_BYTES,
)
from monitor.directory import MonitorConfig
from monitor.figures import FIGURES_MAX
from monitor.intake import STATUSES_A_DAY
from monitor.server import CONNECTIONS_MAX as MONITOR_CONNECTIONS_MAX
from monitor.server import HEAD_S as MONITOR_HEAD_S
from protocol.envelope import SIZE_MAX_BYTES
from protocol.key_list import LIST_MAX_BYTES, LISTED_MAX
from protocol.messages import RETENTION_MONTHS
from protocol.quota import YEAR_DOCUMENTS_MAX, YEAR_MAX_BYTES
from protocol.renewal import REQUEST_MAX_BYTES
from protocol.topics import DOWN, SENT_BY_CHIPS, Kind, PublicKind, TrusteeKind
from trustee.letters import GENERATIONS_MAX, LETTERS_MAX_BYTES, WAITING_MAX_BYTES
from trustee.quotas import KEYS_A_DAY, PEER_MESSAGES_A_DAY, PEER_QUESTIONS_A_DAY

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], str]

_LIMITS = RateLimits()

# What the cloud keeps of each kind, what one message costs the worker, and where that is held.
CHIP: dict[Kind, tuple[str, str, str]] = {
    Kind.EPOCH: (
        (
            f"200 bytes each: {INCARNATIONS_MAX} incarnations of a household, {MONTHS_MAX} months of "
            f"each, for {RETENTION_MONTHS} months"
        ),
        "0.16 ms",
        "store",
    ),
    Kind.BLOCK: (
        (
            "1.2 kB each: one block for each of the 128 values of a day, "
            f"{RETENTION_MONTHS} months; of days to come until then"
        ),
        "0.33 ms; 0.19 ms where it is stored already",
        "store",
    ),
    Kind.FETCH: (
        "nothing; the answer has at most 512 blocks, or 70 kB of states",
        (
            f"2 ms with 500 incarnations, 36 ms with {INCARNATIONS_MAX}; one waits for each chip, "
            f"{REQUESTS_MAX} in all"
        ),
        "worker",
    ),
    Kind.SEEN: ("nothing", "0.14 ms", "ingest"),
    Kind.RECEIPT: ("at most 48 kB, one for each statement", "as `up/seen`", "store"),
    Kind.AREA: (
        "one for each day and measures document, until a month after its last figure is closed",
        "as `up/seen`",
        "ingest, store",
    ),
    Kind.ASK: ("nothing; the answer is what the chip says that it lacks", "as `up/seen`", "worker"),
    Kind.LEAVE: ("one termination for each contract", "as `up/seen`", "store"),
    Kind.QUOTE: (
        "nothing; the answer has at most 16 parts of 60 kB",
        f"one answer in {PAUSE.total_seconds():g} s, computed with weights that all chips share",
        "worker",
    ),
    Kind.RENEW: (
        "nothing; a certificate of 700 bytes at most every 50 days",
        "0.5 ms; 3 ms where a certificate is due",
        "worker",
    ),
    Kind.KEY: (
        (
            f"the last one in broker and cloud; in each trustee {GENERATIONS_MAX} generations a "
            f"quarter, of at most {LETTERS_MAX_BYTES // 1024} KiB"
        ),
        (
            f"as `up/seen`; 12 ms in each trustee, which opens at most {GENERATIONS_MAX} a day and "
            f"reads at most {KEYS_A_DAY}"
        ),
        "ingest, trustee",
    ),
    Kind.STATUS: (
        "the last one in broker and cloud",
        "less than `up/seen`: no signature",
        "ingest",
    ),
}

# What makes a worker send each kind to a chip, and what bounds that.
CAUSES: dict[Kind, tuple[str, str]] = {
    Kind.ACK: ("a batch with `up/epoch`, `up/block` or `up/fetch`", "the quotas of these"),
    Kind.STORED_EPOCH: ("`up/fetch`", "its quota"),
    Kind.STORED_BLOCK: ("`up/fetch`", "its quota; 512 blocks an answer"),
    Kind.STATEMENT: (
        "a provider's request",
        f"{REQUESTS_A_DAY} a day for each contract; retained for 90 days or until seen",
    ),
    Kind.RECEIPT_ACK: ("`up/receipt`", "its quota"),
    Kind.AREA_ACK: ("`up/area`", "its quota"),
    Kind.TERMS: ("`up/ask`, `up/area`", "the quotas of these"),
    Kind.DOCUMENT: ("`up/ask`", "its quota"),
    Kind.LEFT: ("`up/leave`", "its quota"),
    Kind.QUOTES: ("`up/quote`", f"one answer in {PAUSE.total_seconds():g} s for each chip"),
    Kind.CERTIFICATE: ("`up/renew`", "its quota"),
    Kind.LETTER: (
        "a provider's message",
        f"{LETTERS_A_DAY} a day for each contract; retained for 90 days or until seen",
    ),
}

OTHERS: dict[TrusteeKind | PublicKind, tuple[str, str]] = {
    TrusteeKind.REQUEST: ("the release worker", "only workers may write it"),
    TrusteeKind.RESPONSE: ("a trustee", "only the trustee may write its own; one answer a request"),
    TrusteeKind.LOG: (
        "a trustee",
        (
            f"only the trustee may write its own; each other reads {PEER_MESSAGES_A_DAY} a day of it "
            f"and answers {PEER_QUESTIONS_A_DAY} questions, a quarter of them at once"
        ),
    ),
    TrusteeKind.SEALING: (
        "a trustee, at each connection and month",
        "only the trustee may write its own; 1.3 kB for each of at most 12 calendar months, retained",
    ),
    PublicKind.CURVE: (
        "the release worker, for each neighbourhood and counted day",
        (
            f"only workers may write it; a chip reads at most {FIGURE_MAX_BYTES >> 10} KiB of each, "
            f"{READ_AN_HOUR_MAX} an hour, and keeps those of {DAYS_KEPT} days"
        ),
    ),
    PublicKind.HUB: ("the worker", "one retained message; only workers may write it"),
    PublicKind.KEYS: (
        "the root, once for each key that is replaced",
        f"{LIST_MAX_BYTES >> 10} KiB; {LISTED_MAX} keys of each sort",
    ),
    PublicKind.LIST: (
        "a provider's document, or the collectivity's",
        (
            f"{YEAR_DOCUMENTS_MAX} documents of {YEAR_MAX_BYTES >> 20} MiB in all within a year for "
            "each key; cloud and chip hold it"
        ),
    ),
}

_READS = "reads what is stored; nothing but the call's row in the audit"
_A_REQUEST = (
    f"{REQUESTS_A_DAY} a day for each contract, over days of which the last is at most "
    f"{AHEAD_MAX.days} ahead, with its statement"
)

# What each call keeps, by method and path.
CALLS: dict[str, str] = {
    "GET /v1/me": _READS,
    "GET /v1/contracts": _READS,
    "GET /v1/contracts/{contract}": _READS,
    "GET /v1/contracts/{contract}/document": _READS,
    "POST /v1/contracts/{contract}/acceptance": "one for each contract",
    "POST /v1/statements": _A_REQUEST,
    "GET /v1/statements/{statement}": _READS,
    "GET /v1/statements/{statement}/correction": _READS,
    "GET /v1/drafts": _READS,
    "POST /v1/batches": (
        f"{_A_REQUEST}; at most {ITEMS_MAX} lines, one upload of a provider at a time, "
        f"{UPLOADS_MAX} in all"
    ),
    "GET /v1/batches": _READS,
    "GET /v1/batches/{batch}": _READS,
    "GET /v1/batches/{batch}/statements": _READS,
    "POST /v1/catalogue": (
        f"{YEAR_DOCUMENTS_MAX} documents of {YEAR_MAX_BYTES >> 20} MiB in all within a year"
    ),
    "GET /v1/catalogue": _READS,
    "GET /v1/catalogue/{document}": _READS,
    "GET /v1/receipts": _READS,
    "POST /v1/receipts/acknowledged": "one row for each receipt",
    "POST /v1/letters": f"{LETTERS_A_DAY} a day for each contract",
    "GET /v1/letters/{letter}": _READS,
    "POST /v1/chips/{device}/certificate": (
        f"without a credential, as a stranger; {REQUEST_MAX_BYTES >> 10} KiB, no row in the audit; a "
        "certificate of 700 bytes at most every 50 days for a chip that signed the request"
    ),
    "GET /v1/areas": _READS,
    "GET /v1/areas/figures": _READS,
    "GET /v1/areas/turnover": _READS,
}


def chip_messages(table: Table) -> str:
    """Return what one chip may send in a day and what that costs."""
    rows = [
        (f"`{kind}`", f"{DAILY[kind]:,}".replace(",", " "), *CHIP[kind]) for kind in SENT_BY_CHIPS
    ]
    return table(("from a chip", "a day", "kept", "CPU of the worker, each", "held by"), rows)


def other_messages(table: Table) -> str:
    """Return what makes others send messages, and its bound."""
    kinds = (*DOWN, *TrusteeKind, *PublicKind)
    causes = {**CAUSES, **OTHERS}
    return table(("message", "cause", "bound"), [(f"`{kind}`", *causes[kind]) for kind in kinds])


def calls(table: Table) -> str:
    """Return what each call of the API keeps."""
    names = [f"{method} {path}" for method, path, _, _ in operations()]
    return table(("call", "kept"), [(f"`{name}`", CALLS[name]) for name in names])


def parties(table: Table) -> str:
    """Return the bounds that do not belong to one kind of message or call."""
    defaults = CloudConfig("", "")
    rows = [
        ("broker", "a message", f"{SIZE_MAX_BYTES >> 10} KiB"),
        (
            "broker",
            "retained for one chip of what it sends",
            (
                f"{len(SENT_BY_CHIPS)} messages; all are cleared when it is revoked, or by `volet cloud "
                "renew` once its certificates have ended"
            ),
        ),
        ("broker", "memory", f"{defaults.broker_memory_mb} MB (`broker_memory_mb`)"),
        ("broker", "CPU for a message of a flood", "0.1 ms"),
        (
            "worker",
            "CPU for a message of a flood",
            "0.3 ms, whether it is dropped or not",
        ),
        (
            "trustee",
            "CPU for a message of a flood",
            "0.5 ms, whether it is dropped or not",
        ),
        ("broker", "connections", "one for each certificate"),
        ("cloud", "dead letters", f"{DEAD_LETTERS_KEPT}, without payload"),
        (
            "API",
            "calls of a provider",
            (
                f"{_LIMITS.rate:g} a second, {_LIMITS.burst:g} in a burst, {_LIMITS.day_calls:g} a day, "
                f"{_LIMITS.calls} at a time"
            ),
        ),
        (
            "API",
            "calls of an address, in IPv6 of a /64 network, without a credential",
            f"{_LIMITS.stranger_rate:g} a second, {_LIMITS.stranger_burst:g} in a burst",
        ),
        (
            "API",
            "a body",
            (
                f"{_LIMITS.body_bytes >> 20} MiB, of a bulk request {_LIMITS.batch_bytes >> 20} MiB; "
                f"{_LIMITS.chunk_s:g} s for the next part, {_LIMITS.body_s:g} s for all, "
                f"{_LIMITS.batch_s:g} s for a bulk request"
            ),
        ),
        (
            "API",
            "connections",
            (
                f"{CONNECTIONS_MAX}, of one address (in IPv6 of a /64 network) "
                f"{ADDRESS_CONNECTIONS_MAX}"
            ),
        ),
        (
            "trustee",
            "key shares that wait for a roster entry",
            f"{WAITING_MAX_BYTES >> 20} MiB in all, the last one of each chip",
        ),
        (
            "monitor",
            "statuses of a chip",
            f"{STATUSES_A_DAY} a day, a quarter of them at once; more are dropped unread",
        ),
        (
            "monitor",
            "memory",
            (
                f"{MonitorConfig.chips_max} chips (`chips_max`), those not heard of for longest are "
                f"dropped; {FIGURES_MAX} groups of figures"
            ),
        ),
        (
            "monitor",
            "connections",
            f"{MONITOR_CONNECTIONS_MAX}, of this machine only; {MONITOR_HEAD_S:g} s for a request",
        ),
        (
            "repeater of the line",
            "clients of the home network at once",
            f"{LINE_CLIENTS_MAX}, {CLIENTS_MAX_EACH} of one address; {1 / REST_S:g} come in a second",
        ),
        (
            "repeater of the line",
            "bytes that wait for a client",
            (
                f"{CLIENT_WAITING_MAX_BYTES >> 10} KiB, a minute of a line at 9600 bit/s; one that is "
                f"slower is hung up on, and so is one that sends more than {HEARD_MAX_BYTES} bytes"
            ),
        ),
        (
            "chip",
            "bytes that wait for the repeater",
            (
                f"{CHIP_WAITING_BYTES >> 10} KiB in the kernel, with its own account of them; whole "
                "lines beyond it are dropped"
            ),
        ),
    ]
    return table(("held by", "what", "bound"), rows)


def at_home(table: Table) -> str:
    """Return the bounds of what comes from the household's own network."""
    rows = [
        (
            "page",
            "requests of one who was let in",
            f"{_share(shares.VISITOR)}; {SESSIONS_MAX} sessions",
        ),
        ("page", "requests of an address that was not", _share(shares.ADDRESS)),
        ("page", "of its network, /64 in IPv6 and /24 in IPv4", _share(shares.NETWORK)),
        ("page", "of all who were not let in", _share(shares.STRANGERS)),
        (
            "page",
            "a request",
            (
                f"{BODY_BYTES_MAX // 1_000} kB, {guards.UPLOADS_MAX} at once of more than "
                f"{guards.STRANGERS_BODY_BYTES_MAX // 1_000} kB, which is the most for one who is not let in; "
                f"{ASKS_WITHIN_S:g} s to send it, {TAKES_WITHIN_S:g} s to take the answer"
            ),
        ),
        (
            "page",
            "connections",
            (
                f"{PAGE_CONNECTIONS_MAX}, of one address {PAGE_CONNECTIONS_MAX_EACH}; where all are taken, "
                "one ends of the network that has most"
            ),
        ),
        ("page", "streams of live values", f"{STREAMS_MAX}, of one session {STREAMS_MAX_EACH}"),
        (
            "page",
            "requests in work",
            f"{guards.WORKING_MAX} of those who were let in, {guards.STRANGERS_WORKING_MAX} of all others",
        ),
        ("page", "bills as PDF", f"one in work, {WAITING_MAX} visitors who wait"),
        (
            "page",
            "forms that wait for a yes",
            f"{DRAFTS_MAX}, of one session {DRAFTS_MAX_EACH}; {DRAFTS_BYTES_MAX // 1_024} KiB",
        ),
        (
            "chip's door",
            "a question",
            (
                f"one at a time, {REQUEST_BYTES_MAX // 1_000} kB, of which the last byte comes within "
                f"{WAIT_S:g} s; an answer of {ANSWER_BYTES_MAX // 1_000_000} MB"
            ),
        ),
        (
            "chip's door",
            "CPU",
            "half of a core: after each question it rests for as long as that took",
        ),
        (
            "chip",
            "told to the home's own broker",
            (
                f"the meter's values every {LIVE_EVERY_S:g} s, the chip's every {SLOW_EVERY_S:g} s; of each topic "
                f"the latest value waits; {ENTITIES_MAX} entities, {TOPICS_MAX} retained topics"
            ),
        ),
        (
            "chip",
            "heard from the home's own broker",
            (
                f"{link.HEARD_MAX_BYTES >> 10} KiB a session, in which nothing but acknowledgements comes, read at "
                f"most every {link.REST_S * 1_000:g} ms; then the session ends"
            ),
        ),
        (
            "chip",
            "written for the smart home",
            f"one file, every {KEPT_EVERY_S / 60:g} min at most but for news",
        ),
    ]
    return table(("held by", "what", "bound"), rows)


def _share(share: shares.Share) -> str:
    return f"{share.each_s:g} a second, {share.at_once:g} at once"
