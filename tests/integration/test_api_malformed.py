"""Whatever is wrong with a call, the real server answers 4xx with a problem, and goes on serving."""

import json
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.api.access import draw_token
from cloud.registry.key_files import pki_path
from cloud.store.providers import Scope
from cloud.store.sqlite.store import SqliteStore
from tests.support.api_server import WITHIN_S, make_town, serving

JSON = (b"Content-Type", b"application/json")
POSTS = [
    "/v1/catalogue",
    "/v1/receipts/acknowledged",
    "/v1/statements",
    "/v1/letters",
    f"/v1/contracts/{'a' * 64}/acceptance",
]
BROKEN_BODIES = {
    "nested too deeply": b"[" * 100_000,
    "objects nested too deeply": b'{"kind":' * 50_000,
    "broken UTF-8": b'{"kind":"\xff"}',
    "UTF-16": '{"kind":"a"}'.encode("utf-16"),
    "half a pair of surrogates": b'{"kind":"\\ud800","body":"","signature":""}',
    "a null byte": b'{"kind":"\x00"}',
    "an escaped null byte": b'{"kind":"\\u0000","body":"AA==","signature":"AA=="}',
    "a huge number": b'{"kind":' + b"9" * 100_000 + b"}",
    "a number beyond floats": b'{"kind":1e999999}',
    "no number": b"NaN",
    "a key twice": b'{"kind":"a","kind":"b"}',
    "nothing": b"",
    "half an object": b'{"kind"',
    "a list": b"[]",
    "null": b"null",
}


class Server:
    """The server's address and a token that may everything."""

    def __init__(self, port, context, token):
        self.port = port
        self._context = context
        self._token = token

    def answer(self, method, target, *headers, body=b"", has_token=True):
        """Send one call as raw bytes; returns status, content type and body."""
        head = [
            (b"Host", b"api.test"),
            (b"Connection", b"close"),
            (b"Content-Length", str(len(body)).encode()),
            *headers,
        ]
        if has_token:
            head.append((b"Authorization", b"Bearer " + self._token.encode()))
        lines = b"".join(b"%s: %s\r\n" % each for each in head)
        return self.raw(b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method, target, lines, body))

    def raw(self, sent):
        """Send bytes; returns status, content type and body, None where it hangs up."""
        with self._context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_S),
            server_hostname="127.0.0.1",
        ) as connection:
            got = b""
            try:
                connection.sendall(sent)
                while part := connection.recv(65_536):
                    got += part
            except (ConnectionError, ssl.SSLError):
                pass
        if not got:
            return None
        head, _, body = got.partition(b"\r\n\r\n")
        first, *rest = head.split(b"\r\n")
        named = {
            name.lower(): value.strip() for name, _, value in (e.partition(b":") for e in rest)
        }
        return int(first.split()[1]), named.get(b"content-type", b"").decode(), body


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    cloud, firm = make_town(tmp_path_factory.mktemp("town"))
    store = SqliteStore.open(cloud, is_checked=False)
    begun = datetime.now(UTC) - timedelta(seconds=1)
    text, _ = draw_token(store.providers, firm.name, tuple(Scope), begun, timedelta(days=1))
    store.close()
    context = ssl.create_default_context(cafile=str(pki_path(cloud, "ca.pem")))
    with serving(cloud) as port:
        server = Server(port, context, text)
        assert server.answer(b"GET", b"/v1/me")[0] == 200
        yield server


def is_problem(answer, *statuses):
    """Check that an answer is a problem of one of these statuses."""
    status, media_type, body = answer
    assert status in statuses, answer
    assert media_type == "application/problem+json", answer
    said = json.loads(body)
    assert said["status"] == status
    assert said["detail"].endswith(".")
    return True


@pytest.mark.parametrize("target", POSTS)
@pytest.mark.parametrize("what", BROKEN_BODIES)
def test_a_body_that_cannot_be_read_is_a_problem_of_the_caller(server, target, what):
    answer = server.answer(b"POST", target.encode(), JSON, body=BROKEN_BODIES[what])
    assert is_problem(answer, 400, 404, 422)


@pytest.mark.parametrize("target", ["/nothing", "/v1/nothing", "/v1/openapi.json/x", "/v1/me/x"])
@pytest.mark.parametrize("accept", [b"application/json", b"text/html", b"image/*;q=x"])
def test_an_unknown_path_is_a_problem(server, target, accept):
    assert is_problem(server.answer(b"GET", target.encode(), (b"Accept", accept)), 404)


@pytest.mark.parametrize("method", [b"DELETE", b"PATCH", b"PUT", b"TRACE", b"FOO"])
def test_an_unknown_method_is_a_problem(server, method):
    assert is_problem(server.answer(method, b"/v1/me"), 405)


@pytest.mark.parametrize(
    "header",
    [
        (b"Content-Type", b"text/plain"),
        (b"Content-Type", b"application/x-www-form-urlencoded"),
        (b"Content-Type", b"multipart/form-data"),
        (b"Content-Type", b"\xe9"),
        (b"X-Nothing", b"no content type"),
    ],
)
def test_another_content_type_is_a_problem(server, header):
    body = b'{"kind":"Offer","body":"AA==","signature":"AA=="}'
    assert is_problem(server.answer(b"POST", b"/v1/letters", header, body=body), 415)


@pytest.mark.parametrize("sent", [b"\0\1\2\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_what_is_no_http_is_a_problem(server, sent):
    assert is_problem(server.raw(sent), 400)


tokens = st.binary(min_size=1, max_size=20).filter(
    lambda each: each.strip(b" \t") and not (set(each) & set(b"\r\n\0"))
)
targets = st.sampled_from([*POSTS, "/v1/me", "/v1/contracts", "/v1/batches", "/v1/areas"]).map(
    str.encode
)
bodies = st.one_of(
    st.sampled_from(sorted(BROKEN_BODIES.values())),
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["kind", "body", "signature", "statements", "x"]), inner
            )
        ),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"PATCH", b"FOO"]),
    target=targets,
    suffix=st.sampled_from([b"", b"/", b"/%00", b"/%ff", b"?limit=" + b"9" * 5_000, b"?limit=%ff",
                            b"?after=%00", b"?a&&=", b"/..%2f", b"//", b"?limit=1&limit=x"]),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"Content-Type", b"Accept", b"Cookie", b"Content-Encoding", b"Expect",
                             b"Accept-Encoding", b"Idempotency-Key", b"Range", b"If-None-Match"]),
            tokens | st.sampled_from([b"application/json", b"application/x-ndjson", b"gzip"]),
        ),
        max_size=3,
    ),
    body=bodies,
    has_token=st.booleans(),
)  # fmt: skip
def test_no_call_at_all_is_a_defect(server, method, target, suffix, headers, body, has_token):
    answer = server.answer(method, target + suffix, *headers, body=body, has_token=has_token)
    if answer is not None and answer[0] >= 400:
        status, media_type, said = answer
        assert status < 500, answer
        assert media_type == "application/problem+json", answer
        assert method == b"HEAD" or json.loads(said)["status"] == status
