"""Files that other people hand over, and the meter's line: whatever they hold, a sentence says it."""

import io
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from pathlib import Path

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from cloud.audit.capture import Captured, read_capture
from cloud.config import load_config as load_cloud_config
from cloud.estimation.model import ReleaseModel, read_model
from cloud.estimation.plan import PlannedGroup, read_groups
from cloud.geo.codes import read_codes
from cloud.governance.documents import read_cosigned_file, read_trustee
from cloud.registry.enrolment import check_request
from cloud.roster.editor import read_places
from edge.chip.config import EdgeConfig
from edge.chip.config import load_config as load_edge_config
from edge.contracts.enrolling import draw_keys, install
from edge.contracts.recognizing import check_is_answer, check_is_offer
from edge.household.messages import LENGTH_BYTES, encode, read_question
from edge.household.requests import (
    AskBills,
    AskBudget,
    AskFirstRun,
    AskOwnCurve,
    AskQuarters,
    AskShared,
    AskState,
    CapYear,
    KeepCurve,
    MakeRequest,
    Pair,
    RepeatLine,
    SetProfile,
    TakeAnswer,
    TakePart,
)
from edge.identity.keys import load_keys
from edge.moving import bundle as bundles
from edge.moving.bundle import Bundle, open_bundle
from edge.moving.transfer import take_in
from edge.page.uploads import UploadRefused, upload_fields
from edge.simulate.curve_files import load_curve
from edge.simulate.faults import parse_faults
from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.diagnosis import diagnose
from edge.tic.masking import Mask
from edge.tic.record import VERSION as RECORD_VERSION
from edge.tic.record import Arrival, Finding, RecordHead, RecordReader, encode_line
from edge.tic.views import decode_views
from protocol import provider_api as shapes
from protocol.backup import BackupEntry, Header, Manifest, read_head, stream_key, write_head
from protocol.backup import lock_by_key as _lock_by_key
from protocol.chunks import seal_chunks
from protocol.contract import Signed, parse_signed
from protocol.enrolment import Enrolment, EnrolmentRecord, EnrolmentRequest
from protocol.errors import VoletError
from protocol.hpke import SealingKey
from protocol.keys import HouseholdSecret
from protocol.moving import Termination, open_termination
from protocol.passphrase import LOG2_N_MIN, derive_keys
from protocol.release import Release
from protocol.release import decode as decode_release
from protocol.tariff import Tariff, parse_tariff
from protocol.ternary import pack_ternary
from protocol.transform import Transform, read_transform
from protocol.year_keys import YearKeys
from provider.http_backend import HttpBackend
from system.backup.stream import unpack
from tariffs.calendars import read_windows
from tariffs.check import check_files, in_words
from tariffs.days import read_peak_days, read_tempo_days
from tariffs.series import read_prices
from tariffs.usage import parse_usage
from tests.fuzz.target import Prepared, Samples, Target, named, sign_bytes
from tests.support.tariffs import simple_tariff
from trustee.directory import TrusteeConfig
from trustee.directory import load_config as load_trustee_config
from volet.software.manifest import SoftwareManifest, read_manifest

TODAY = date(2026, 3, 10)
PASSPHRASE = "une phrase que personne ne devine"
DEEP = b"[" * 10_000
BROKEN = (b"", b"\xff\xfe", b"{}", b"[]", b"null", DEEP, b'{"a":1,"a":2}', b"\0" * 64)


def refused(step: Callable[[], object]) -> None:
    """Run a step that may refuse what it reads, with a sentence."""
    try:
        step()
    except VoletError:
        return


def of_bytes(read: Callable[[bytes], object], *seeds: bytes):
    """Make a target of a function that takes bytes."""

    def prepare(directory: Path) -> Prepared:
        del directory
        return Prepared(lambda data: refused(partial(read, data)), (*seeds, *BROKEN))

    return prepare


