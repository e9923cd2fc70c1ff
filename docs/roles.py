"""The variables of the roles in docs/reference/fleet.md, from their argument specifications."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parents[1] / "ansible/roles"


def specifications(role: Path) -> dict[str, dict[str, Any]]:
    """Return what a role's entry points take: {entry point: specification}."""
    text = (role / "meta/argument_specs.yml").read_text("utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["argument_specs"]
    return found


def roles(table: Callable[..., str]) -> str:
    """Return each role's variables, by role and entry point."""
    parts = []
    for role in sorted(ROLES.iterdir()):
        for entry, specification in specifications(role).items():
            heading = f"`{role.name}`" + ("" if entry == "main" else f", `{entry}`")
            rows = [
                (f"`{name}`", _kind(option), _default(option), _text(option["description"]))
                for name, option in specification["options"].items()
            ]
            described = " ".join(map(_text, specification["description"]))
            parts.append(
                f"### {heading}\n\n{described}\n\n"
                + table(("variable", "value", "default", "meaning"), rows)
            )
    return "\n".join(parts)


def _kind(option: dict[str, Any]) -> str:
    if choices := option.get("choices"):
        return " or ".join(f"`{choice}`" for choice in choices)
    return {"str": "text", "int": "integer", "bool": "yes or no", "list": "list"}.get(
        option["type"], str(option["type"])
    )


def _default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "none; say it"
    default = option["default"]
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"`{default}`" if default not in ("", []) else "empty"


def _text(text: str) -> str:
    """Return Ansible's markup as Markdown's."""
    return text.replace("C(", "`").replace(")", "`") if "C(" in text else text
