"""What one home is told: the messages that follow from a frame, from the account and from the chip."""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from edge.home.discovery import documents, key_of, shown_entity, state_topic
from edge.home.energies import REGISTER, accepted, follow
from edge.home.entities import RESET, Topic
from edge.home.record import ENTITIES_MAX, HomePlace, HomeRecord
from edge.home.settings import HomeConfig
from edge.home.states import Cost, Value, live_values, present_register, prices
from edge.language.choice import Lang
from edge.metering.state import Account
from edge.tic.frame import Frame
from protocol.calendar import legal_day
from protocol.contract import Offer
from protocol.layout import REGISTERS

_REGISTERS = frozenset(REGISTER.format(number=n) for n in range(1, REGISTERS + 1))
_SLOW = (Topic.HEALTH, Topic.PRIVACY, Topic.BILL)


class HomeMessage(msgspec.Struct, frozen=True):
    """One message; a retained one is what its topic shows to whoever comes later."""

    topic: str
    payload: bytes
    is_retained: bool


class HomeTelling:
    """Turns what the chip knows into messages.

    Attributes:
        record: what is to be kept of it.
    """

    def __init__(self, config: HomeConfig, record: HomeRecord, lang: Lang) -> None:
        """Go on with `record`."""
        self._config = config
        self._lang = lang
        self._values: dict[Topic, dict[str, Value]] = {}
        # Seen with the chip, told with the meter.
        self._quarter: dict[str, Value] = {}
        self._cost = Cost()
        self.record = record

    def announce(self) -> list[HomeMessage]:
        """Return the documents of all entities that were ever shown."""
        return self._documents()

    def meter(
        self, frame: Frame, account: Account, offer: Offer | None, now: datetime, *, is_read: bool
    ) -> list[HomeMessage]:
        """Return the messages after a frame of the account's own meter.

        `is_read`: the account's last reading has been read since the chip started. Before, it may be
        older than what was told already.
        """
        energies = self._energies(account) if is_read else {}
        self._values[Topic.METER] = self._counted(energies) | live_values(frame, account)
        register = present_register(frame)
        self._values.setdefault(Topic.BILL, {}).update(
            self._money(energies, register, offer, legal_day(now), now)
        )
        return [*self._show(), *self._states((Topic.METER, Topic.BILL))]

    def stored(self, account: Account) -> list[HomeMessage]:
        """Return the messages of an account without a frame, for whoever only wants to see them."""
        self._values[Topic.METER] = self._counted(self._energies(account))
        return [*self._show(), *self._states((Topic.METER,))]

    def _energies(self, account: Account) -> dict[str, int]:
        series, energies = follow(self.record.series, accepted(account, self.record.salt))
        self.record = msgspec.structs.replace(self.record, series=series)
        return energies

    def _counted(self, energies: dict[str, int]) -> dict[str, Value]:
        told = {
            key_of(counter, self.record.series[counter]): energy_wh
            for counter, energy_wh in energies.items()
        }
        return {**told, **self._quarter}

    def chip(self, values: dict[Topic, dict[str, Value]]) -> list[HomeMessage]:
        """Return the messages after a look at the chip, by topic."""
        self._quarter = values.get(Topic.METER, {})
        for topic, new in values.items():
            self._values.setdefault(topic, {}).update(new)
        return [*self._show(), *self._states(_SLOW)]

    def _money(
        self,
        energies: dict[str, int],
        register: int | None,
        offer: Offer | None,
        day: date,
        now: datetime,
    ) -> dict[str, Value]:
        eur = {} if offer is None else prices(offer, day)
        if not eur:
            return {}
        price = None if register is None else eur.get(register)
        values: dict[str, Value] = {"price": None if price is None else round(float(price), 6)}
        counted = {
            number: (key_of(counter, self.record.series[counter]), energies[counter])
            for number in eur
            if (counter := REGISTER.format(number=number)) in energies
        }
        return values | self._cost.after(counted, eur, now)

    def _show(self) -> list[HomeMessage]:
        """Return the documents anew if an entity has come that was not shown before."""
        known = set(self.record.entities)
        new = [
            key
            for topic in Topic
            for key, value in self._values.get(topic, {}).items()
            if key not in known and key != RESET and _is_used(key, value)
        ]
        if not new or len(known) + len(new) > ENTITIES_MAX:
            return []
        entities = (*self.record.entities, *new)
        self.record = msgspec.structs.replace(self.record, entities=entities)
        return self._documents()

    def _documents(self) -> list[HomeMessage]:
        home, form = self.record.id, self._config.discovery
        found = documents(home, self.record.entities, self._lang, form)
        retained = {*found, *(state_topic(home, topic) for topic in (*_SLOW, "availability"))}
        self.record = msgspec.structs.replace(
            self.record,
            topics=tuple(sorted({*self.record.topics, *retained})),
            place=HomePlace(self._config.broker, self._config.port),
        )
        return [HomeMessage(topic, payload, is_retained=True) for topic, payload in found.items()]

    def _states(self, topics: Iterable[Topic]) -> list[HomeMessage]:
        """Return the present values of `topics`; an entity without one is told to have none."""
        messages = []
        for topic in topics:
            keys = [
                key
                for key in self.record.entities
                if (shown := shown_entity(key)) is not None and shown.entity.topic is topic
            ]
            if not keys:
                continue
            values = self._values.get(topic, {})
            told = {key: values.get(key) for key in keys}
            if topic is Topic.BILL and RESET in values:
                told[RESET] = values[RESET]
            payload = msgspec.json.encode(told)
            messages.append(
                HomeMessage(
                    state_topic(self.record.id, topic),
                    payload,
                    is_retained=topic is not Topic.METER,
                )
            )
        return messages


def _is_used(key: str, value: Value) -> bool:
    """Return whether an entity is worth showing: a register that never counted is not."""
    shown = shown_entity(key)
    if value is None or shown is None:
        return False
    return bool(value) or shown.entity.key not in _REGISTERS
