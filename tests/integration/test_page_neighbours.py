"""A visitor from a global address is answered within the home's own network, and hung up on elsewhere."""

import pytest

from tests.support.terminal import machine

CHIP, PHONE, STRANGER = "2001:db8:1:2::1", "2001:db8:1:2::99", "2001:db8:1:3::99"
ASK = (
    "curl --insecure --silent --retry 5 --retry-connrefused --write-out '%{{http_code}}' "
    "--output /dev/null --interface {} 'https://[{}]:8443/entrer'"
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
