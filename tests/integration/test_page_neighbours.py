"""Who reaches the page in the home's own network, and by which addresses."""

import re
import socket

import pytest

from edge.page.shares import NETWORK
from tests.support.terminal import machine

CHIP, PHONE, STRANGER = "2001:db8:1:2::1", "2001:db8:1:2::99", "2001:db8:1:3::99"
ASK = (
    "curl --insecure --silent --retry 5 --retry-connrefused --write-out '%{{http_code}}' "
    "--output /dev/null --interface {} 'https://[{}]:8443/entrer'"
)


# A pair stands for a card; an address of lo alone is none by which others come.
CARDS = (
    "ip link add eth7 type veth peer name eth8",
    "ip addr add 192.168.7.1/24 dev eth7",
    f"ip addr add {CHIP}/64 dev eth7 nodad",
    "ip link set eth7 up",
)


@pytest.fixture
def at_home(tmp_path):
    with machine(tmp_path / "machine") as typing:
        for address in (CHIP, PHONE, STRANGER):
            status, said = typing.type(f"ip addr add {address}/64 dev lo nodad")
            if status:
                pytest.skip(f"this machine has no IPv6: {said}")
        assert typing.type("volet edge init > /dev/null 2>&1")[0] == 0
        typing.type("volet edge page --host :: > page.log 2>&1 &")
        yield typing


def test_one_of_the_own_network_is_answered_and_a_stranger_is_not(at_home):
    assert at_home.type(ASK.format(PHONE, CHIP)) == (0, "200\n")
    status, said = at_home.type(ASK.format(STRANGER, CHIP))
    assert status != 0
    assert said == "000\n"
    assert at_home.type(ASK.format(PHONE, CHIP)) == (0, "200\n")
    log = at_home.logs()
    assert log.count("page_stranger_refused") == 1
    assert STRANGER in log


# Asks 20 times from each of 40 addresses of one network, then 20 times as one who was let in.
FLOOD = """
import http.client, ssl, sys, time

def asked(address, times, cookie=""):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        "%(chip)s", 8443, context=context, source_address=(address, 0)
    )
    found = []
    for _ in range(times):
        connection.request("GET", "/langue", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    connection.close()
    return found

since_s = time.monotonic()
strangers = [status for n in range(1, 41) for status in asked(f"%(network)s::f:{n:x}", 20)]
took_s = time.monotonic() - since_s
visitor = asked("%(network)s::e", 20, "__Host-volet=" + sys.argv[1])
print(len(strangers) - strangers.count(429), took_s, visitor.count(429))
"""
LET_IN = (
    "from datetime import UTC, datetime; from pathlib import Path; "
    "from edge.household.visitors import VisitorRole; from edge.page.sessions import Sessions; "
    "print(Sessions(Path('/var/lib/volet/page'), lambda: datetime.now(UTC))"
    ".begin(VisitorRole.OWNER, '00' * 8, ''))"
)


def test_a_neighbour_with_many_addresses_has_one_share_and_takes_none_of_a_visitors(tmp_path):
    with machine(tmp_path / "machine") as typing:
        network = CHIP.removesuffix("::1")
        for address in (CHIP, f"{network}::e", *(f"{network}::f:{n:x}" for n in range(1, 41))):
            status, said = typing.type(f"ip addr add {address}/64 dev lo nodad")
            if status:
                pytest.skip(f"this machine has no IPv6: {said}")
        assert typing.type("volet edge init > /dev/null 2>&1")[0] == 0
        assert typing.type("mkdir -m 700 /var/lib/volet/page")[0] == 0
        status, token = typing.type(f'python -c "{LET_IN}"')
        assert status == 0, token
        typing.type("volet edge page --host :: > page.log 2>&1 &")
        assert typing.type(ASK.format(CHIP, CHIP)) == (0, "200\n")
        places = {"chip": CHIP, "network": network}
        (tmp_path / "machine" / "flood.py").write_text(FLOOD % places)
        status, said = typing.type(f"python {tmp_path}/machine/flood.py {token.strip()}")
        assert status == 0, said
        answered, took_s, refused = said.split()
        assert int(answered) <= NETWORK.at_once + NETWORK.each_s * float(took_s)
        assert refused == "0"


