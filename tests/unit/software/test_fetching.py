"""A release is fetched from a real server by HTTPS, whatever that server does."""

import gzip
import hashlib
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol.errors import ConfigError, DocumentRefused, TransportError, VoletError
from tests.support.https_server import HOST, Authority, answer, serving
from tests.unit.software.test_receiving import FILES, KEY, Archive, everything
from volet.software import download, fetching, receiving
from volet.software.download import ReleaseServer
from volet.software.fetching import TRIES_MAX, fetch, own_kind
from volet.software.manifest import MANIFEST, ReleaseFile, sign
from volet.software.places import Pulled, VersionsSeen
from volet.software.publishing import lay_out

PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
NUMPY = FILES["wheels/numpy-2.4.6-cp311.whl"]
NUMPYS = f"/volet/files/{hashlib.sha256(NUMPY).hexdigest()}"


def is_manifest(handler):
    return handler.path.endswith(MANIFEST)


def is_numpy(handler):
    return handler.path == NUMPYS


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def server(tmp_path, authority, monkeypatch):
    """Serve release 0.2.0; this machine trusts the authority of the tests."""
    trusted = tmp_path / "authorities.pem"
    trusted.write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    folder = tmp_path / "www"
    with serving(folder, authority.issue(HOST, tmp_path)) as running:
        offer(running, Archive(), tmp_path)
        yield running


def offer(server, archive, tmp_path):
    files = {**archive.files, "release.pub": PEM}
    path = Archive(archive.version, files, archive.signer, archive.changes).write(tmp_path / "tar")
    lay_out(path, server.folder)


def offer_unchecked(server, archive):
    """Do what a server does that is not Volet's own: lay out whatever is signed."""
    data, signature = sign(archive.manifest(), archive.signer)
    kind = server.folder / own_kind()
    (kind / f"{hashlib.sha256(data).hexdigest()}.sig").write_bytes(signature)
    (kind / MANIFEST).write_bytes(data)


@pytest.fixture
def into(tmp_path):
    path = tmp_path / "fetched"
    path.mkdir()
    return path


def get(places, server, into):
    return fetch(places, ReleaseServer(server.address), into)


