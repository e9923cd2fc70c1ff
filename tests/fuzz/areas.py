"""What trustees, collectivity and registrar sign for a chip's area lane, and the chip believes."""

import contextlib
import itertools
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.area.figure import FILE_NAME as FIGURES
from edge.area.figure import load_kept
from edge.area.neighbourhood import WRITTEN_EVERY_S
from edge.area.sealing import SealingKeyRequest
from edge.area.trust import MEASURES, TRUSTEE_SET, trust_state
from edge.identity.enrolment import signer_of
from edge.vault.area import DocumentRow
from protocol.area_cipher import month_number
from protocol.envelope import Address
from protocol.errors import MessageRefused
from protocol.governance import CosignedDocument, TrusteeSet, draw_up
from protocol.hpke import seal
from protocol.ids import DeviceId
from protocol.measures import Measures
from protocol.roster import FIRST_PREVIOUS, RosterEntry, SignedEntry
from protocol.roster import _signed_bytes as entry_bytes
from protocol.sealing import SealingNotice, month_topic
from protocol.topics import NEIGHBOURHOODS, PublicKind, TrusteeKind, area_topic
from tests.fuzz.target import Prepared, Samples, Target, named, seal_bytes
from tests.support.chip_area import CELL, Trustees, area_bench, make_measures
from tests.support.chip_bench import BenchClock, instant, make_identity
from tests.support.figures import curve_payload

DAY = 20_000
BENCH_START = instant(2026, 3, 26, 22)
# Slow enough for each to be read and written.
READ_EVERY_S = WRITTEN_EVERY_S


class FuzzedTrust:
    """A chip that has confirmed a set of trustees; `believe` shows it further documents."""

    def __init__(self) -> None:
        self.trustees = Trustees(Ed25519PrivateKey.generate())
        self.signer = signer_of(make_identity())
        self.first = self.trustees.sign(self.trustees.set())
        self.measures = make_measures(self.first.hash, bytes(32))
        self.rows = [_row(self.first), _row(self.trustees.sign(self.measures))]

    def sign(self, kind: type, body: bytes) -> CosignedDocument:
        """Let everybody sign any bytes as a document."""
        document = CosignedDocument(kind.__name__, body, ())
        trustees = self.trustees
        for name, key in zip(trustees.names, trustees.signing, strict=True):
            document = document.signed(name, key)
        return document.signed("collectivity", trustees.collectivity_key)

    def believe(self, *rows: DocumentRow, entries: tuple[SignedEntry, ...] = ()) -> None:
        trust = trust_state([*self.rows, *rows], entries, self.first.hash, self.signer)
        trust.measures_on(DAY)
        trust.entry_on(DAY)
        trust.transforms_wanted()


def _row(document: CosignedDocument) -> DocumentRow:
    is_set = document.kind == TrusteeSet.__name__
    kind = TRUSTEE_SET if is_set else MEASURES
    return DocumentRow(document.hash, kind, msgspec.msgpack.encode(document), DAY - 60, is_set)


def prepare_document(kind: type, directory: Path) -> Prepared:
    del directory
    fuzzed = FuzzedTrust()
    later = {"version": 2, "previous": fuzzed.first.hash, "effective": DAY - 1}
    good = (
        fuzzed.trustees.set(**later)
        if kind is TrusteeSet
        else make_measures(fuzzed.first.hash, bytes(32), version=2, effective=DAY - 1)
    )
    samples = Samples({"trustees": fuzzed.first.hash} if kind is Measures else {})

    def run(body: bytes) -> None:
        fuzzed.believe(_row(fuzzed.sign(kind, body)))

    return Prepared(run, (draw_up(good).body, *samples.bodies(kind)))


def prepare_entry(directory: Path) -> Prepared:
    del directory
    fuzzed = FuzzedTrust()
    known = {
        "previous": FIRST_PREVIOUS,
        "household_key": fuzzed.signer.household.id,
        "device": fuzzed.signer.device,
        "signing_key": fuzzed.signer.key.public_key().public_bytes_raw(),
        "cell": CELL,
    }

    def run(body: bytes) -> None:
        signature = fuzzed.trustees.registrar_key.sign(entry_bytes(body))
        fuzzed.believe(entries=(SignedEntry(body, signature),))

    return Prepared(run, Samples(known).bodies(RosterEntry))


def prepare_sealing_key(directory: Path) -> Prepared:
    del directory
    fuzzed = FuzzedTrust()
    trusted = trust_state(fuzzed.rows, (), fuzzed.first.hash, fuzzed.signer).sets[0]
    month = month_number(DAY)
    request = SealingKeyRequest(fuzzed.signer.collectivity, BenchClock(datetime.now(UTC)))
    request.connect()
    name, key = fuzzed.trustees.names[0], fuzzed.trustees.signing[0]
    topic = month_topic(fuzzed.signer.collectivity, name, month)
    address = Address(fuzzed.signer.collectivity, DeviceId(name), TrusteeKind.SEALING)

    def run(body: bytes) -> None:
        with contextlib.suppress(MessageRefused):
            request.take(topic, seal_bytes(address, body, key))
        request.keys(trusted, month)
        for taken in request._keys.values():
            seal(b"seeds", taken, b"")

    request.keys(trusted, month)
    good = SealingNotice(month, fuzzed.trustees.sealing.public(name, month))
    bodies = msgspec.msgpack.encode(good), *Samples({"month": month}).bodies(SealingNotice)
    return Prepared(run, bodies)


def prepare_figure(directory: Path) -> Prepared:
    """Fuzz a released curve, signed by nobody, up to the file that a chip keeps of it."""
    path = directory / FIGURES
    bench = area_bench(directory, BENCH_START, figures=path)
    bench.begin()
    bench.chip.topics()
    reader, at = bench.chip._handlers.neighbourhood, itertools.count(1e6, READ_EVERY_S)
    topic = area_topic("ville", NEIGHBOURHOODS, "75101")

    def run(payload: bytes) -> None:
        now_s = next(at)
        with contextlib.suppress(MessageRefused):
            assert reader.take_figure(topic, payload, now_s)
        reader.outgoing(now_s)
        assert load_kept(path).days == reader.known.days

    day = BENCH_START.date()
    seeds = (curve_payload(day), curve_payload(day, revision=1, count=92), b"", b"[" * 10_000)
    return Prepared(run, seeds, bench.kill)


TARGETS = (
    *(
        Target(
            f"chip-trusted-{kind.__name__.lower()}", partial(prepare_document, kind), named(kind)
        )
        for kind in (TrusteeSet, Measures)
    ),
    Target(
        "chip-figure",
        prepare_figure,
        frozenset(["KeptFigures"]),
        frozenset([PublicKind.CURVE]),
        is_packed=False,
    ),
    Target("chip-roster-entry", prepare_entry, named(RosterEntry)),
    Target(
        "chip-sealing-key",
        prepare_sealing_key,
        named(SealingNotice),
        frozenset([TrusteeKind.SEALING]),
    ),
)