def of_file(read: Callable[[Path], object], name: str, *seeds: bytes, in_directory: bool = False):
    """Make a target of a function that takes a path, or the directory with `in_directory`."""

    def prepare(directory: Path) -> Prepared:
        path = directory / name

        def run(data: bytes) -> None:
            path.write_bytes(data)
            path.chmod(0o600)
            refused(partial(read, directory if in_directory else path))

        return Prepared(run, (*seeds, *BROKEN))

    return prepare


def of_text(read: Callable[[str, str], object], *seeds: str):
    """Make a target of a function that takes text and its name."""

    def run(data: bytes) -> object:
        return read(data.decode("utf-8", "replace"), "a file")

    return of_bytes(run, *(seed.encode() for seed in seeds))


def packed(*types: type) -> tuple[bytes, ...]:
    return Samples().bodies(*types)


def json_of(*types: type) -> tuple[bytes, ...]:
    return tuple(
        msgspec.json.encode(Samples().value(msgspec.inspect.type_info(kind), items))
        for kind in types
        for items in (0, 1)
    )


def read_line(data: bytes) -> None:
    """Decode the meter's line in pieces, and all views of its frames; mask and judge it."""
    decoder, check, pace = Decoder(), ConsistencyCheck(), data[0] % 97 + 1 if data else 1
    at = datetime(2026, 3, 10, tzinfo=UTC)
    frames = []
    mask, masked = Mask(), b""
    for begin in range(1, len(data), pace):
        frames += decoder.feed(data[begin : begin + pace])
        masked += mask.feed(data[begin : begin + pace])
    frames += decoder.finish()
    for frame in frames:
        decode_views(check.check(frame, at))
    assert len(masked + mask.finish()) == len(data[1:])
    diagnose(data[1:4096])


def read_record(data: bytes) -> None:
    """Read the record of a line in pieces."""
    reader, pace = RecordReader(), data[0] % 97 + 1 if data else 1
    for begin in range(1, len(data), pace):
        reader.feed(data[begin : begin + pace])


LINE_RECORD = (
    b"a"
    + encode_line(RecordHead(RECORD_VERSION, datetime(2026, 3, 10, tzinfo=UTC), False, "0.1.0"))
    + encode_line(Arrival(0, 9600, b"\x02\nADSC\t04"))
    + encode_line(Arrival(9, 1200, b"\x03"))
)

STANDARD = (
    b"\x20\x02\nADSC\t041961234567\tB\r\nDATE\tE260310120000\t\t9\r\nEAST\t012345678\t7\r\n\x03"
)
HISTORIQUE = b"\x20\x02\nADCO 041961234567 B\r\nOPTARIF BASE 0\r\nBASE 012345678 /\r\n\x03"


def read_household_question(data: bytes) -> None:
    with suppress(msgspec.MsgspecError):
        read_question(data)


def read_page_form(data: bytes) -> None:
    kind, _, body = data.partition(b"\n")
    with suppress(UploadRefused):
        upload_fields(kind.decode("latin-1"), body, 32)


def read_chosen_file(data: bytes) -> None:
    for check in (check_is_offer, check_is_answer):
        refused(partial(check, data))


