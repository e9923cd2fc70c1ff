"""A household's own broker: a real mosquitto that knows nothing of Volet, and worse ones."""

import os
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mosquitto.config import broker_environment
from tests.support.broker import skip_without_mosquitto, wait_until
from volet.demo.ports import free_ports

USER, PASSWORD = "volet", "a word of the home"
CONNACK = b"\x20\x02\x00\x00"


class HomeBroker:
    """mosquitto as a home has it, to stop, hang and start again."""

    def __init__(
        self,
        directory: Path,
        *,
        has_password: bool = False,
        is_full: bool = False,
        tls: tuple[Path, Path] | None = None,
    ):
        skip_without_mosquitto()
        directory.mkdir()
        self.directory = directory
        (self.port,) = free_ports(1)
        self.environment = broker_environment(directory, os.environ)
        lines = [f"listener {self.port} 127.0.0.1", "persistence false"]
        if tls is not None:
            certificate, key = tls
            lines += [f"certfile {certificate}", f"keyfile {key}"]
        if os.getuid() == 0:
            lines += ["user root"]
        if has_password:
            passwords = directory / "passwords"
            passwords.touch(0o600)
            subprocess.run(
                ["mosquitto_passwd", "-b", str(passwords), USER, PASSWORD],
                check=True,
                capture_output=True,
                env=self.environment,
            )
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines += ["allow_anonymous true"]
        if is_full:
            lines += ["message_size_limit 64"]  # refuses whatever is told
        (directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["mosquitto", "-c", str(self.directory / "mosquitto.conf")],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: _answers(self.port), "the home's broker")

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.kill()


class HomeAuthority:
    """An authority of the household's own, as a smart home makes one, and what it certifies."""

    def __init__(self, directory: Path):
        directory.mkdir()
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(directory.name)
        self.path = directory / "ca.pem"
        made = self._certificate(self._name, self._key.public_key(), timedelta(days=3_650))
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.path.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def certify(self, name: str, lasts=timedelta(days=90)) -> tuple[Path, Path]:
        """Return certificate and key for the broker at a name or address."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            alternative = x509.IPAddress(ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        made = self._certificate(_name(name), key.public_key(), lasts).add_extension(
            x509.SubjectAlternativeName([alternative]), critical=False
        )
        certificate, secret = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        certificate.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, secret

    def _certificate(self, name, key, lasts):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + lasts)
        )


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@contextmanager
def bad_broker(behave):
    """Run `behave(connection, stopping)` for each connection; yields the port."""
    stopping, opened = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while not stopping.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    opened.append(connection)
                    behave(connection, stopping)

        thread = threading.Thread(target=serve, name="bad-broker")
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopping.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            for connection in opened:
                connection.close()
            thread.join()


def say_nothing(connection, stopping):
    """Take the connection and never answer, nor read."""
    del connection
    stopping.wait(1)


def take_and_never_read(connection, stopping):
    """Open a session, and read no more."""
    connection.recv(1)
    connection.sendall(CONNACK)
    stopping.wait(1)


def flood(connection, stopping):
    """Open a session, and send one endless message after the other."""
    connection.recv(1)
    connection.sendall(CONNACK)
    message = b"\x30\x83\xff\x7f\x00\x01x" + bytes(65_535)
    while not stopping.is_set():
        connection.sendall(message)


def refuse(connection, stopping):
    """Refuse every session."""
    del stopping
    connection.recv(1)
    connection.sendall(b"\x20\x02\x00\x05")


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
