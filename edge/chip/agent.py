"""The chip's program: one loop over the meter's line, the link to the broker, and signals."""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

import msgspec
import structlog

from edge.area.figure import FILE_NAME as FIGURES
from edge.area.lane import AreaOptions
from edge.area.settings import watched_choices
from edge.bills.receipt_lane import ReceiptOptions
from edge.bills.release_token import watched_release_token
from edge.chip.chip import Chip
from edge.chip.config import EdgeConfig, load_config
from edge.chip.confirming import Confirmation
from edge.chip.house_panel import EnrolledHome, HousePanel
from edge.chip.settings import ChipSettings
from edge.contracts.agreement import Agreement
from edge.contracts.former import agreements_of
from edge.home.announcer import HomeAnnouncer, look_at_chip
from edge.home.forgetting import forget_told
from edge.home.guard import check_address, check_broker
from edge.home.link import HomeLink
from edge.home.record import new_record, read_record
from edge.home.settings import read_password
from edge.home.switch import HomeSwitch
from edge.home.telling import HomeTelling
from edge.household.answers import Answers, LiveChip
from edge.household.door import open_door
from edge.household.pairing import PairingWindow
from edge.household.panel_questions import PanelQuestions
from edge.identity.enrolment import Identity, signer_of
from edge.language.choice import language
from edge.metering.unconfirmed import Unconfirmed
from edge.moving.departure import MovingOptions
from edge.moving.erasing import ORDER as ERASE
from edge.moving.erasing import EraseOrder
from edge.mqtt.link import ChipLink, ChipLinkSettings
from edge.mqtt.message import Publish
from edge.mqtt.moments import at_once, in_next_day
from edge.mqtt.sent import SentAccount
from edge.quotes.asking import ORDER as QUOTE_ORDER
from edge.quotes.asking import QuoteOptions
from edge.renewal.asking import SWITCH_WITHIN_S
from edge.renewal.certificates import Certificates
from edge.renewal.without import RenewalWithoutSession, post
from edge.status.kept import KeptReport
from edge.status.panel import Panel
from edge.status.report import ChipReport, report
from edge.status.reporter import last_will, status_options
from edge.tic.repeater.channel import SOCKET_NAME, SOCKET_OF_UNIT
from edge.tic.repeater.outlet import LineOutlet
from edge.tic.serial_line import SerialSource
from edge.tic.source import StreamSource, TicSource
from edge.vault.vault import Vault
from protocol.errors import ConfigError
from protocol.topics import Kind, device_topic, keys_topic, own_down
from system.certificates import CertificateWatch, read_lifetimes
from system.clock import Clock, SystemClock
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import SetAside
from system.systemd import Notifier, runtime_directory

# Nothing waits longer than this for the loop; on a Pi an idle round costs microseconds.
ROUND_S = 0.25

log = structlog.get_logger()


class StopSignal:
    """SIGTERM and SIGINT as a descriptor that becomes readable."""

    def __init__(self) -> None:
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.is_set = False

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._wake

    def set(self) -> None:
        """Ask the loop to end."""
        self.is_set = True
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._wake)


