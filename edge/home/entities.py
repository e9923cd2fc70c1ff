"""Everything that a smart home can be shown: its unit, its class there, and its names."""

from enum import StrEnum
from typing import Literal

import msgspec

from edge.home.energies import DRAWN, INJECTED, REGISTER
from edge.language.choice import Lang
from edge.language.typography import bilingual
from protocol.layout import REGISTERS


class Topic(StrEnum):
    """The topics, under `volet/ID/`."""

    METER = "meter"
    HEALTH = "health"
    PRIVACY = "privacy"
    BILL = "bill"


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One entity; the classes are Home Assistant's.

    Attributes:
        key: its name in the topic's JSON, and in its id.
        topic: where its values are.
        is_binary: on or off.
        is_shown: it is shown unless somebody hides it there; otherwise it waits to be turned on.
        is_diagnostic: it is about the chip or the installation, not about energy or money.
        reset: the key of the instant since which it counts.
    """

    key: str
    topic: Topic = Topic.METER
    unit: str | None = None
    device_class: str | None = None
    state_class: Literal["measurement", "total", "total_increasing"] | None = None
    options: tuple[str, ...] = ()
    is_binary: bool = False
    is_shown: bool = True
    is_diagnostic: bool = False
    reset: str | None = None

    @property
    def is_energy(self) -> bool:
        """Whether it is a counter, which is another entity once it counts something else."""
        return self.device_class == "energy"


PHASES = (1, 2, 3)
COLOURS = ("unknown", "blue", "white", "red")
PEAK = ("none", "announced", "now")
VERDICTS = ("correct", "wrong", "unclear")
RESET = "cost_since"


def _energy(key: str) -> Entity:
    return Entity(key=key, unit="Wh", device_class="energy", state_class="total_increasing")


def _power(key: str) -> Entity:
    return Entity(key=key, unit="VA", device_class="apparent_power", state_class="measurement")


def _hidden(key: str, unit: str, device_class: str) -> Entity:
    return Entity(
        key=key, unit=unit, device_class=device_class, state_class="measurement", is_shown=False
    )


def _rating(key: str) -> Entity:
    return Entity(key=key, unit="VA", device_class="apparent_power", is_diagnostic=True)


def _health(key: str, **more: object) -> Entity:
    return msgspec.convert(
        {"key": key, "topic": Topic.HEALTH, "is_diagnostic": True, **more}, Entity
    )


ENTITIES = {
    entity.key: entity
    for entity in (
        _energy(DRAWN),
        *(_energy(REGISTER.format(number=n)) for n in range(1, REGISTERS + 1)),
        _energy(INJECTED),
        _power("power"),
        *(_power(f"power_{phase}") for phase in PHASES),
        _power("injected_power"),
        Entity(key="mean_power", unit="W", device_class="power", state_class="measurement"),
        *(_hidden(f"current_{phase}", "A", "current") for phase in PHASES),
        *(_hidden(f"voltage_{phase}", "V", "voltage") for phase in PHASES),
        _rating("subscribed_power"),
        _rating("cut_off_power"),
        Entity(key="period"),
        Entity(
            key="register",
            device_class="enum",
            options=tuple(str(n) for n in range(1, REGISTERS + 1)),
        ),
        Entity(key="tempo_today", device_class="enum", options=COLOURS),
        Entity(key="tempo_tomorrow", device_class="enum", options=COLOURS),
        Entity(key="mobile_peak", device_class="enum", options=PEAK),
        Entity(key="mobile_peak_at", device_class="timestamp"),
        Entity(key="overload", device_class="problem", is_binary=True),
        Entity(key="dry_contact", device_class="power", is_binary=True, is_shown=False),
        Entity(key="relays", is_shown=False),
        _health("line_quality", unit="%", state_class="measurement"),
        _health("city", device_class="connectivity", is_binary=True),
        _health("outbox", state_class="measurement"),
        _health("clock_offset", unit="s", device_class="duration", state_class="measurement"),
        _health("release"),
        Entity(key="problem", topic=Topic.HEALTH, device_class="problem", is_binary=True),
        Entity(
            key="budget_used",
            topic=Topic.PRIVACY,
            unit="%",
            state_class="measurement",
            is_diagnostic=True,
        ),
        Entity(key="price", topic=Topic.BILL, unit="EUR/kWh", state_class="measurement"),
        Entity(
            key="cost",
            topic=Topic.BILL,
            unit="EUR",
            device_class="monetary",
            state_class="total",
            reset=RESET,
        ),
        Entity(key="last_bill", topic=Topic.BILL, unit="EUR", device_class="monetary"),
        Entity(key="verdict", topic=Topic.BILL, device_class="enum", options=VERDICTS),
    )
}

_NUMBERED = range(1, REGISTERS + 1)
NAMES: dict[Lang, dict[str, str]] = bilingual(
    en={
        DRAWN: "Energy imported",
        **{REGISTER.format(number=n): f"Energy imported, register {n}" for n in _NUMBERED},
        INJECTED: "Energy injected",
        "power": "Apparent power",
        **{f"power_{phase}": f"Apparent power, phase {phase}" for phase in PHASES},
        "injected_power": "Injected power",
        "mean_power": "Mean power of the last quarter-hour",
        **{f"current_{phase}": f"Current, phase {phase}" for phase in PHASES},
        **{f"voltage_{phase}": f"Voltage, phase {phase}" for phase in PHASES},
        "subscribed_power": "Subscribed power",
        "cut_off_power": "Cut-off power",
        "period": "Tariff period",
        "register": "Register that counts",
        "tempo_today": "Tempo today",
        "tempo_tomorrow": "Tempo tomorrow",
        "mobile_peak": "Mobile peak",
        "mobile_peak_at": "Next mobile peak",
        "overload": "Overload",
        "dry_contact": "Dry contact",
        "relays": "Relays that are closed",
        "line_quality": "Line quality",
        "city": "Link to the collectivity",
        "outbox": "Messages that wait",
        "clock_offset": "Clock against the meter's",
        "release": "Release",
        "problem": "Problem",
        "budget_used": "Privacy budget used this year",
        "price": "Price now, with tax",
        "cost": "Cost of the energy today",
        "last_bill": "Last bill",
        "verdict": "Verdict on the last bill",
    },
    fr={
        DRAWN: "Énergie soutirée",
        **{REGISTER.format(number=n): f"Énergie soutirée, index {n}" for n in _NUMBERED},
        INJECTED: "Énergie injectée",
        "power": "Puissance apparente",
        **{f"power_{phase}": f"Puissance apparente, phase {phase}" for phase in PHASES},
        "injected_power": "Puissance injectée",
        "mean_power": "Puissance moyenne du dernier quart d'heure",
        **{f"current_{phase}": f"Courant, phase {phase}" for phase in PHASES},
        **{f"voltage_{phase}": f"Tension, phase {phase}" for phase in PHASES},
        "subscribed_power": "Puissance souscrite",
        "cut_off_power": "Puissance de coupure",
        "period": "Période tarifaire",
        "register": "Index en cours",
        "tempo_today": "Tempo aujourd'hui",
        "tempo_tomorrow": "Tempo demain",
        "mobile_peak": "Pointe mobile",
        "mobile_peak_at": "Prochaine pointe mobile",
        "overload": "Dépassement de puissance",
        "dry_contact": "Contact sec",
        "relays": "Relais fermés",
        "line_quality": "Qualité de la liaison",
        "city": "Lien avec la collectivité",
        "outbox": "Messages en attente",
        "clock_offset": "Écart d'horloge avec le compteur",
        "release": "Version",
        "problem": "Problème",
        "budget_used": "Budget de vie privée utilisé cette année",
        "price": "Prix actuel TTC",
        "cost": "Coût de l'énergie aujourd'hui",
        "last_bill": "Dernière facture",
        "verdict": "Verdict sur la dernière facture",
    },
)
