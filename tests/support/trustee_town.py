"""Trustees as processes at a real broker, chips with seed letters, and the release worker."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cloud.registry.authority import issue_client
from cloud.registry.key_files import load_authority, load_platform_key, pki_path
from cloud.registry.pki import issue_role
from cloud.release.pages import cosigned_pages, request_pages, roster_pages
from protocol.envelope import Address, open_message, seal_message
from protocol.ids import DeviceId
from protocol.topics import TrusteeKind, trustee_topic
from protocol.trustee_messages import (
    Answer,
    AnswerPage,
    FromTrustee,
    Known,
    Refused,
    SignedRequest,
    ToTrustee,
)
from system.files import write_secret
from system.mqtt.identity import TLS_KEY
from tests.support.broker import COLLECTIVITY, Broker, wait_until
from tests.support.mqtt import Pass, Peer, role_pass
from tests.support.trustee_area import TrusteeArea
from trustee import directory as places
from trustee.commands.status import read_status
from trustee.database import FILE_NAME
from trustee.days import today_number
from trustee.log import TrusteeLog

WITHIN_S = 60.0
# `volet trustee run` that kills itself after writing the log and before answering.
DYING = """
import os, signal
from trustee.answering import RequestAnswerer
RequestAnswerer._compute = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from volet.main import main
main()
"""


class TrusteeTown:
    """Four trustees by number; `area` holds all keys.

    Attributes:
        started_from: for each restart, the tables of the trustee and whether they had rows.
    """

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.started_from: set[tuple[str, bool]] = set()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.names = [f"trustee-{letter}" for letter in "abcd"]
        for name in self.names:
            issue_role(broker.cloud, name, datetime.now(UTC))
        broker.configure()
        self.area = TrusteeArea(
            far=0,
            today=today_number(),
            effective=today_number() - 5,
            identities=[self._prepare(number) for number in range(4)],
            platform_key=load_platform_key(broker.cloud),
        )
        self.worker = Peer(broker.port, role_pass(broker.cloud, "worker").context(), "worker")
        self.worker.subscribe(trustee_topic(COLLECTIVITY, "+", TrusteeKind.RESPONSE))

    def directory(self, number: int) -> Path:
        return self.folder / self.names[number]

    def volet(self, number: int, *args: str, is_at_home: bool = True) -> str:
        """Run `volet trustee …`, on the trustee's directory if the command takes one."""
        command = (sys.executable, "-m", "volet.main", "trustee", *args)
        directory = ("--dir", str(self.directory(number))) if is_at_home else ()
        done = subprocess.run((*command, *directory), capture_output=True, check=True, text=True)
        return done.stdout

    def status(self, number: int) -> dict:
        return msgspec.to_builtins(read_status(self.directory(number)))

    def start(self, number: int, code: str = "") -> subprocess.Popen[bytes]:
        program = ("-c", code) if code else ("-m", "volet.main")
        directory = str(self.directory(number))
        with closing(TrusteeLog.open(self.directory(number))) as kept:
            self.area.give_sealing_keys(number, kept)
        with (self.folder / f"log-{number}").open("ab") as log:
            process = subprocess.Popen(
                (sys.executable, *program, "trustee", "run", "--dir", directory), stderr=log
            )
        self._processes[number] = process
        return process

    def stop(self, number: int) -> int:
        process = self._processes.pop(number)
        process.send_signal(signal.SIGTERM)
        return process.wait(WITHIN_S)

    def restart(self, number: int, how: signal.Signals, *, is_ready: bool = False) -> None:
        """End a trustee in its current state and start it again; it must know the same.

        With `is_ready`, wait until it answers again.
        """
        before, since = self._answered(number), len(self.responses(number))
        self.started_from |= self._tables(number)
        process = self._processes.pop(number)
        process.send_signal(how)
        assert process.wait(WITHIN_S) == (0 if how == signal.SIGTERM else -how)
        self.start(number)
        self._wait(lambda: len(self.responses(number)) > since, number, "to speak again")
        if is_ready:
            self.wait_ready(number, since)
        assert self._answered(number) == before

    def _answered(self, number: int) -> tuple[int, list]:
        status = self.status(number)
        return status["answered"], status["alarms"]

    def _tables(self, number: int) -> set[tuple[str, bool]]:
        """Return a trustee's tables, and whether each has rows."""
        with closing(sqlite3.connect(self.directory(number) / FILE_NAME)) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                (
                    name,
                    bool(database.execute(f"SELECT EXISTS (SELECT 1 FROM {name})").fetchone()[0]),
                )
                for (name,) in names.fetchall()
            }

    def close(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait(WITHIN_S)
        self.worker.close()

    def publish_letters(self) -> None:
        """Publish every chip's seed letters, retained."""
        authority = load_authority(self.broker.cloud)
        for home in self.area.homes:
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = issue_client(
                authority, home.device, key.public_key(), datetime.now(UTC), timedelta(days=1)
            )
            files = [self.folder / f"{home.device}.{end}" for end in ("pem", "key")]
            files[0].write_bytes(authority.chained(certificate))
            files[1].write_bytes(
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            who = Pass(home.device, pki_path(self.broker.cloud, "ca.pem"), *files)
            with Peer(self.broker.port, who.context(), home.device) as chip:
                chip.publish(home.topic, self.area.letters(home), retain=True)

    def send(self, number: int, *messages: ToTrustee) -> None:
        name = self.names[number]
        address = Address(COLLECTIVITY, DeviceId(name), TrusteeKind.REQUEST)
        for message in messages:
            self.worker.publish(
                trustee_topic(COLLECTIVITY, name, TrusteeKind.REQUEST),
                seal_message(address, message, self.area.platform_key),
            )

    def teach(self, number: int) -> None:
        area = self.area
        self.send(number, *cosigned_pages(area.signed_set))
        self.send(number, *cosigned_pages(area.signed_measures))
        self.send(number, *roster_pages(0, area.entries))

    def responses(self, number: int) -> list[AnswerPage | Refused | Known]:
        """Return all responses of a trustee so far, with their signatures verified."""
        topic = trustee_topic(COLLECTIVITY, self.names[number], TrusteeKind.RESPONSE)
        address = Address(COLLECTIVITY, DeviceId(self.names[number]), TrusteeKind.RESPONSE)
        key = self.area.identities[number].signing_key.public_key()
        return [
            open_message(address, payload, key, FromTrustee).message
            for seen, payload in self.worker.fence()
            if seen == topic
        ]

    def wait_ready(self, number: int, since: int = 0) -> None:
        """Wait until a trustee reports that it is ready; `since` responses came before."""

        def is_ready() -> bool:
            states = [state for state in self.responses(number)[since:] if isinstance(state, Known)]
            return bool(states) and (states[-1].is_ready, states[-1].roster_length) == (
                True,
                len(self.area.roster),
            )

        self._wait(is_ready, number, "to be ready")

    def wait_there(self, number: int) -> None:
        self._wait(lambda: bool(self.responses(number)), number, "to be there")

    def wait_seeds(self, number: int) -> None:
        count = len(self.area.homes)
        self._wait(lambda: self.status(number)["households"] == count, number, "to have all seeds")

    def wait_answered(self, number: int, count: int) -> None:
        """Wait until a trustee's log has so many entries."""
        self._wait(lambda: self.status(number)["answered"] == count, number, "to log a request")

    def wait_set(self, number: int) -> None:
        self._wait(
            lambda: any(
                isinstance(message, Known) and message.documents
                for message in self.responses(number)
            ),
            number,
            "to take the confirmed set",
        )

    def wait_waiting(self, number: int) -> None:
        self._wait(lambda: bool(self.status(number)["waiting"]), number, "to await its operator")

    def ask(self, number: int, request: SignedRequest) -> Answer | Refused:
        """Send a request and return the trustee's answer or refusal."""
        since = len(self.responses(number))
        self.send(number, *request_pages(request))
        return self.answer(number, request, since)

    def answer(self, number: int, request: SignedRequest, since: int) -> Answer | Refused:
        self._wait(lambda: self._answer(number, request, since) is not None, number, "to answer")
        answer = self._answer(number, request, since)
        assert answer is not None
        return answer

    def log(self, number: int) -> str:
        return (self.folder / f"log-{number}").read_text("utf-8")

    def _answer(self, number, request, since) -> Answer | Refused | None:
        parts = {}
        for message in self.responses(number)[since:]:
            if isinstance(message, Refused) and message.request == request.request.id:
                return message
            if isinstance(message, AnswerPage) and message.request == request.request.id:
                parts[message.page] = message.data
                if len(parts) == message.pages:
                    data = b"".join(parts[page] for page in sorted(parts))
                    return msgspec.msgpack.decode(data, type=Answer)
        return None

    def _prepare(self, number: int):
        name, directory = self.names[number], self.directory(number)
        self.volet(
            number,
            *("init", "--collectivity", COLLECTIVITY, "--name", name, "--title", name.title()),
            *("--broker-host", "127.0.0.1", "--broker-port", str(self.broker.port)),
        )
        who = role_pass(self.broker.cloud, name)
        write_secret(directory / TLS_KEY, who.key.read_bytes())  # which others show here too
        self.volet(number, "install", str(who.certificate), "--ca", str(who.ca))
        return places.load_identity(directory)

    def _wait(self, condition, number: int, what: str) -> None:
        wait_until(condition, f"{self.names[number]} {what}")