@contextmanager
def stop_on_signals() -> Iterator[StopSignal]:
    """Yield a stop signal that SIGTERM and SIGINT set."""
    stop = StopSignal()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    previous = {
        number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        stop.close()


class _Beside(NamedTuple):
    """What serves the household while the chip meters; none of it can stop that."""

    panel: HousePanel | None
    home: HomeSwitch
    outlet: LineOutlet


class Agent:
    """One chip with its link, source and panel."""

    def __init__(
        self,
        chip: Chip,
        link: ChipLink,
        source: TicSource,
        beside: _Beside,
        watch: CertificateWatch,
        erasure: Callable[[], EraseOrder | None],
        clock: Clock,
    ) -> None:
        """Use `open` instead."""
        self.chip = chip
        self._link = link
        self._source = source
        self._panel, self._home, self._outlet = beside
        self._watch = watch
        self._erasure = erasure
        self._clock = clock
        self._notifier = Notifier(clock)
        self._has_source_ended = False

    @classmethod
    @contextmanager
    def open(
        cls,
        directory: Path,
        identity: Identity,
        config: EdgeConfig,
        *,
        agreement: Agreement | None = None,
        pins: Panel | None = None,
        clock: Clock | None = None,
    ) -> Iterator[Self]:
        """Open the vault in `directory` and the source while the context lasts.

        The panel, if there is one, is at `pins`, which stay open. Statements are judged under
        `agreement` and the household's former agreements.

        Raises:
            ConfigError: the operator must correct something.
            StoreError: the vault is of another program or version.
        """
        if config.is_real_line_called_simulated:
            log.warning("real_line_called_simulated", device=config.source)
        identity.tls_context()  # reports a damaged certificate now, not later in a thread
        clock = clock or SystemClock()
        with ExitStack() as opened:
            is_quarter_hourly = config.rhythm == "quarter_hourly"
            vault = Vault.open(directory, signer_of(identity), is_quarter_hourly=is_quarter_hourly)
            opened.callback(vault.close)
            settings = chip_settings(directory, config, agreement)
            outlet = LineOutlet(directory, _line_socket(directory), clock)
            opened.callback(outlet.close)
            status = status_options(directory, identity, clock, config.source, outlet.state)
            set_aside = SetAside(directory / SET_ASIDE, clock.now)
            certificates = Certificates(identity)
            settings = replace(
                settings, status=status, set_aside=set_aside, certificates=certificates
            )
            chip = Chip(identity, vault, clock, settings)
            source = _open_source(config, chip)
            opened.callback(source.close)
            sent = SentAccount(directory, clock.now, clock.monotonic_s)
            counted_post = partial(post, sent=sent)
            without = RenewalWithoutSession(identity, certificates, clock, counted_post)
            link = ChipLink(link_settings(identity), certificates.tls_context, without.after, sent)
            files = {"authority": identity.ca_path, "chip": identity.certificate_path}
            watch = CertificateWatch(lambda: read_lifetimes(files), clock.now)
            confirmed = settings.confirmation.read
            make_report = partial(_report, directory, config, clock, confirmed)
            reporting = KeptReport(directory, make_report, clock.monotonic_s)
            has_panel = pins is not None and pins.lets_in
            window = PairingWindow(directory, clock.now, has_button=has_panel)
            questions = PanelQuestions(clock, has_panel=has_panel)
            panel, key = None, identity.household_key
            if pins is not None:
                home = EnrolledHome(directory, key, questions, reporting, clock.now)
                panel = HousePanel(pins, window, clock, home, is_quiet=config.is_quiet)
            answers = Answers(
                directory,
                key,
                window,
                questions,
                config.area,
                clock.now,
                LiveChip(
                    lambda: chip.live,
                    reporting,
                    lambda: chip.neighbourhood,
                    sent.of,
                    config.metering.is_simulated,
                ),
            )
            opened.callback(answers.close)
            _open_door(opened, directory, answers)
            smart_home = _smart_home(directory, identity, agreement, clock, reporting)
            beside = _Beside(panel, smart_home, outlet)
            yield cls(chip, link, source, beside, watch, ERASE.watched(directory), clock)

    def run(self, stop: StopSignal) -> bool:
        """Run until stopped, or until a finite source has ended and everything is stored.

        Return whether the program is to begin anew, since the household is to be erased.

        Raises:
            StoreError: the vault cannot continue; start the program again.
        """
        self._link.start()
        self._notifier.ready()
        log.info("chip_started")
        goodbye, begins_anew = None, False
        try:
            while not (stop.is_set or begins_anew) and not self._is_over:
                self._round(stop)
                begins_anew = self._erasure() is not None
            goodbye = self.chip.goodbye()
        finally:
            if not begins_anew:  # systemd kills a program that has said so and goes on
                self._notifier.stopping()
            self._link.stop(goodbye)
            self._home.stop()
            log.info("chip_stopped")
        return begins_anew and not stop.is_set

    @property
    def _is_over(self) -> bool:
        return self._has_source_ended and self.chip.is_drained

    def _round(self, stop: StopSignal) -> None:
        waiting = [stop.fileno(), self._link.fileno()]
        source = -1 if self._has_source_ended else self._source.fileno()
        ready, _, _ = select.select([*waiting, source] if source >= 0 else waiting, [], [], ROUND_S)
        if not self._has_source_ended and (source < 0 or source in ready):
            self._read()
        for event in self._link.events():
            self.chip.take(event)
        for publish in self.chip.outgoing():
            self._link.publish(publish)
        self._link.keep_account()
        self._link.listen(self.chip.topics())
        self._link.reconnect_window_s = self.chip.hub.reconnect_window_s
        if self.chip.renewal.wants_new_session():
            self._link.begin_anew()
        if self._panel is not None:
            self._panel.step(is_line_good=self.chip.is_line_good)
        has_left = self.chip.moving.has_left
        self._home.step(self.chip.frame, self.chip.account, has_left=has_left)
        self._outlet.step(has_left=has_left)
        self._watch.look_each_hour(self._clock.monotonic_s())
        self._notifier.progress()

    def _read(self) -> None:
        try:
            data = self._source.read(0.0)
            self.chip.feed(data, self._clock.host_time(), is_line_open=self._source.fileno() >= 0)
            self._outlet.hand_on(data)  # metering has had it
        except EOFError:
            self.chip.finish(self._clock.host_time())
            self._has_source_ended = True
            log.info("source_ended")


def chip_settings(directory: Path, config: EdgeConfig, agreement: Agreement | None) -> ChipSettings:
    """Return the settings of the chip in `directory` under `agreement` and those before it.

    Raises:
        ConfigError: a document of an earlier contract is damaged.
    """
    agreements = agreements_of(directory, agreement)
    return ChipSettings(
        send_window_s=config.send_window_s,
        outbox=config.sending,
        metering=msgspec.structs.replace(
            config.metering, is_simulated=config.metering.is_simulated or config.is_recording
        ),
        area=AreaOptions(
            watched_choices(directory),
            config.area,
            agreement,
            send_window_s=config.send_window_s,
            figures=directory / FIGURES,
        ),
        moving=MovingOptions(directory),
        receipts=ReceiptOptions(
            watched_release_token(directory),
            at_once if config.sends_at_once else in_next_day,
        ),
        quotes=QuoteOptions(QUOTE_ORDER.watched(directory), asks_monthly=not config.sends_at_once),
        agreements=agreements,
        confirmation=Confirmation(directory),
        switch_within_s=0.0 if config.sends_at_once else SWITCH_WITHIN_S,
    )


def _open_door(opened: ExitStack, directory: Path, answers: Answers) -> None:
    """Open the household's door until `opened` closes; metering goes on without one."""
    try:
        opened.enter_context(open_door(directory, answers.answer, runtime_directory()))
    except OSError as exc:
        log.warning("household_door_shut", why=str(exc))


def _line_socket(directory: Path) -> Path:
    """Return where the process is called that serves the line, if it is repeated."""
    return directory / SOCKET_NAME if runtime_directory() is None else SOCKET_OF_UNIT


def _report(
    directory: Path,
    config: EdgeConfig,
    clock: Clock,
    confirmed: Callable[[], Unconfirmed | None],
) -> ChipReport:
    return report(
        directory,
        config.area,
        clock.now(),
        confirmed(),
        is_real_line_called_simulated=config.is_real_line_called_simulated,
    )


def _smart_home(
    directory: Path,
    identity: Identity,
    agreement: Agreement | None,
    clock: Clock,
    reporting: Callable[[], ChipReport],
) -> HomeSwitch:
    """Return who tells the household's smart home, of which edge.toml is read when that begins."""

    def opened() -> HomeAnnouncer:
        settings = load_config(directory).home
        if settings is None:
            raise ConfigError(
                f"{directory}/edge.toml names no broker of your home; nothing is told. To tell it: add "
                'the table [home] with broker = "HOST".'
            )
        check_broker(settings, identity)
        record = read_record(directory) or new_record()
        check = partial(check_address, settings, identity)
        return HomeAnnouncer(
            directory,
            HomeTelling(settings, record, language()),
            HomeLink(settings, record.id, read_password(directory), check),
            clock,
            lambda now: look_at_chip(directory, settings, reporting(), now),
            None if agreement is None else agreement.offer,
        )

    def forget() -> int:
        return forget_told(directory, load_config(directory).home, identity)

    return HomeSwitch(directory, identity.household_key, opened, forget, clock)


def _open_source(config: EdgeConfig, chip: Chip) -> TicSource:
    if config.source == "-":
        return StreamSource(sys.stdin.fileno())
    path = Path(config.source)
    if path.is_file():
        return StreamSource.open_capture(path)
    if path.is_dir():
        raise ConfigError(f"{path} is a directory; name the meter's device, or a capture file.")
    return SerialSource(path, lambda: chip.accepted_groups, speeds=config.speeds)


def link_settings(identity: Identity) -> ChipLinkSettings:
    """Return the settings with which an enrolled chip reaches its broker."""
    status = device_topic(identity.collectivity, identity.device, Kind.STATUS)
    return ChipLinkSettings(
        host=identity.broker_host,
        port=identity.broker_port,
        client_id=identity.device,
        first=(keys_topic(identity.collectivity),),
        subscription=own_down(identity.collectivity, identity.device),
        will=Publish(status, last_will(), retain=True),
    )