def read_tariffs(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    parse = partial(parse_tariff, data, "a file")
    refused(parse)
    list(in_words(check_files({"a.json": text, "b.json": text}, TODAY)))


def prepare_bundle(directory: Path) -> Prepared:
    """Fuzz the inside of a bundle, and take it over."""
    cached = lru_cache(maxsize=4)(derive_keys)
    bundles.derive_keys = cached
    household = HouseholdSecret.generate()
    years = (YearKeys.generate(TODAY.year).to_bytes(household),)
    known_fields = {"household": household.to_bytes(), "years": years}
    bundle = Samples(known_fields).bodies(Bundle)
    sealed = bundles.seal_bundle(
        msgspec.msgpack.decode(bundle[0], type=Bundle), PASSPHRASE, log2_n=LOG2_N_MIN
    )
    known, _ = bundles._read_header(sealed, "a bundle")
    chip = directory / "chip"

    def run(plain: bytes) -> None:
        header = msgspec.structs.replace(known, size_bytes=len(plain) + 16)
        encoded = msgspec.msgpack.encode(header)
        head = bundles.MAGIC + bytes([bundles.VERSION]) + len(encoded).to_bytes(2, "big") + encoded
        key, _ = cached(PASSPHRASE, header.salt, header.log2_n)
        data = head + ChaCha20Poly1305(key).encrypt(header.nonce, plain, head)
        shutil.rmtree(chip, ignore_errors=True)
        refused(lambda: take_in(chip, open_bundle(data, PASSPHRASE), TODAY))

    return Prepared(run, bundle)


def prepare_year_keys(directory: Path) -> Prepared:
    """Fuzz the inside of a year's keys, correctly encrypted."""
    del directory
    household, keys = HouseholdSecret.generate(), YearKeys.generate(TODAY.year)
    head = keys.to_bytes(household)[:30]
    cipher = ChaCha20Poly1305(household.wrapping_key)

    def run(plain: bytes) -> None:
        data = head + cipher.encrypt(head[-12:], plain, head)
        refused(lambda: YearKeys.from_bytes(data, household))

    return Prepared(run, (bytes(32) + pack_ternary(keys.seal.ternary),))


def prepare_backup(directory: Path) -> Prepared:
    """Fuzz the manifest of a backup, correctly sealed."""
    del directory
    secret, lock = _lock_by_key(SealingKey.generate().public_bytes)

    def run(manifest: bytes) -> None:
        stream = len(manifest).to_bytes(4, "big") + manifest + bytes(64)
        head = write_head(Header("edge", 0, lock, 1 << 20))
        sealed = b"".join(seal_chunks(stream_key(secret, head), [stream]))
        file = io.BytesIO(head + sealed)
        read = read_head(file.read, "a backup")
        refused(lambda: unpack(file, read, secret, "a backup", lambda _entry, _part: None))

    entry = BackupEntry("a", 4, bytes(32))
    return Prepared(run, (msgspec.msgpack.encode(Manifest("a", "b", (entry,))), *packed(Manifest)))


def prepare_answer(directory: Path) -> Prepared:
    """Fuzz the collectivity's answer to a chip."""
    draw_keys(directory)
    path = directory / "answer.json"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        refused(partial(install, directory, path))

    return Prepared(run, (*json_of(Enrolment), *BROKEN))


def prepare_record(directory: Path) -> Prepared:
    """Fuzz the record within an answer."""
    draw_keys(directory)
    path = directory / "answer.json"
    (answer, *_) = json_of(Enrolment)
    known = msgspec.json.decode(answer, type=Enrolment)

    def run(record: bytes) -> None:
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(known, record=record)))
        refused(partial(install, directory, path))

    return Prepared(run, packed(EnrolmentRecord))


def prepare_enrolment(directory: Path) -> Prepared:
    """Fuzz a chip's request, signed by the chip."""
    draw_keys(directory)
    keys = load_keys(directory)
    public = keys.signing_key.public_key().public_bytes_raw()

    def run(body: bytes) -> None:
        signed = sign_bytes(EnrolmentRequest.__name__, body, keys.signing_key)
        refused(partial(check_request, signed))

    return Prepared(run, Samples({"signing_key": public}).bodies(EnrolmentRequest))


def prepare_termination(directory: Path) -> Prepared:
    """Fuzz the end of a household's contracts, signed by the household."""
    del directory
    household = HouseholdSecret.generate()
    identity = household.identity.public_key().public_bytes_raw()

    def run(body: bytes) -> None:
        signed = sign_bytes(Termination.__name__, body, household.identity)
        refused(partial(open_termination, msgspec.msgpack.encode(signed), identity))

    return Prepared(run, packed(Termination))


CALLS: tuple[Callable[[HttpBackend], object], ...] = (
    lambda backend: list(backend.contracts(shapes.ContractFilter())),
    lambda backend: backend.contract_document("a" * 64),
    lambda backend: backend.receipts(),
    lambda backend: backend.correction("a" * 32),
    lambda backend: backend.statement("a" * 32),
    lambda backend: list(backend.batches()),
    lambda backend: backend.figures("classes", "75", TODAY, TODAY),
    lambda backend: backend.list_document(Signed("Offer", b"", b"")),
)


