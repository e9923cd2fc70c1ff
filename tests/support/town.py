"""A small town at a broker: two chips, one of each role, and their rights to read and write."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloud.registry.pki import issue_role
from tests.support.broker import COLLECTIVITY, Broker, enrol_chip
from tests.support.mqtt import NOT_AUTHORIZED, Pass, Peer, chip_pass, role_pass

ALICE, BOB, WORKER, MONITOR, TRUSTEE = "alice", "bob", "worker", "monitor", "trustee-a"
EVERYBODY = (ALICE, BOB, WORKER, MONITOR, TRUSTEE)
SENT = (
    *("up/epoch", "up/block", "up/fetch", "up/seen", "up/receipt", "up/area", "up/ask"),
    *("up/leave", "up/quote", "up/renew", "key", "status"),
)
RECEIVED = (
    *("down/ack", "down/epoch", "down/block", "down/statement/00", "down/receipt", "down/area"),
    *("down/terms", "down/document", "down/left", "down/quote/00/1", "down/letter/00"),
    "down/certificate",
)
INVENTED = ("other", "up", "up/other", "up/block/0", "down/other", "down/ack/0", "status/0")
LISTED = ("list/0", "00" * 32)
SEALING = tuple(f"trustee/{TRUSTEE}/sealing/{month}" for month in range(1, 13))
CURVE = "area/curve/75056"
OTHER_FIGURES = ("area/curve-town/75056", "area/classes/75", "area/profile/75")
ROOT = f"volet/v1/{COLLECTIVITY}"


@dataclass(frozen=True)
class Town:
    """All holders of a certificate; `passes` has the names above as keys."""

    broker: Broker
    passes: Mapping[str, Pass]

    def connect(self, who: str, **options: object) -> Peer:
        """Connect one of the holders."""
        return Peer(self.broker.port, self.passes[who].context(), **options)

    def device(self, who: str, rest: str) -> str:
        """Return a topic below a device's own."""
        return f"{ROOT}/d/{self.passes[who].name}/{rest}"


def settle(broker: Broker, folder: Path) -> Town:
    """Add two chips and a trustee to the broker's collectivity with its worker and monitor."""
    issue_role(broker.cloud, TRUSTEE, datetime.now(UTC))
    broker.configure()
    chips = {who: chip_pass(enrol_chip(broker.cloud, folder / who)) for who in (ALICE, BOB)}
    roles = {who: role_pass(broker.cloud, who) for who in (WORKER, MONITOR, TRUSTEE)}
    return Town(broker, chips | roles)


@dataclass(frozen=True)
class Seen:
    """The possible operations as (who, topic) pairs, with devices by their nicknames."""

    written: frozenset[tuple[str, str]]
    read: frozenset[tuple[str, str]]


def rights() -> Seen:
    """Return the operations that the design allows; all others must be refused."""
    written, read = set(), set()
    for chip in (ALICE, BOB):
        for topic in SENT:
            written.add((chip, f"d/{chip}/{topic}"))
            read.add((WORKER, f"d/{chip}/{topic}"))
        written |= {(WORKER, f"d/{chip}/{topic}") for topic in SENT if topic.startswith("up/")}
        for topic in RECEIVED:
            written.add((WORKER, f"d/{chip}/{topic}"))
            read.add((chip, f"d/{chip}/{topic}"))
        read |= {(TRUSTEE, f"d/{chip}/key"), (MONITOR, f"d/{chip}/status")}
        read.add((chip, f"d/{chip}/status"))
    for role in (MONITOR, TRUSTEE):  # useless, since no role reads a device's topics
        written |= {(WORKER, f"d/{role}/{topic}") for topic in RECEIVED}
        cleared = {(WORKER, f"d/{role}/{topic}") for topic in SENT if topic.startswith("up/")}
        written, read = written | cleared, read | cleared
    public = (*(f"catalogue/{rest}" for rest in LISTED), "hub", "keys")
    read |= {(who, topic) for who in EVERYBODY for topic in public}
    written |= {(WORKER, topic) for topic in public}
    written |= {(WORKER, topic) for topic in (CURVE, *OTHER_FIGURES)}
    written |= {(WORKER, f"trustee/{TRUSTEE}/request")}
    written |= {(WORKER, f"trustee/{who}/request") for who in ("trustee-b", ALICE)}
    written |= {(TRUSTEE, f"trustee/{TRUSTEE}/{kind}") for kind in ("response", "log")}
    written |= {(TRUSTEE, topic) for topic in SEALING}
    read |= {(who, topic) for who in EVERYBODY for topic in SEALING}
    read |= {(TRUSTEE, f"trustee/{TRUSTEE}/log")}
    read |= {(who, CURVE) for who in EVERYBODY}
    read |= {(MONITOR, topic) for topic in OTHER_FIGURES}
    read |= {(TRUSTEE, f"trustee/{TRUSTEE}/request")}
    read |= {(WORKER, f"trustee/{TRUSTEE}/response"), (MONITOR, "$SYS/broker/version")}
    return Seen(frozenset(written), frozenset(read))


TOPICS = (
    *(f"d/{who}/{topic}" for who in EVERYBODY for topic in (*SENT, *RECEIVED, *INVENTED)),
    f"trustee/{TRUSTEE}/request",
    f"trustee/{TRUSTEE}/response",
    "trustee/trustee-b/request",
    "trustee/trustee-b/response",
    f"trustee/{TRUSTEE}/log",
    "trustee/trustee-b/log",
    *SEALING,
    f"trustee/{TRUSTEE}/sealing",
    f"trustee/{TRUSTEE}/sealing/0",
    f"trustee/{TRUSTEE}/sealing/13",
    "trustee/trustee-b/sealing/1",
    f"trustee/{ALICE}/sealing/1",
    f"trustee/{ALICE}/log",
    f"trustee/{ALICE}/request",
    f"trustee/{ALICE}/response",
    CURVE,
    f"{CURVE}/more",
    *OTHER_FIGURES,
    "catalogue/list/0/more",
    "hub",
    "hub/more",
    *(f"catalogue/{rest}" for rest in LISTED),
    "keys",
    "keys/more",
    "elsewhere",
)


def observe(town: Town) -> Seen:
    """Let everyone try to write every topic while everyone is subscribed to everything."""
    written, read = set(), set()
    full = {_full(town, topic): topic for topic in TOPICS}
    with _everyone(town) as peers:
        for peer in peers.values():
            peer.subscribe("#", "$SYS/broker/version")
        for who, peer in peers.items():
            codes = peer.publish_each(*full)
            written |= {
                (who, short)
                for short, code in zip(full.values(), codes, strict=True)
                if code != NOT_AUTHORIZED
            }
        for who, peer in peers.items():
            for topic, _ in peer.fence():
                read.add((who, full.get(topic, topic)))
    return Seen(frozenset(written), frozenset(read))


@contextmanager
def _everyone(town: Town) -> Iterator[dict[str, Peer]]:
    with ExitStack() as stack:
        yield {who: stack.enter_context(town.connect(who)) for who in town.passes}


def _full(town: Town, topic: str) -> str:
    parts = [town.passes[part].name if part in (ALICE, BOB) else part for part in topic.split("/")]
    return "/".join((ROOT, *parts))
