"""The common names that a certificate may carry, and the ACL rules for each.

A device's name is 26 random letters and digits, a role's is a word. Neither can pass for the other,
and neither can contain a character with a meaning in a topic or in the ACL.
"""

import re
from enum import StrEnum

from protocol.topics import (
    DOWN,
    NEIGHBOURHOODS,
    SENT_BY_CHIPS,
    UP,
    Kind,
    TrusteeKind,
    all_of_name,
    area_topic,
    keys_topic,
    kind_filter,
    public_filters,
    sealing_topic,
    trustee_topic,
)


class Role(StrEnum):
    """The purposes of certificates that do not belong to devices."""

    WORKER = "worker"
    MONITOR = "monitor"
    TRUSTEE = "trustee"
    PROVIDER = "provider"


_ROLE_NAME = re.compile(rf"({'|'.join(Role)})(-[a-z0-9]{{1,24}})?")

# A pattern applies to every certificate, so a role, which is not a device, is denied "its" device.
_NO_DEVICE = "topic deny volet/v1/{collectivity}/d/{name}/#"


_RULES = {
    Role.WORKER: (
        # It clears what a chip retains against the protocol, which no rule can forbid.
        *(f"topic readwrite {kind_filter('{collectivity}', '+', kind)}" for kind in UP),
        f"topic read {kind_filter('{collectivity}', '+', Kind.KEY)}",
        f"topic read {kind_filter('{collectivity}', '+', Kind.STATUS)}",
        *(f"topic write {kind_filter('{collectivity}', '+', kind)}" for kind in DOWN),
        f"topic write {area_topic('{collectivity}', '+', '+')}",
        *(f"topic write {topic}" for topic in public_filters("{collectivity}")),
        f"topic write {trustee_topic('{collectivity}', '+', TrusteeKind.REQUEST)}",
        f"topic read {trustee_topic('{collectivity}', '+', TrusteeKind.RESPONSE)}",
    ),
    Role.MONITOR: (
        f"topic read {kind_filter('{collectivity}', '+', Kind.STATUS)}",
        f"topic read {area_topic('{collectivity}', '+', '+')}",
        "topic read $SYS/#",
    ),
    Role.TRUSTEE: (
        f"topic read {kind_filter('{collectivity}', '+', Kind.KEY)}",
        f"topic read {trustee_topic('{collectivity}', '{name}', TrusteeKind.REQUEST)}",
        f"topic write {trustee_topic('{collectivity}', '{name}', TrusteeKind.RESPONSE)}",
        f"topic read {trustee_topic('{collectivity}', '+', TrusteeKind.LOG)}",
        f"topic write {trustee_topic('{collectivity}', '{name}', TrusteeKind.LOG)}",
        *(f"topic write {sealing_topic('{collectivity}', '{name}', n)}" for n in range(1, 13)),
    ),
    # Its certificate is for the providers' API; it has no rights on the broker.
    Role.PROVIDER: (),
}


def device_rules(collectivity: str) -> str:
    """Return the ACL's section for devices: each kind that a device sends or receives.

    Devices also read the sealing keys of trustees, the curves of neighbourhoods, and which status the
    broker shows for them.
    """
    written = [f"pattern write {kind_filter(collectivity, '%u', kind)}" for kind in SENT_BY_CHIPS]
    read = [
        f"pattern read {kind_filter(collectivity, '%u', kind)}" for kind in (*DOWN, Kind.STATUS)
    ]
    read.append(f"pattern read {sealing_topic(collectivity, '+', '+')}")
    read.append(f"pattern read {area_topic(collectivity, NEIGHBOURHOODS, '+')}")
    return "".join(f"{line}\n" for line in (*written, *read))


def public_rules(collectivity: str) -> str:
    """Return the ACL's section for everybody with a certificate."""
    return "\n".join(f"pattern read {topic}" for topic in public_filters(collectivity))


def operator_rules(collectivity: str) -> str:
    """Return the rules of the operator's listener: all topics of devices and trustees.

    It also reads the list of the collectivity's keys.
    """
    names = "".join(f"topic readwrite {topic}\n" for topic in all_of_name(collectivity, "+"))
    return f"{names}topic read {keys_topic(collectivity)}\n"


def role_of(name: str) -> Role | None:
    """Return the role of a common name such as `worker`, `worker-2` or `trustee-cnil`."""
    match = _ROLE_NAME.fullmatch(name)
    return Role(match[1]) if match else None


def role_rules(name: str, collectivity: str) -> str:
    """Return the ACL's section for one certificate of a role.

    Raises:
        ValueError: `name` does not belong to a role.
    """
    role = role_of(name)
    if role is None:
        raise ValueError(f"{name} is no role's common name")
    lines = (_NO_DEVICE, *_RULES[role])
    rules = "\n".join(line.format(name=name, collectivity=collectivity) for line in lines)
    return f"\nuser {name}\n{rules}\n"
