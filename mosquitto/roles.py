"""Which common names a certificate may carry, and which rules of the ACL go with each.

Devices are named by 26 random letters and digits, roles by a word; neither can pass for the other,
and neither can hold a character that means something in a topic or in the ACL.
"""

import re
from enum import StrEnum


class Role(StrEnum):
    """What a certificate that is no device's may be for."""

    WORKER = "worker"
    MONITOR = "monitor"
    TRUSTEE = "trustee"
    PROVIDER = "provider"


_ROLE_NAME = re.compile(rf"({'|'.join(Role)})(-[a-z0-9]{{1,24}})?")

# A pattern holds for every certificate; a role is no device, so its own "device" is closed to it.
_NO_DEVICE = "topic deny volet/v1/{collectivity}/d/{name}/#"

_RULES = {
    Role.WORKER: (
        "topic read volet/v1/{collectivity}/d/+/up/+",
        "topic read volet/v1/{collectivity}/d/+/key",
        "topic read volet/v1/{collectivity}/d/+/status",
        "topic write volet/v1/{collectivity}/d/+/down/#",
        "topic write volet/v1/{collectivity}/area/#",
        "topic write volet/v1/{collectivity}/catalogue/#",
        "topic write volet/v1/{collectivity}/trustee/+/request",
        "topic read volet/v1/{collectivity}/trustee/+/response",
    ),
    Role.MONITOR: (
        "topic read volet/v1/{collectivity}/d/+/status",
        "topic read volet/v1/{collectivity}/area/#",
        "topic read $SYS/#",
    ),
    Role.TRUSTEE: (
        "topic read volet/v1/{collectivity}/d/+/key",
        "topic read volet/v1/{collectivity}/trustee/{name}/request",
        "topic write volet/v1/{collectivity}/trustee/{name}/response",
        "topic read volet/v1/{collectivity}/trustee/+/log",
        "topic write volet/v1/{collectivity}/trustee/{name}/log",
    ),
    # Its certificate is for the providers' API; nothing on the broker is open to it.
    Role.PROVIDER: (),
}


def role_of(name: str) -> Role | None:
    """Return the role that a common name (`worker`, `worker-2`, `trustee-cnil`) stands for."""
    match = _ROLE_NAME.fullmatch(name)
    return Role(match[1]) if match else None


def role_rules(name: str, collectivity: str) -> str:
    """Return the ACL's section for one certificate of a role.

    Raises:
        ValueError: `name` stands for no role.
    """
    role = role_of(name)
    if role is None:
        raise ValueError(f"{name} is no role's common name")
    lines = (_NO_DEVICE, *_RULES[role])
    rules = "\n".join(line.format(name=name, collectivity=collectivity) for line in lines)
    return f"\nuser {name}\n{rules}\n"
