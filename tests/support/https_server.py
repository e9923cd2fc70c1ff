"""A web server of static files by HTTPS, with an authority of its own, that can be made to misbehave."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "localhost"
NOW = datetime.now(UTC)


class Authority:
    """Issues certificates of servers."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        drawn = self._begun(self._name, self._key).add_extension(basic, critical=True)
        self._own = drawn.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self._own.public_bytes(Encoding.PEM)

    def issue(self, host: str, folder: Path) -> Path:
        """Return a file with a certificate for a host, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        drawn = self._begun(subject, key).add_extension(names, critical=False)
        issued = drawn.sign(self._key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = folder / f"{host}.pem"
        path.write_bytes(issued.public_bytes(Encoding.PEM) + private)
        return path

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=30))
        )


class StaticServer:
    """Serves a folder.

    Attributes:
        asked: the paths that were asked for, with the range where one was.
        trick: answers in the server's place, if it returns True.
        has_ranges: it goes on with a file where it is asked to.
    """

    def __init__(self, folder: Path, certificate: Path, host: str = HOST) -> None:
        self.folder, self.host = folder, host
        self.asked: list[tuple[str, str | None]] = []
        self.trick: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
        self.has_ranges = True
        self.sent_bytes = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("range")))
                with suppress(OSError):  # the other side may leave at any time
                    if not outer.trick(self):
                        outer.send(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            paused = threading.Event()  # for a trick that waits

            def handle_error(self, *_: object) -> None:
                """Say nothing: a client that does not trust this server ends the handshake."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def address(self) -> str:
        return f"https://{self.host}:{self.port}/volet"

    def send(self, handler: BaseHTTPRequestHandler, cut_after: int | None = None) -> None:
        """Answer as a good server does; with `cut_after`, end after so many bytes of a file."""
        path = self.folder / handler.path.removeprefix("/volet/")
        if not path.is_file():
            answer(handler, 404, b"none")
            return
        data, begin, status = path.read_bytes(), 0, 200
        asked = handler.headers.get("range")
        headers = {}
        if asked and self.has_ranges:
            begin, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        body = data[begin:]
        sent = body if cut_after is None else body[:cut_after]
        self.sent_bytes += len(sent)
        answer(handler, status, sent, size=len(body), **headers)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    size: int | None = None,
    **headers: str,
) -> None:
    """Send an answer that says that its body has `size` bytes, and close."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if size is None else size))
    handler.send_header("Connection", "close")
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
    handler.close_connection = True


@contextmanager
def serving(folder: Path, certificate: Path, host: str = HOST) -> Iterator[StaticServer]:
    """Serve a folder meanwhile."""
    server = StaticServer(folder, certificate, host)
    try:
        yield server
    finally:
        server.close()
