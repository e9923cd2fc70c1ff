"""Every message to the smart home, compared with a copy that changes only on purpose.

A smart home keeps entities by their ids and adds up by their classes: a change here is one in homes.
To write the copies anew: delete tests/unit/home/golden and run this file.
"""

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import edge.home.discovery
import edge.home.states
from edge.home.entities import ENTITIES, NAMES, Topic
from edge.home.states import last_bill_values
from edge.language.choice import Lang
from edge.simulate.home import HomeSettings
from edge.simulate.tariff import MeterOption
from edge.tic.frame import Mode
from protocol.contract import open_offer
from tests.support.billing_home import signed_offer
from tests.support.told_home import ToldHome

GOLDEN = Path(__file__).parent / "golden"
CHIP = {
    Topic.HEALTH: {
        "line_quality": 99,
        "city": True,
        "outbox": 0,
        "clock_offset": 1,
        "release": "1.2.3",
        "problem": False,
    },
    Topic.PRIVACY: {"budget_used": 12.5},
    Topic.METER: {"mean_power": 840},
    Topic.BILL: {"last_bill": 71.42, "verdict": "correct"},
}
HOMES = {
    "off_peak": (HomeSettings(seed=3, option=MeterOption.HPHC), "device", Lang.EN),
    "off_peak_single": (HomeSettings(seed=3, option=MeterOption.HPHC), "single", Lang.FR),
    "producer_three_phases": (
        HomeSettings(seed=3, phases=3, kva=18, is_producer=True, option=MeterOption.TEMPO),
        "device",
        Lang.FR,
    ),
    "historique": (
        HomeSettings(seed=3, mode=Mode.HISTORIQUE, option=MeterOption.TEMPO),
        "device",
        Lang.EN,
    ),
    "mobile_peaks": (
        HomeSettings(seed=3, mode=Mode.HISTORIQUE, option=MeterOption.EJP),
        "single",
        Lang.EN,
    ),
}


@pytest.fixture(autouse=True)
def release(monkeypatch):
    monkeypatch.setattr(edge.home.discovery, "software", lambda: "1.2.3")


def messages(name):
    settings, discovery, lang = HOMES[name]
    offer = open_offer(signed_offer()) if name.startswith("off_peak") else None
    home = ToldHome(settings, discovery=discovery, lang=lang, offer=offer)
    home.take(home.telling.chip(CHIP))
    home.live(30, timedelta(minutes=10))
    home.take(home.telling.chip(CHIP))
    retained = {message.topic for message in home.said if message.is_retained}
    return home, {
        topic: {"is_retained": topic in retained, "payload": json.loads(payload)}
        for topic, payload in sorted(home.messages.items())
    }


@pytest.mark.parametrize("name", HOMES)
def test_messages_are_as_they_were(name):
    _, said = messages(name)
    path = GOLDEN / f"{name}.json"
    if not path.exists():
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", "utf-8")
        pytest.fail(f"{path.name} was written; look at it, and run again")
    assert said == json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("name", HOMES)
def test_nothing_names_meter_or_home(name):
    home, _ = messages(name)
    profile = home.meter_line.meter_at(home.at).profile
    everything = b"".join(
        message.topic.encode() + message.payload for message in home.said
    ) + msgspec.json.encode(home.telling.record)
    assert profile.serial.encode() not in everything
    assert profile.prm.encode() not in everything


@pytest.mark.parametrize("name", HOMES)
def test_every_retained_topic_is_known_for_its_removal(name):
    home, _ = messages(name)
    retained = {message.topic for message in home.said if message.is_retained}
    assert retained <= set(home.telling.record.topics)
    assert f"volet/{home.telling.record.id}/availability" in home.telling.record.topics


def test_every_entity_has_its_names():
    assert set(NAMES[Lang.FR]) == set(NAMES[Lang.EN]) == set(ENTITIES)


def test_an_overload_that_is_over_goes_off():
    home = ToldHome(HomeSettings(seed=3, mode=Mode.HISTORIQUE))
    home.live(20)
    assert home.values()["overload"] is False
    over = msgspec.structs.replace(
        home.frame, groups={**home.frame.groups, "ADPS": home.frame.groups["PAPP"]}
    )
    account = home.meter.state.account
    home.take(home.telling.meter(over, account, None, home.at, is_read=True), account)
    assert home.values()["overload"] is True
    home.live(1)
    assert home.values()["overload"] is False


def test_without_a_bill_there_is_none():
    assert last_bill_values([]) == {}


def test_the_cost_of_the_day_follows_price_and_register():
    home, _ = messages("off_peak")
    bill = home.values(Topic.BILL)
    assert bill["price"] == pytest.approx((0.14567 + 0.03085) * 1.2)
    risen_wh = sum(
        told[-1][0] - told[0][0]
        for key, told in home.energies.items()
        if key in {"energy_1", "energy_2"}
    )
    assert bill["cost"] == pytest.approx(risen_wh / 1000 * bill["price"], rel=0.3)
    assert bill["cost"] > 0


def test_another_meters_frame_is_not_told():
    home = ToldHome(HomeSettings(seed=3))
    home.live(20)
    other = ToldHome(HomeSettings(seed=9))
    other.live(20)
    count = len(home.said)
    home.send(other.meter_line.frame_at(home.at), timedelta(seconds=5))
    home.send(other.meter_line.frame_at(home.at), timedelta(seconds=5))
    assert not any(
        msgspec.json.decode(message.payload).get("power")
        == msgspec.json.decode(other.messages[f"volet/{other.telling.record.id}/meter"])["power"]
        for message in home.said[count:]
    )