def prepare_provider(directory: Path) -> Prepared:
    """Fuzz the collectivity's answers to a provider."""
    del directory
    answer = {"status": 200, "content": b""}
    asked = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = answer["content"] if len(asked) < 3 else b"{}"
        return httpx.Response(answer["status"], content=body)

    client = httpx.Client(transport=httpx.MockTransport(respond), base_url="https://api.test")

    def run(data: bytes) -> None:
        number = data[0] if data else 0
        answer["status"], answer["content"] = (200, 400, 503)[number // 85 % 3], data[1:]
        asked.clear()
        refused(lambda: CALLS[number % len(CALLS)](HttpBackend(client)))

    pages = json_of(shapes.ContractPage, shapes.Problem, shapes.ReceiptPage, shapes.Draft)
    return Prepared(run, tuple(b"\0" + page for page in (*pages, *BROKEN)))


def prepare_software(directory: Path) -> Prepared:
    """Read a release's manifest, signed after it was mutated."""
    del directory
    key = Ed25519PrivateKey.generate()

    def run(data: bytes) -> None:
        refused(lambda: read_manifest(data, key.sign(data), key.public_key()))

    return Prepared(run, json_of(SoftwareManifest))


TARIFF = msgspec.json.encode(simple_tariff())
QUESTIONS = (
    AskShared(day=TODAY),
    AskBudget(),
    AskFirstRun(),
    MakeRequest(offer="{}", start=TODAY),
    TakeAnswer(answer="{}", is_sure=True),
    AskBills(statement="0" * 32),
    AskState(),
    AskOwnCurve(),
    AskQuarters(first=TODAY, last=TODAY),
    KeepCurve(months=12),
    RepeatLine(is_on=True),
    TakePart(is_on=True),
    SetProfile(ages=(0, 0, 2, 0, 0, 0), employed=1),
    CapYear(rho=0.5),
    Pair(code="12345678"),
)
CHOSEN_FILES = (
    b'{"kind": "Offer"}',
    b'{"record": ""}',
    b'{"energy": [], "fixed": []}',
    b"%PDF-1.7",
)
PAGE_FORM = (
    b"multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; "
    b'name="answer"; filename="a.json"\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--\r\n'
)
ENEDIS_JSON = b"""{"meter_reading": {"usage_point_id": "", "reading_type": {"unit": "W"}, "interval_reading": [
{"value": "540", "date": "2026-10-25 02:45:00", "interval_length": "PT15M", "measure_type": "B"},
{"value": "0", "date": "2026-10-25 02:00:00", "interval_length": "PT15M", "measure_type": "C"}]}}"""
CURVE = b"start_utc,energy_wh\n2026-03-10T00:00:00+01:00,12\n2026-03-10T00:15:00+01:00,13\n"

TARGETS = (
    Target("tic-line", of_bytes(read_line, b"a" + STANDARD, b"a" + HISTORIQUE), is_packed=False),
    Target(
        "line-record",
        of_bytes(read_record, LINE_RECORD),
        named(RecordHead, Arrival, Finding),
        is_packed=False,
    ),
    Target(
        "household-question",
        of_bytes(read_household_question, *(encode(each)[LENGTH_BYTES:] for each in QUESTIONS)),
        frozenset(["Question"]),
        is_packed=False,
    ),
    Target(
        "chosen-file",
        of_bytes(read_chosen_file, *CHOSEN_FILES),
        frozenset(["Any"]),
        is_packed=False,
    ),
    Target("page-form", of_bytes(read_page_form, PAGE_FORM), is_packed=False),
    Target("tariff-file", of_bytes(read_tariffs, TARIFF), named(Tariff), is_packed=False),
    Target(
        "signed-file",
        of_bytes(partial(parse_signed, name="a file"), *json_of(Signed)),
        named(Signed),
        is_packed=False,
    ),
    Target("transform-file", of_bytes(read_transform, *packed(Transform)), named(Transform)),
    Target("model-file", of_bytes(read_model, *packed(ReleaseModel)), named(ReleaseModel)),
    Target(
        "release-figure", of_bytes(decode_release, *json_of(Release)), frozenset(["Release"]), is_packed=False
    ),
    Target(
        "measures-plan",
        of_bytes(
            partial(read_groups, name="a file"),
            *json_of(PlannedGroup),
            b"code,parents,roster\n75,,2000\n",
        ),
        named(PlannedGroup),
        is_packed=False,
    ),
    Target("area-codes", of_file(read_codes, "a.csv", b"code,nom,departement,region\n75056,Paris,75,11\n"), is_packed=False),
    Target("area-places", of_file(read_places, "a.csv", b"device,cell,provider,start\n" + b"a" * 26 + b",751010101,edf,2026-03-01\n"), is_packed=False),
    Target("trustee-file", of_file(read_trustee, "a.json"), is_packed=False),
    Target("cosigned-file", of_file(read_cosigned_file, "a.json"), is_packed=False),
    Target("curve-file", of_file(load_curve, "a.csv", CURVE, ENEDIS_JSON), frozenset(["_Document"]), is_packed=False),
    Target("capture-file", of_file(lambda path: list(read_capture(path)), "a.jsonl", *json_of(Captured)), named(Captured), is_packed=False),
    Target("faults-file", of_text(lambda text, _: parse_faults(text), "rate = 0.1\n"), is_packed=False),
    Target("windows-file", of_bytes(partial(read_windows, origin="a file")), frozenset(["Windows"]), is_packed=False),
    Target("usage-file", of_bytes(partial(parse_usage, origin="a file")), frozenset(["_Usage"]), is_packed=False),
    Target("tempo-days-file", of_text(read_tempo_days, "2026-03-10;BLEU\n"), is_packed=False),
    Target("peak-days-file", of_text(read_peak_days, "2026-03-10\n"), is_packed=False),
    Target("prices-file", of_text(read_prices, "2026-03-10T00:00:00+01:00,45.2\n"), is_packed=False),
    Target("edge-config", of_file(load_edge_config, "edge.toml", b'source = "-"\n', in_directory=True), named(EdgeConfig), is_packed=False),
    Target("cloud-config", of_file(load_cloud_config, "cloud.toml", b'collectivity = "a"\n', in_directory=True), frozenset(["_ConfigFile"]), is_packed=False),
    Target("trustee-config", of_file(load_trustee_config, "trustee.toml", b'name = "a"\n', in_directory=True), named(TrusteeConfig), is_packed=False),
    Target("household-secret", of_bytes(HouseholdSecret.from_bytes, HouseholdSecret.generate().to_bytes()), is_packed=False),
    Target("year-keys", prepare_year_keys, is_packed=False),
    Target("backup-head", of_bytes(lambda data: read_head(io.BytesIO(data).read, "a backup"), write_head(Header("edge", 0, _lock_by_key(SealingKey.generate().public_bytes)[1], 9))), named(Header), is_packed=False),
    Target("backup-manifest", prepare_backup, named(Manifest)),
    Target("software-manifest", prepare_software, named(SoftwareManifest), is_packed=False),
    Target("bundle-head", of_bytes(lambda data: bundles._read_header(data, "a bundle"), bundles.MAGIC + b"\x02\x00\x01\xc0"), frozenset(["_Header"]), is_packed=False),
    Target("bundle", prepare_bundle, named(Bundle)),
    Target("enrolment-answer", prepare_answer, named(Enrolment), is_packed=False),
    Target("enrolment-record", prepare_record, named(EnrolmentRecord)),
    Target("enrolment-request", prepare_enrolment, named(EnrolmentRequest)),
    Target("termination", prepare_termination, named(Termination)),
    Target("provider-answers", prepare_provider, named(shapes.Problem), is_packed=False),
)  # fmt: skip