# Asks without end from 40 addresses of one network.
NEIGHBOUR = """
import http.client, ssl, threading

def ask(number):
    context = ssl._create_unverified_context()
    while True:
        source = f"%(network)s::f:{number:x}", 0
        connection = http.client.HTTPSConnection("%(chip)s", 8443, context=context, source_address=source)
        try:
            while True:
                connection.request("GET", "/entrer")
                connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection.close()

for number in range(1, 41):
    threading.Thread(target=ask, args=(number,)).start()
"""
# Types the code from another address of that network, again whenever the page is busy.
PHONE_PAIRS = """
import http.client, ssl, sys, time

while True:
    connection = http.client.HTTPSConnection(
        "%(chip)s", 8443, context=ssl._create_unverified_context(), source_address=("%(network)s::e", 0)
    )
    own = {"Origin": "https://[%(chip)s]:8443", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", "/entrer", f"code={sys.argv[1]}", own)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        status = type(exc).__name__
    print(status, flush=True)
    if status not in (429, 503) and not isinstance(status, str):
        break
    time.sleep(0.5)
"""


@pytest.mark.long
def test_one_who_has_a_code_is_let_in_while_a_neighbour_asks_from_many_addresses(tmp_path):
    """In IPv6, phone and neighbour are of one network, whose share they have in common."""
    network = CHIP.removesuffix("::1")
    with machine(tmp_path / "machine") as typing:
        for address in (CHIP, f"{network}::e", *(f"{network}::f:{n:x}" for n in range(1, 41))):
            status, said = typing.type(f"ip addr add {address}/64 dev lo nodad")
            if status:
                pytest.skip(f"this machine has no IPv6: {said}")
        assert typing.type("volet edge init > /dev/null 2>&1")[0] == 0
        typing.type("volet edge run > run.log 2>&1 &")
        typing.type("volet edge page --host :: > page.log 2>&1 &")
        assert typing.type(ASK.format(CHIP, CHIP)) == (0, "200\n")
        for name, program in (("flood", NEIGHBOUR), ("pair", PHONE_PAIRS)):
            text = program % {"chip": CHIP, "network": network}
            (tmp_path / "machine" / f"{name}.py").write_text(text)
        typing.type(f"python {tmp_path}/machine/flood.py > flood.log 2>&1 &")
        status, said = typing.type("volet edge page --pair")
        assert status == 0, said
        code = re.search(r"^(\d{4}) (\d{4})$", said, re.MULTILINE)
        status, said = typing.type(f"python {tmp_path}/machine/pair.py {code[1]}{code[2]}")
        assert said.split()[-1] == "303", said


@pytest.mark.parametrize(
    ("host", "places"),
    [
        ("0.0.0.0", "https://{name}.local:8443/, https://192.168.7.1:8443/"),
        ("::", f"https://{{name}}.local:8443/, https://[{CHIP}]:8443/"),
        ("192.168.7.1", "https://192.168.7.1:8443/"),
        ("::1", "https://localhost:8443/"),
    ],
)
def test_it_says_by_which_name_and_addresses_it_is_reached(tmp_path, host, places):
    with machine(tmp_path / "machine") as typing:
        for command in CARDS:
            status, said = typing.type(command)
            if status:
                pytest.skip(f"this machine makes no cards: {said}")
        assert typing.type("volet edge init > /dev/null 2>&1")[0] == 0
        page = f"volet edge --lang en page --host {host} 2> /dev/null"
        _, said = typing.type(page, re.compile(r"The page is at .*\n"))
        name = socket.gethostname().partition(".")[0].lower()
        assert said == f"The page is at {places.format(name=name)}.\n"
