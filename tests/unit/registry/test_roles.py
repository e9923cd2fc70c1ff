"""Names of devices and of roles can never pass for one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosquitto.roles import Role, role_of, role_rules
from protocol.ids import is_device_id, new_device_id


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("worker", Role.WORKER),
        ("worker-2", Role.WORKER),
        ("monitor-grid", Role.MONITOR),
        ("trustee-cnil", Role.TRUSTEE),
        ("provider-edf", Role.PROVIDER),
        ("workers", None),
        ("worker-", None),
        ("worker-+", None),
        ("worker-a/b", None),
        ("worker\n", None),
        ("worker-" + "a" * 25, None),
        ("operator", None),
        ("ca", None),
        ("server", None),
        ("", None),
    ],
)
def test_role_is_read_from_the_whole_name(name, role):
    assert role_of(name) is role


@given(st.from_regex(r"(worker|monitor|trustee)(-[a-z0-9]{1,24})?", fullmatch=True))
def test_no_role_is_named_like_a_device(name):
    assert role_of(name) is not None
    assert not is_device_id(name)


def test_no_device_is_named_like_a_role():
    assert role_of(new_device_id()) is None


def test_rules_for_a_name_that_is_no_role_are_not_written():
    with pytest.raises(ValueError, match="no role"):
        role_rules("worker\ntopic readwrite #", "town")


def test_a_providers_certificate_opens_nothing_at_the_broker():
    assert role_rules("provider-edf", "ville").split("\n")[1:-1] == [
        "user provider-edf",
        "topic deny volet/v1/ville/d/provider-edf/#",
    ]
