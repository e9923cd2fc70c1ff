"""Who is answered at all, and what a curve looks like to those who do not see it."""

import asyncio

import pytest

from edge.page.charts import day_bars
from edge.page.guards import AT_ONCE, REQUESTS_PER_S, BodyTooLarge, Guards, host_name
from system.at_home import is_neighbour, is_private


@pytest.mark.parametrize(
    ("address", "is_home"),
    [
        ("192.168.1.7", True),
        ("10.0.0.1", True),
        ("172.16.3.4", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::7", True),
        ("::ffff:192.168.1.7", True),
        ("169.254.1.1", True),
        ("8.8.8.8", False),
        ("2a01:cb00::1", False),
        ("::ffff:8.8.8.8", False),
        ("172.32.0.1", False),
        ("100.64.0.1", False),
        ("2001:0:808:808::1", False),
        ("2002:808:808::1", False),
        ("240.0.0.1", False),
        ("", False),
        ("volet.local", False),
    ],
)
def test_only_addresses_of_a_home_are_let_in(address, is_home):
    assert is_private(address) is is_home


@pytest.mark.parametrize(
    ("address", "own", "is_near"),
    [
        ("2a01:cb00:1:2::99", "2a01:cb00:1:2::1", True),
        ("2a01:cb00:1:2:ffff::", "2a01:cb00:1:2::1%eth0", True),
        ("2a01:cb00:1:3::99", "2a01:cb00:1:2::1", False),
        ("2a01:cb00:1:2::99", "fe80::1", False),
        ("2a01:cb00:1:2::99", "::ffff:192.168.1.7", False),
        ("2001:0:808:808::1", "2001:0:808:808::2", False),  # two clients of a Teredo server
        ("::ffff:8.8.8.8", "::ffff:8.8.4.4", False),
        ("8.8.8.8", "8.8.8.9", False),
        ("::2", "::", False),
        ("", "", False),
    ],
)
def test_a_global_address_is_of_the_home_within_its_network_alone(address, own, is_near):
    assert is_neighbour(address, own) is is_near


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("volet.local", "volet.local"),
        ("VOLET.local:8443", "volet.local"),
        ("volet.local.", "volet.local"),
        ("[fe80::1]:443", "fe80::1"),
        ("a@volet.local", "volet.local"),
        ("[", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_host_header_is_found(host, name):
    assert host_name(host) == name


class Browser:
    """Calls the guards as a server does."""

    def __init__(self):
        self.now_s = 0.0
        self.guards = Guards(self.app, ["volet.local"], lambda: self.now_s)

    async def app(self, _scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def status(self, *parts, method="GET", address="192.168.1.7", **headers):
        sent, left = [], list(parts) or [b""]

        async def receive():
            body = left.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(left)}

        async def send(message):
            sent.append(message)

        headers = {"host": "volet.local", **headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": "/", "headers": raw}
        scope["client"] = (address, 40_000)
        asyncio.run(self.guards(scope, receive, send))
        return sent[0]["status"]


def test_a_flood_is_refused_and_is_over_once_it_ends():
    browser = Browser()
    answers = [browser.status() for _ in range(int(AT_ONCE) + 5)]
    assert answers.count(200) == AT_ONCE
    assert answers[-5:] == [429] * 5
    browser.now_s += 1.0
    answers = [browser.status() for _ in range(int(REQUESTS_PER_S) + 1)]
    assert answers.count(200) == REQUESTS_PER_S


def test_the_flood_of_one_address_is_refused_to_it_alone():
    browser = Browser()
    for _ in range(int(AT_ONCE) + 1):
        status = browser.status(address="192.168.1.66")
    assert status == 429
    assert browser.status(address="192.168.1.7") == 200


def test_a_flood_of_many_addresses_takes_no_memory_and_is_over_once_it_ends():
    browser = Browser()
    answers = [browser.status(address=f"fd00::{number:x}") for number in range(2_000)]
    assert 429 in answers
    browser.now_s += 1.0
    assert browser.status(address="192.168.1.7") == 200


def test_a_body_that_hides_its_size_is_cut():
    browser = Browser()
    at_home = {"origin": "https://volet.local"}
    assert browser.status(*[b"x" * 10_000] * 6, method="POST", **at_home) == 200
    with pytest.raises(BodyTooLarge):
        browser.status(*[b"x" * 10_000] * 7, method="POST", **at_home)
    assert browser.status(method="POST", **at_home, **{"content-length": "70000"}) == 413
    assert browser.status(method="POST", **at_home, **{"content-length": "-1"}) == 413


@pytest.mark.parametrize("quarters", [92, 96, 100])
def test_a_curve_names_itself_and_has_a_bar_for_each_known_quarter_hour(quarters):
    energy_wh = [None if j % 7 == 0 else 10 * j for j in range(quarters)]
    picture = day_bars(energy_wh, 'a "day" <1>', "kW")
    assert picture.count('class="bar"') == sum(each is not None for each in energy_wh)
    assert 'aria-label="a &quot;day&quot; &lt;1&gt;"' in picture


def test_a_day_without_a_value_has_an_empty_curve():
    assert 'class="bar"' not in day_bars([None] * 96, "", "kW")
