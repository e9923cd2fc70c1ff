"""The demo's town: all parties, enrolled by the usual commands, each in a folder of its own."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec

from cloud.catalogue.log import listed_in
from cloud.config import CloudConfig
from cloud.registry.broker import current_user, write_broker
from cloud.registry.enrolment import enrol
from cloud.registry.pki import initialise
from cloud.store.providers import Provider
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, install, make_request, sign_contract, write_request
from edge.identity.keys import load_keys
from edge.simulate.curve import Curve
from edge.simulate.curve_files import load_curve, save_curve
from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.stage import CONFIG_NAME, REQUEST
from edge.tic.frame import Mode
from protocol.calendar import day_start, legal_day, next_month
from protocol.contract import Offer, Signed
from protocol.listed import open_listed
from protocol.tariff import Tariff
from provider import service as provider
from system.files import write_public
from volet.demo.offers import offers_of
from volet.demo.ports import free_ports

COLLECTIVITY = "demo-ville"
KVA = 9
WARM_UP = timedelta(hours=1)
COOL_DOWN = timedelta(hours=1)
# A block usually leaves in a random hour after midnight; the demo does not wait for it.
CONFIG = b"send_window_s = 0\nmetering.is_simulated = true\n"


@dataclass(frozen=True)
class Household:
    """A home: its chip's directory, its load curve and its meter."""

    directory: Path
    curve_file: Path
    seed: int
    home: SimulatedHome


@dataclass(frozen=True)
class DemoTown:
    """The directories of all parties, and the month to play."""

    directory: Path
    month: date
    households: tuple[Household, ...]

    @property
    def cloud(self) -> Path:
        """The collectivity's directory."""
        return self.directory / "cloud"

    @property
    def broker(self) -> Path:
        """The broker's directory."""
        return self.directory / "broker"

    @property
    def provider(self) -> Path:
        """The energy provider's directory."""
        return self.directory / "provider"

    @property
    def area(self) -> Path:
        """The folder of the trustees', the registrar's and the neighbours' directories."""
        return self.directory / "area"

    @property
    def month_end(self) -> date:
        """The day after the month's last day."""
        return next_month(self.month)

    @property
    def begin(self) -> datetime:
        """The instant at which the meters start, a little before the month begins."""
        return day_start(self.month) - WARM_UP

    @property
    def end(self) -> datetime:
        """The instant at which the meters stop, a little after the month ends."""
        return day_start(self.month_end) + COOL_DOWN


def create_town(directory: Path, month: date, homes: int, curve: Path | None) -> DemoTown:
    """Create a town: authority, broker, provider with an offer, and `homes` enrolled households.

    The first household has the load curve `curve` if one is given, the others synthetic ones.
    """
    town = DemoTown(directory, month, ())
    now = datetime.now(UTC)
    port, operator_port = free_ports(2)
    config = CloudConfig(
        collectivity=COLLECTIVITY,
        broker_host="127.0.0.1",
        broker_port=port,
        broker_bind="127.0.0.1",
        broker_names=("localhost",),
        operator_port=operator_port,
    )
    initialise(town.cloud, config, now)
    write_broker(town.cloud, town.broker, current_user())
    provider.draw_key(town.provider)
    offer = provider.make_offer(
        [demo_tariff(month)],
        provider.load_key(town.provider),
        provider.load_sealing_key(town.provider),
    )
    store = SqliteStore.open(town.cloud, is_checked=False)
    try:
        households = tuple(
            _enrol(town, store, offer, seed, curve if seed == 1 else None)
            for seed in range(1, homes + 1)
        )
        listed, today = listed_in(store), legal_day(now)
        for document in (offer, *offers_of(month, next_month(month), KVA)):
            _register(store, document, now)
            listed.add(document, today)
    finally:
        store.close()
    return DemoTown(directory, month, households)


def _register(store: SqliteStore, document: Signed, now: datetime) -> None:
    """Register whoever offers; publishers of schedules bear no name."""
    offer = open_listed(document)
    if isinstance(offer, Offer) and store.providers.provider_of(offer.provider_key) is None:
        word = f"demo{len(store.providers.providers())}"
        store.providers.put_provider(Provider(word, offer.provider_key, offer.provider, now))


def demo_tariff(month: date) -> Tariff:
    """Return the demo's tariff, with its dates changed if it does not cover `month`."""
    data = json.loads(files("volet.demo").joinpath("tariff.json").read_text("utf-8"))
    tariff = msgspec.convert(data, Tariff, strict=False)
    if tariff.covers(month, next_month(month)) == (month, next_month(month)):
        return tariff
    return msgspec.structs.replace(tariff, valid_from=month, valid_to=None)


def _enrol(
    town: DemoTown, store: SqliteStore, offer: Signed, seed: int, curve_file: Path | None
) -> Household:
    directory = town.directory / "chips" / f"{seed:02}"
    draw_keys(directory)
    curve = load_curve(curve_file) if curve_file else _synthetic(town, seed)
    path = directory / "curve.csv"
    save_curve(path, curve)
    home = build_home(load_curve(path), home_settings(seed))  # whole Wh, as the emulator reads it
    keys = load_keys(directory)
    serial = home.meter_at(town.begin).profile.serial
    contract = sign_contract(keys, offer, serial, town.month)
    request = make_request(keys, offer, contract)
    write_request(directory, directory / REQUEST, request)
    answer_path = directory / "answer.json"
    answer = enrol(town.cloud, store, request, datetime.now(UTC)).answer
    answer_path.write_bytes(msgspec.json.encode(answer))
    install(directory, answer_path)
    write_public(directory / CONFIG_NAME, CONFIG)
    return Household(directory, path, seed, home)


def home_settings(seed: int) -> HomeSettings:
    """Return the settings of a household's meter: standard mode, off-peak option."""
    return HomeSettings(mode=Mode.STANDARD, option=MeterOption.HPHC, kva=KVA, seed=seed)


def _synthetic(town: DemoTown, seed: int) -> Curve:
    first = town.month - timedelta(days=1)
    return synthetic_curve(seed, first, town.month_end + timedelta(days=1), KVA)