def files_in(into):
    return {
        str(path.relative_to(into)): path.read_bytes()
        for path in into.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_what_is_fetched_is_taken_as_an_archive_is(places, server, into):
    before = everything(places)
    found = get(places, server, into)
    assert (found.version, found.why_not) == ("0.2.0", None)
    assert everything(places) == before
    assert {name: data for name, data in files_in(into).items() if name in FILES} == FILES
    receiving.receive(places, into)
    for path, data in FILES.items():
        if path.startswith("wheels/"):
            assert (places.wheels / hashlib.sha256(data).hexdigest()).read_bytes() == data
    assert (places.release("0.2.0") / "manifest.json").exists()


def test_only_what_is_missing_is_asked_for(places, server, into, tmp_path):
    receiving.receive(places, Archive(version="0.1.0").write(tmp_path / "first.tar"))
    get(places, server, into)
    asked = [path for path, _ in server.asked]
    kind = f"/volet/{own_kind()}"
    assert asked[0] == f"{kind}/{MANIFEST}"
    assert asked[1].startswith(f"{kind}/")
    wanted = [path for path in FILES if not path.startswith("wheels/")]
    hashed = {f"/volet/files/{hashlib.sha256(FILES[path]).hexdigest()}" for path in wanted}
    assert set(asked[2:]) == hashed
    receiving.receive(places, into)


def test_a_second_call_fetches_nothing_again(places, server, into):
    get(places, server, into)
    server.asked.clear()
    assert get(places, server, into).got_bytes == 0
    assert len(server.asked) == 2
    receiving.receive(places, into)


def test_nothing_is_told_of_the_machine(places, server, into):
    told = []
    server.trick = lambda handler: told.append(dict(handler.headers))
    get(places, server, into)
    assert {name for headers in told for name in headers} == {"Host", "Accept-Encoding"}


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_cut_file_is_gone_on_with_or_begun_anew(places, server, into, has_ranges):
    server.has_ranges = has_ranges
    steps = (1, 700, 1_300)

    def cut(handler):
        if is_numpy(handler) and server.asked.count((NUMPYS, handler.headers.get("range"))) == 1:
            server.send(handler, cut_after=steps[len(ranges())])
            return True
        return False

    def ranges():
        return [range_ for path, range_ in server.asked[:-1] if path == NUMPYS]

    server.trick = cut
    for _ in steps:
        with pytest.raises(TransportError, match="next try goes on there"):
            get(places, server, into)
        assert MANIFEST not in files_in(into)
    server.trick = lambda _: False
    get(places, server, into)
    if has_ranges:
        assert [range_ for path, range_ in server.asked if path == NUMPYS] == [
            *(None, "bytes=1-", "bytes=701-", "bytes=2001-")
        ]
    receiving.receive(places, into)


def test_a_part_of_what_another_file_was_is_begun_anew(places, server, into):
    get(places, server, into)
    (into / MANIFEST).unlink()
    (into / "wheels/numpy-2.4.6-cp311.whl").unlink()
    part = into / "parts" / hashlib.sha256(NUMPY).hexdigest()
    part.write_bytes(b"X" * 100)
    with pytest.raises(DocumentRefused, match="not what"):
        get(places, server, into)
    get(places, server, into)
    receiving.receive(places, into)


def test_what_is_left_of_another_release_is_no_part_of_this_one(places, server, into):
    get(places, server, into)
    (into / "lock.txt").write_bytes(b"X" * len(FILES["lock.txt"]))
    (into / "wheels/old.whl").write_bytes(b"x")
    (into / "away").symlink_to("/etc/passwd")
    get(places, server, into)
    assert set(files_in(into)) == {*FILES, "manifest.json", "manifest.sig"}
    receiving.receive(places, into)


@pytest.mark.parametrize("request_number", range(2 + len(FILES)))
def test_a_call_that_is_killed_at_a_request_is_gone_on_with(places, server, into, request_number):
    program = (sys.executable, "-m", "volet.main", "software", "fetch", "--root", places.root)
    command = (*program, "--from", server.address, "--into", into)
    begun = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill(handler):
        if len(server.asked) <= request_number:
            return False
        server.send(handler, cut_after=40)
        begun.send_signal(signal.SIGKILL)
        return True

    server.trick = kill
    _, said = begun.communicate()
    assert begun.returncode == -signal.SIGKILL, said
    assert MANIFEST not in files_in(into)
    server.trick = lambda _: False
    get(places, server, into)
    receiving.receive(places, into)


def huge(handler, chunked):
    handler.send_response(200)
    if chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    else:
        handler.send_header("Content-Length", str(1 << 40))
    handler.end_headers()
    while True:
        block = b"x" * 65_536
        handler.wfile.write(b"10000\r\n" + block + b"\r\n" if chunked else block)


def endless_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X: " + b"x" * 1_000 + b"\r\n")


def drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(NUMPY)))
    handler.end_headers()
    for each in NUMPY:
        handler.wfile.write(bytes([each]))
        handler.wfile.flush()
        handler.server.paused.wait(0.05)


def drip_head(handler):
    for each in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000:
        handler.wfile.write(bytes([each]))
        handler.wfile.flush()
        handler.server.paused.wait(0.05)


def silent(handler):
    handler.server.paused.wait(2)


def no_http(handler):
    handler.wfile.write(b"\0" * 1_000)
    handler.close_connection = True


def packed(handler):
    answer(handler, 200, gzip.compress(NUMPY), Content_Encoding="gzip")


def another_part(handler):
    size = len(NUMPY)
    answer(handler, 206, NUMPY[10:], Content_Range=f"bytes 10-{size - 1}/{size}")


