"""A town for the storm: broker, worker, API and a trustee as deployed, chips, a hostile trustee."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.load import LoadChip
from benchmarks.stack import HOST, Process, Stack, end, identity_files, running, volet, wait_until
from benchmarks.storm_others import VALID_FROM, make_offer
from benchmarks.storm_wire import Access
from cloud.api.access import draw_token
from cloud.catalogue.log import OpenedLog
from cloud.registry.key_files import pki_path
from cloud.release.pages import cosigned_pages, roster_pages
from cloud.store import StoredContract
from cloud.store.providers import Provider, Scope
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import month_number
from protocol.calendar import legal_day
from protocol.contract import Acceptance, Consent, Contract, Signed, sign_document
from protocol.envelope import Address, seal_message
from protocol.governance import fingerprint
from protocol.hpke import SealingKey
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.roster import RosterEntry, SignedEntry
from protocol.topics import Kind, TrusteeKind, device_topic, trustee_topic
from system.files import write_secret
from system.mqtt.identity import TLS_KEY
from system.mqtt.message import Incoming
from system.tls import client_context
from trustee import directory as trustee_directory
from trustee.commands.status import read_status
from trustee.days import today_number
from trustee.documents import confirm_first_set
from trustee.identity import TrusteeIdentity
from trustee.log import TrusteeLog
from trustee.sealing import SealingKeys
from volet.area.fleet import Fleet, Sealing
from volet.area.town import COLLECTIVITY, SimulatedTown
from volet.demo.ports import free_ports

TRUSTEE, LIAR, TEACHER = "trustee-a", "trustee-b", "worker-2"
HONEST, HOSTILE = "calm", "storm"
# Offers that are listed before the storm; each of them makes a head that chips may name.
LISTED = 60
START = date(2025, 11, 1)
WITHIN_S = 60.0


@dataclass(frozen=True)
class Providers:
    """The tokens of the honest and of the hostile provider, and what the latter signs with.

    `offer` and `contract` are the hashes of an offer of its own and of a contract with a chip that
    helps it. `heads` are those that the transparency log has had.
    """

    tokens: dict[str, str]
    key: Ed25519PrivateKey
    offer: bytes
    contract: bytes
    heads: tuple[bytes, ...]


@dataclass(frozen=True)
class StormTown:
    """The running processes, and what chips and attackers need.

    Attributes:
        chips, letters: all chips, and the message that each retains on its `key`.
        sealing: the trustees, of whom one lies and signs with `liar_key`, and their keys.
    """

    directory: Path
    stack: Stack
    api: Process
    api_port: int
    trustee: Process
    chips: Sequence[LoadChip]
    letters: Sequence[Incoming]
    sealing: Sealing
    liar_key: Ed25519PrivateKey
    providers: Providers

    def access(self, name: str) -> Access:
        """Return how a chip or role reaches the broker."""
        key, certificate = identity_files(self.directory, DeviceId(name))
        if not key.exists():
            certificate, key = (
                pki_path(self.stack.cloud, f"{name}.{end}") for end in ("pem", "key")
            )
        ca = pki_path(self.stack.cloud, "ca.pem")
        return Access(HOST, self.stack.port, name, ca, certificate, key)

    def processes(self) -> dict[str, Process]:
        """Return what is measured, by name."""
        return {
            "broker": self.stack.broker,
            "worker": self.stack.worker,
            "trustee": self.trustee,
            "API": self.api,
        }


@contextmanager
def storm_town(directory: Path, households: int) -> Iterator[StormTown]:
    """Run a town whose every household is on the roster."""
    identities = [_identity(directory / name, name) for name in (TRUSTEE, LIAR)]
    others = SimulatedTown(START).members[len(identities) :]
    town = SimulatedTown(START, (*identities, *others))
    (directory / "roster").mkdir()
    store = SqliteStore.open(directory / "roster")
    entries = town.enrol(store.area, households)
    signed_entries = store.area.roster(0)
    store.close()
    chips = [_chip(entry, key) for entry, key in entries]
    sealing = _sealing(directory, town)
    with Fleet(1) as fleet:
        drawn = fleet.draw_seeds(entries, sealing)
        letters = [
            Incoming(device_topic(COLLECTIVITY, chip.device, Kind.KEY), sealed.payload)
            for chip, sealed in zip(chips, drawn, strict=True)
        ]
    with running(directory, COLLECTIVITY, chips, (TRUSTEE, LIAR, TEACHER)) as stack:
        providers = _register(stack.cloud, chips[-1])
        (api_port,) = free_ports(1)
        with (
            _program(
                directory / "api.log",
                "api_started",
                *("cloud", "api", "run", "--dir", str(stack.cloud), "--port", str(api_port)),
            ) as api,
            _trustee(directory, stack, town) as trustee,
        ):
            made = StormTown(
                directory,
                stack,
                api,
                api_port,
                trustee,
                chips,
                letters,
                sealing,
                identities[1].signing_key,
                providers,
            )
            _teach(made, town, signed_entries)
            yield made


def _identity(directory: Path, name: str) -> TrusteeIdentity:
    config = trustee_directory.new_config(COLLECTIVITY, name, name, HOST, 1)
    trustee_directory.initialise(directory, config, None)
    return trustee_directory.load_identity(directory)


def _sealing(directory: Path, town: SimulatedTown) -> Sealing:
    """Let the honest trustee draw its keys; nobody opens what is sealed to the others."""
    today = today_number()
    month = month_number(today)
    trustee_log = TrusteeLog.open(directory / TRUSTEE)
    own = SealingKeys(trustee_log)
    own.draw(month, today)
    keys = {TRUSTEE: own.notices()[0].sealing_key}
    trustee_log.close()
    sealing_keys = tuple(
        keys.get(member.name) or SealingKey.generate().public_bytes
        for member in town.trustees.trustees
    )
    return Sealing(town.trustees, month, sealing_keys, town.signed_set.hash, bytes(32))


def _chip(entry: RosterEntry, key: bytes) -> LoadChip:
    return LoadChip(
        COLLECTIVITY,
        DeviceId(entry.device),
        Ed25519PrivateKey.from_private_bytes(key),
        HouseholdKeyId(entry.household_key),
    )


def _register(cloud: Path, accomplice: LoadChip) -> Providers:
    """Register both providers, and list offers of the hostile one."""
    now, tokens, key = datetime.now(UTC), {}, Ed25519PrivateKey.generate()
    store = SqliteStore.open(cloud)
    for name, own in ((HONEST, Ed25519PrivateKey.generate()), (HOSTILE, key)):
        public = own.public_key().public_bytes_raw()
        store.providers.put_provider(Provider(name, public, name.title(), now))
        tokens[name], _ = draw_token(store.providers, name, tuple(Scope), now, timedelta(days=1))
    listed = OpenedLog(store)
    offers = [make_offer(HOSTILE.title(), key, number) for number in range(LISTED)]
    heads = tuple(listed.add(offer, legal_day(now)).head for offer in offers)
    contract = _contract(accomplice, offers[0], key)
    store.put_contract(contract)
    store.accept(contract.hash, sign_document(Acceptance(contract.hash), key))
    store.close()
    return Providers(tokens, key, offers[0].hash, contract.hash, heads)


def _contract(chip: LoadChip, offer: Signed, key: Ed25519PrivateKey) -> StoredContract:
    terms = Contract(
        offer.hash,
        chip.household_key,
        SealingKey.generate().public_bytes,
        bytes(32),
        VALID_FROM,
        None,
        Consent.TOTAL,
        follows=False,
    )
    signed = sign_document(terms, chip.signing_key)
    public = key.public_key().public_bytes_raw()
    return StoredContract(signed.hash, chip.household_key, HOSTILE, public, offer, signed)


@contextmanager
def _program(log: Path, started: str, *arguments: str) -> Iterator[Process]:
    """Run a program of the product until it is left."""
    with log.open("wb") as file:
        process = subprocess.Popen(volet(*arguments), stdout=file, stderr=file)
    try:
        wait_until(lambda: started.encode() in log.read_bytes(), f"{started} is logged", log)
        yield Process(process)
    finally:
        end(process)


@contextmanager
def _trustee(directory: Path, stack: Stack, town: SimulatedTown) -> Iterator[Process]:
    """Run the honest trustee, whose operator has confirmed the set."""
    place = directory / TRUSTEE
    config = trustee_directory.load_config(place)
    (place / trustee_directory.CONFIG_NAME).write_text(
        (place / trustee_directory.CONFIG_NAME)
        .read_text("utf-8")
        .replace(f"broker_port = {config.broker_port}", f"broker_port = {stack.port}"),
        "utf-8",
    )
    certificate, key, ca = (
        pki_path(stack.cloud, name) for name in (f"{TRUSTEE}.pem", f"{TRUSTEE}.key", "ca.pem")
    )
    write_secret(place / TLS_KEY, key.read_bytes())
    trustee_directory.install(place, certificate, ca)
    trustee_log = TrusteeLog.open(place)
    confirm_first_set(trustee_log, fingerprint(town.signed_set))
    trustee_log.close()
    arguments = ("trustee", "run", "--dir", str(place))
    with _program(directory / "trustee.log", "broker_connected", *arguments) as process:
        yield process


def _teach(made: StormTown, town: SimulatedTown, entries: Sequence[SignedEntry]) -> None:
    """Send set and roster to the trustee, as the release worker does."""
    own = made.access(TEACHER)
    client = Client(CallbackAPIVersion.VERSION2, TEACHER, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(client_context(own.ca, own.certificate, own.key))
    client.connect(HOST, made.stack.port)
    client.loop_start()
    address = Address(COLLECTIVITY, DeviceId(TRUSTEE), TrusteeKind.REQUEST)
    topic = trustee_topic(COLLECTIVITY, TRUSTEE, TrusteeKind.REQUEST)
    for page in (*cosigned_pages(town.signed_set), *roster_pages(0, entries)):
        payload = seal_message(address, page, town.platform)
        client.publish(topic, payload, qos=1).wait_for_publish(WITHIN_S)
    client.disconnect()
    client.loop_stop()
    wait_until(
        lambda: read_status(made.directory / TRUSTEE).roster == len(entries),
        "the trustee knows the roster",
        made.directory / "trustee.log",
    )
