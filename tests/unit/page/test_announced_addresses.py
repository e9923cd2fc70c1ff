"""The page names no address at which it would hang up on its visitors."""

import pytest

from edge.page import names
from system.at_home import is_answered_at


@pytest.mark.parametrize(
    ("address", "is_answered"),
    [
        ("192.168.1.7", True),
        ("10.0.0.1", True),
        ("192.0.2.2", False),
        ("82.64.1.1", False),
        ("fd00::7", True),
        ("2a01:e0a:1::7", True),
        ("2001:0:1::7", False),
    ],
)
def test_an_address_is_announced_if_visitors_of_it_are_answered(monkeypatch, address, is_answered):
    assert is_answered_at(address) is is_answered
    monkeypatch.setattr(names, "addresses_of_machine", lambda _: [address])
    anywhere = "::" if ":" in address else "0.0.0.0"
    shown = f"[{address}]" if ":" in address else address
    assert (shown in names.hosts_at(anywhere)) is is_answered
