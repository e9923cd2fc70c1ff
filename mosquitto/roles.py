"""The common names that a certificate may carry, and the ACL rules for each.

A device's name is 26 random letters and digits, a role's is a word. Neither can pass for the other,
and neither can contain a character with a meaning in a topic or in the ACL.
"""

import re
from enum import StrEnum


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
    # Its certificate is for the providers' API; it has no rights on the broker.
    Role.PROVIDER: (),
}


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