HOSTILE = {
    "huge manifest": (is_manifest, lambda h: huge(h, chunked=False), "larger"),
    "huge manifest in chunks": (is_manifest, lambda h: huge(h, chunked=True), "larger"),
    "huge signature": (
        lambda h: h.path.endswith(".sig"),
        lambda h: huge(h, chunked=True),
        "larger",
    ),
    "huge file": (is_numpy, lambda h: huge(h, chunked=False), "another size"),
    "huge file in chunks": (is_numpy, lambda h: huge(h, chunked=True), "larger"),
    "a byte more": (is_numpy, lambda h: answer(h, 200, NUMPY + b"x"), "another size"),
    "a byte less": (is_numpy, lambda h: answer(h, 200, NUMPY[:-1]), "another size"),
    "another file": (is_numpy, lambda h: answer(h, 200, b"X" + NUMPY[1:]), "not what"),
    "packed": (is_numpy, packed, "another size"),
    "another part": (is_numpy, another_part, "another part"),
    "endless head": (is_manifest, endless_head, "speak HTTP"),
    "no HTTP": (is_manifest, no_http, "speak HTTP"),
    "drip": (is_numpy, drip, "too slow"),
    "dripping head": (is_manifest, drip_head, "too slow"),
    "silence": (is_manifest, silent, "cannot be reached|too slow"),
    "truncated manifest": (is_manifest, lambda h: answer(h, 200, b"{", size=900), "part"),
    "empty manifest": (is_manifest, lambda h: answer(h, 200, b""), "has no"),
    "forbidden": (is_manifest, lambda h: answer(h, 403, b"no"), "has no"),
    "in trouble": (is_numpy, lambda h: answer(h, 503, b"no"), "in trouble"),
    "no such file": (is_numpy, lambda h: answer(h, 404, b"no"), "has no"),
    "range refused": (is_numpy, lambda h: answer(h, 416, b"no"), "has no|go on"),
    "to plain HTTP": (
        is_manifest,
        lambda h: answer(h, 302, b"", Location="http://localhost/volet"),
        "not followed",
    ),
    "to another host": (
        is_numpy,
        lambda h: answer(h, 301, b"", Location="https://other.example/"),
        "not followed",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_server_that_misbehaves_gets_nothing_in(places, server, into, name, monkeypatch):
    begins, misbehave, said = HOSTILE[name]
    if name in {"drip", "dripping head", "silence"}:
        monkeypatch.setattr(download, "WITHIN_S", 0.5)
        monkeypatch.setattr(download, "RATE_MIN_BYTES_S", 1 << 30)
    before = everything(places)
    server.trick = lambda handler: begins(handler) and (misbehave(handler) or True)
    with pytest.raises(VoletError, match=said) as refused:
        get(places, server, into)
    assert str(refused.value).count("\n") == 0
    assert everything(places) == before
    assert MANIFEST not in files_in(into)
    assert sum(map(len, files_in(into).values())) <= sum(map(len, FILES.values()))
    monkeypatch.undo()
    monkeypatch.setenv("SSL_CERT_FILE", str(into.parent / "authorities.pem"))
    server.trick = lambda _: False
    get(places, server, into)
    receiving.receive(places, into)


def test_another_makers_release_is_refused_before_a_file_is_fetched(places, server, into):
    offer_unchecked(server, Archive(version="0.3.0", signer=Ed25519PrivateKey.generate()))
    with pytest.raises(DocumentRefused, match="not signed"):
        get(places, server, into)
    assert [path for path, _ in server.asked if "/files/" in path] == []
    assert files_in(into) == {}


@pytest.mark.parametrize("path", ["../x", "/etc/x", "wheels/../../x", "a/b/c", "wheels/.x", "x\n"])
def test_a_name_that_leads_elsewhere_is_refused(places, server, into, path):
    """Even where the release's own key has signed it."""
    more = (*Archive().manifest().files, ReleaseFile(path, "0" * 64, 1))
    offer_unchecked(server, Archive(version="0.3.0", changes={"files": more}))
    with pytest.raises(DocumentRefused, match="cannot be read"):
        get(places, server, into)
    assert [path for path, _ in server.asked if "/files/" in path] == []


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (VersionsSeen(highest="0.2.0"), "not newer than 0.2.0"),
        (VersionsSeen(highest="0.10.0"), "not newer than 0.10.0"),
        (VersionsSeen(highest="0.1.0", condemned=("0.2.0",)), "did not do well"),
    ],
)
def test_nothing_older_equal_or_taken_back_is_fetched(places, server, into, state, why):
    get(places, server, into)
    places.keep_state(state)
    server.asked.clear()
    found = get(places, server, into)
    assert why in found.why_not
    assert len(server.asked) == 2
    assert files_in(into) == {}, "what was fetched of it before makes room"


