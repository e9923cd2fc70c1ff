"""One home from the meter's bytes to what its smart home is told, in one process."""

from datetime import timedelta

import msgspec

from edge.home.discovery import shown_entity
from edge.home.entities import Topic
from edge.home.record import HomeRecord
from edge.home.settings import HomeConfig
from edge.home.states import is_of
from edge.home.telling import HomeTelling
from edge.language.choice import Lang
from edge.metering.meter import Meter
from edge.metering.state import MeteringSettings
from edge.simulate.home import build_home
from edge.simulate.host import host_time_at
from edge.simulate.household import synthetic_curve
from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from protocol.calendar import day_start
from tests.support.billing_home import FIRST

ID, SALT = "0123456789abcdef", "00" * 16
SIMULATED = MeteringSettings(is_simulated=True)


class ToldHome:
    """A simulated meter, metering, and what a smart home is told of both.

    Attributes:
        energies: the values (Wh) of each energy entity as they were told, with what metering had
            accepted then.
        messages: the latest payload on each topic.
    """

    def __init__(self, settings, faults=None, days=3, discovery="device", lang=Lang.EN, offer=None):
        curve = synthetic_curve(settings.seed, FIRST, FIRST + timedelta(days=days))
        self.meter_line = build_home(curve, settings, faults)
        self.at = day_start(FIRST)
        self.config = HomeConfig("home.local", discovery=discovery)
        self.lang, self.offer = lang, offer
        self.decoder, self.consistency = Decoder(), ConsistencyCheck()
        self.meter = Meter(settings=SIMULATED)
        self.telling = HomeTelling(self.config, HomeRecord(ID, SALT), lang)
        self.stored = None
        self.frame = None
        self.energies, self.messages, self.said = {}, {}, []

    def send(self, raw, after):
        """Let bytes come, some time after the last ones."""
        self.at += after
        host = host_time_at(self.at)
        for frame in self.decoder.feed(raw):
            self.frame = self.consistency.check(frame, self.at)
            self.meter.observe(self.frame, host)
        account = self.meter.state.account
        if self.frame is None or account is None or not is_of(self.frame, account):
            return
        is_read = account.last is not self.stored
        told = self.telling.meter(self.frame, account, self.offer, self.at, is_read=is_read)
        self.take(told, account)

    def live(self, count, after=timedelta(minutes=5), spoil=lambda raw, _n: raw):
        """Let `count` frames come."""
        for n in range(count):
            raw = self.meter_line.frame_at(self.at + after)
            self.send(spoil(raw, n), after)

    def restart(self):
        """Go on with what was stored of both, as after a kill."""
        state = msgspec.msgpack.decode(
            msgspec.msgpack.encode(self.meter.state), type=type(self.meter.state)
        )
        record = msgspec.json.decode(msgspec.json.encode(self.telling.record), type=HomeRecord)
        self.meter = Meter(state, SIMULATED)
        self.stored = None if state.account is None else state.account.last
        self.decoder, self.consistency = Decoder(), ConsistencyCheck()
        self.telling = HomeTelling(self.config, record, self.lang)
        self.frame = None

    def take(self, messages, account=None):
        for message in messages:
            self.messages[message.topic] = message.payload
            self.said.append(message)
            if message.topic.endswith("/meter") and account is not None:
                self._note(msgspec.json.decode(message.payload), account)

    def _note(self, values, account):
        last = account.last
        accepted = {last.total_wh, last.injected_wh, *last.registers_wh}
        for key, value in values.items():
            if value is not None and shown_entity(key).entity.is_energy:
                self.energies.setdefault(key, []).append((value, accepted))

    def values(self, topic=Topic.METER):
        return msgspec.json.decode(self.messages[f"volet/{ID}/{topic}"])
