"""Who is answered at all, and what a curve looks like to those who do not see it."""

import asyncio

import pytest

from edge.page.charts import day_bars
from edge.page.guards import (
    STRANGERS_BODY_BYTES_MAX,
    STRANGERS_WORKING_MAX,
    UPLOADS_MAX,
    WORKING_MAX,
    BodyTooLarge,
    Guards,
    host_name,
)
from edge.page.places import API
from edge.page.shares import ADDRESS, NETWORK, STRANGERS, VISITOR, Shares, network_of
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
        self.guards = Guards(self.app, ["volet.local"], self.let_in, lambda: self.now_s)

    def let_in(self, cookies):
        return cookies.removeprefix("session=")

    async def app(self, _scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def status(self, *parts, method="GET", address="192.168.1.7", path="/entrer", **headers):
        sent, left = [], list(parts) or [b""]

        async def receive():
            body = left.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(left)}

        async def send(message):
            sent.append(message)

        headers = {"host": "volet.local", **headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": raw}
        scope["client"] = (address, 40_000)
        asyncio.run(self.guards(scope, receive, send))
        return sent[0]["status"]


@pytest.mark.parametrize(
    ("share", "asking"), [(ADDRESS, {}), (VISITOR, {"cookie": "session=of the household"})]
)
def test_a_flood_is_refused_and_is_over_once_it_ends(share, asking):
    browser = Browser()
    answers = [browser.status(**asking) for _ in range(int(share.at_once) + 5)]
    assert answers.count(200) == share.at_once
    assert answers[-5:] == [429] * 5
    browser.now_s += 1.0
    answers = [browser.status(**asking) for _ in range(int(share.each_s) + 1)]
    assert answers.count(200) == share.each_s


def test_the_flood_of_one_address_is_refused_to_it_alone():
    browser = Browser()
    for _ in range(int(ADDRESS.at_once) + 1):
        status = browser.status(address="192.168.1.66")
    assert status == 429
    assert browser.status(address="192.168.1.7") == 200


def flood(browser, addresses):
    """Ask once from each address; return how many were answered."""
    return [browser.status(address=each) for each in addresses].count(200)


def test_many_addresses_of_a_network_have_the_share_of_one_network():
    browser = Browser()
    assert flood(browser, (f"2a01:cb00:1:2::{n:x}" for n in range(500))) == NETWORK.at_once
    browser.now_s += 1.0
    assert flood(browser, (f"2a01:cb00:1:2::9:{n:x}" for n in range(500))) == NETWORK.each_s
    assert browser.status(address="192.168.1.7") == 200
    assert browser.status(address="fe80::7%eth0") == 200


def test_many_networks_have_the_share_of_all():
    browser = Browser()
    assert flood(browser, (f"fd00:0:0:{n:x}::1" for n in range(500))) == STRANGERS.at_once
    browser.now_s += 1.0
    assert flood(browser, (f"fd00:0:1:{n:x}::1" for n in range(500))) == STRANGERS.each_s


def test_no_flood_takes_the_share_of_one_who_was_let_in():
    browser, phone = Browser(), {"cookie": "session=1", "address": "fd00::7"}
    for n in range(1_000):
        browser.status(address=f"fd00:0:0:{n % 50:x}::{n:x}")
    assert browser.status(address="fd00::7") == 429
    assert [browser.status(**phone) for _ in range(int(VISITOR.at_once))].count(200) == 40
    assert browser.status(address="fd00::8", cookie="session=2") == 200


def test_what_is_remembered_of_a_flood_is_bounded_by_what_was_answered():
    now_s = 0.0
    shares = Shares(lambda: now_s)
    for n in range(20_000):
        now_s += 0.001
        shares.admits(f"fd00:0:0:{n:x}::1", "")
    assert len(shares._left) < 2_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.168.1.7", "192.168.1.0/24"),
        ("::ffff:192.168.1.7", "192.168.1.0/24"),
        ("2a01:cb00:1:2:3::9", "2a01:cb00:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_network_is_what_one_neighbour_may_hold(address, network):
    assert network_of(address) == network


def test_a_body_that_hides_its_size_is_cut():
    browser = Browser()
    at_home = {"origin": "https://volet.local", "cookie": "session=1"}
    assert browser.status(*[b"x" * 10_000] * 6, method="POST", **at_home) == 200
    with pytest.raises(BodyTooLarge):
        browser.status(*[b"x" * 10_000] * 7, method="POST", **at_home)
    with pytest.raises(BodyTooLarge):  # which the page answers, in the visitor's language
        browser.status(method="POST", **at_home, **{"content-length": "70000"})
    said = {"path": f"{API}today", "content-length": "70000"}
    assert browser.status(method="POST", **at_home, **said) == 413
    assert browser.status(method="POST", **at_home, **{"content-length": "-1"}) == 413


def test_who_is_not_let_in_sends_a_code_and_nothing_longer():
    browser, at_home = Browser(), {"origin": "https://volet.local"}
    most = STRANGERS_BODY_BYTES_MAX
    assert browser.status(b"x" * most, method="POST", **at_home) == 200
    with pytest.raises(BodyTooLarge):
        browser.status(b"x" * most, b"x", method="POST", **at_home)
    said = {"content-length": str(most + 1)}
    assert browser.status(method="POST", **at_home, **said) == 413
    assert browser.status(method="POST", path="/accords/offre", **at_home, **said) == 303
    assert browser.status(method="POST", **at_home, **said, cookie="session=1") == 200


@pytest.mark.parametrize("said", [{"content-length": "5000"}, {"transfer-encoding": "chunked"}])
def test_a_few_files_are_taken_at_once(said):
    browser = Browser()
    sent = {"method": "POST", "origin": "https://volet.local", "cookie": "session=1", **said}
    browser.guards._uploads = UPLOADS_MAX - 1
    assert browser.status(b"x" * 5_000, **sent) == 200
    browser.guards._uploads += 1
    assert browser.status(b"x" * 5_000, **sent) == 503
    assert browser.status(**sent | {"content-length": "100", "transfer-encoding": "chunked"}) == 503
    assert browser.status() == 200, "what is short goes on"
    assert browser.guards._uploads == UPLOADS_MAX, "each place is given back"


def test_a_few_requests_are_in_work_at_once():
    browser = Browser()
    browser.guards._working = {True: WORKING_MAX, False: STRANGERS_WORKING_MAX - 1}
    assert browser.status() == 200
    assert browser.status(cookie="session=1") == 503
    browser.guards._working = {True: WORKING_MAX - 1, False: STRANGERS_WORKING_MAX}
    assert browser.status() == 503
    assert browser.status(cookie="session=1") == 200
    assert browser.guards._working == {True: WORKING_MAX - 1, False: STRANGERS_WORKING_MAX}


@pytest.mark.parametrize("quarters", [92, 96, 100])
def test_a_curve_names_itself_and_has_a_bar_for_each_known_quarter_hour(quarters):
    energy_wh = [None if j % 7 == 0 else 10 * j for j in range(quarters)]
    picture = day_bars(energy_wh, 'a "day" <1>', "kW")
    assert picture.count('class="bar"') == sum(each is not None for each in energy_wh)
    assert 'aria-label="a &quot;day&quot; &lt;1&gt;"' in picture


def test_a_day_without_a_value_has_an_empty_curve():
    assert 'class="bar"' not in day_bars([None] * 96, "", "kW")