def test_a_release_that_was_tried_in_vain_is_not_tried_for_ever(places, server, into):
    places.keep_pulled(Pulled("0.2.0", TRIES_MAX))
    assert "tried" in get(places, server, into).why_not
    places.keep_pulled(Pulled("0.1.9", TRIES_MAX))
    assert get(places, server, into).why_not is None


def test_a_newer_release_that_comes_meanwhile_takes_the_place(places, server, into, tmp_path):
    server.trick = lambda h: is_numpy(h) and (server.send(h, cut_after=700) or True)
    with pytest.raises(TransportError):
        get(places, server, into)
    server.trick = lambda _: False
    offer(server, Archive(version="0.3.0"), tmp_path)
    assert get(places, server, into).version == "0.3.0"
    assert receiving.receive(places, into).version == "0.3.0"
    assert (NUMPYS, "bytes=700-") in server.asked


def test_a_manifest_that_changes_between_the_two_requests_has_its_own_signature(
    places, server, into, tmp_path
):
    def change(handler):
        if handler.path.endswith(".sig"):
            offer(server, Archive(version="0.3.0"), tmp_path)
        return False

    server.trick = change
    assert get(places, server, into).version == "0.2.0"
    assert get(places, server, into).version == "0.3.0"


def test_a_machine_of_another_kind_is_told(places, server, into, monkeypatch):
    monkeypatch.setattr(fetching.platform, "machine", lambda: "riscv64")
    with pytest.raises(ConfigError, match="has no edge-riscv64"):
        get(places, server, into)


def test_a_full_disk_is_refused_before_a_file_is_fetched(places, server, into, monkeypatch):
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(ConfigError, match="MB free"):
        get(places, server, into)
    assert len(server.asked) == 2


def test_two_calls_at_once_do_not_mix(places, server, into):
    refused = []

    def again(handler):
        if is_manifest(handler) and not refused:
            refused.append(handler)
            with pytest.raises(ConfigError, match="at work"):
                get(places, server, into)
        return False

    server.trick = again
    get(places, server, into)
    assert refused


def test_only_an_authority_that_this_machine_trusts_counts(places, server, into, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with serving(server.folder, Authority().issue(HOST, other)) as stranger:
        with pytest.raises(TransportError, match="certificate of localhost is not good"):
            get(places, stranger, into)
        assert stranger.asked == []


def test_only_the_server_of_the_address_counts(places, server, into, tmp_path, authority):
    certificate = authority.issue("other.example", tmp_path)
    with serving(server.folder, certificate) as stranger:
        with pytest.raises(TransportError, match="certificate of localhost is not good"):
            get(places, stranger, into)
        assert stranger.asked == []


def test_no_proxy_is_asked(places, server, into, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(places, server, into).why_not is None


def test_a_server_that_is_away_may_be_tried_again(places, server, into):
    address = server.address
    server.close()
    with pytest.raises(TransportError, match="cannot be reached"):
        fetch(places, ReleaseServer(address), into)
