#!/usr/bin/env python3
"""Generate the parts of docs/reference that derive from the code; with --check, only compare.

A page marks such a part with `<!-- begin NAME -->` and `<!-- end NAME -->`; the text in between is
generated. Exit codes: 0 success, 1 (with --check) a page has drifted.
"""

import os
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec
from alerts import alerts
from limits import at_home, calls, chip_messages, other_messages, parties
from metrics import monitor_metrics
from roles import roles
from units import units

from cloud.api.app import operations
from cloud.commands.directory import COLLECTIVITY
from cloud.commands.doctor_checks import KNOWN as KNOWN_OF_CLOUDS
from cloud.config import CloudConfig
from cloud.roster.files import REGISTRAR
from edge.area.settings import AreaConfig
from edge.bills.judgement import WORDS_EN, WORDS_FR, Finding
from edge.chip.config import EdgeConfig, PanelConfig
from edge.commands.directory import CHIP
from edge.commands.doctor_checks import KNOWN as KNOWN_OF_CHIPS
from edge.home.entities import ENTITIES, NAMES
from edge.home.settings import HomeConfig
from edge.language.choice import Lang
from edge.metering.state import MeteringSettings
from edge.mqtt.outbox import OutboxSettings as SendingSettings
from monitor.directory import MonitorConfig
from protocol.errors import VoletError
from provider.directory import PROVIDER
from system.backup.listing import Fate, Party
from system.findings import Misconfiguration
from system.metrics import MetricsConfig
from trustee.commands.doctor_checks import KNOWN as KNOWN_OF_TRUSTEES
from trustee.files import TRUSTEE
from volet.main import exit_code, volet

# The reference is in English, whatever the locale of its author's machine.
os.environ["LC_ALL"] = "C.UTF-8"

REFERENCE = Path(__file__).parent / "reference"
HELP_WIDTH = 96
_PART = re.compile(r"(<!-- begin ([a-z-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def commands() -> str:
    """Return every command with its help text."""
    parts = []
    for names, command in _walk((volet.name or "volet",), volet):
        context = click.Context(command, info_name=" ".join(names), terminal_width=HELP_WIDTH)
        heading = "#" * (len(names) + 1)
        parts.append(
            f"{heading} `{' '.join(names)}`\n\n```text\n{command.get_help(context)}\n```\n"
        )
    return "\n".join(parts)


def errors() -> str:
    """Return each class of error with its exit code."""
    rows = [
        (f"`{kind.__name__}`", str(exit_code(kind.__new__(kind))), _first_sentence(kind))
        for kind in _kinds(VoletError)
    ]
    return table(("error", "code", "what it means"), rows)


def findings() -> str:
    """Return a chip's possible findings about a statement, with their texts."""
    rows = [(f"`{finding}`", WORDS_EN[finding], WORDS_FR[finding]) for finding in Finding]
    return table(("finding", "in English", "in French"), rows)


def settings(kind: type[msgspec.Struct]) -> str:
    """Return the keys of a table of configuration, from its Struct."""
    meanings = _attributes(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(kind):
        if _is_table(hints[field.name]):
            continue
        default = "required" if field.required else _shown(_default(field))
        rows.append((f"`{field.name}`", describe(hints[field.name]), default, meanings[field.name]))
    return table(("key", "value", "default", "meaning"), rows)


def _shown(default: object) -> str:
    return "none" if default is None else f"`{_toml(default)}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format rows as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '¦') for cell in row)} |\n" for row in lines)


def describe(hint: object) -> str:
    """Describe in words the values of a type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        bounds = [words for meta in hint.__metadata__ for words in _bounds(meta)]  # type: ignore[attr-defined]
        return f"{describe(arguments[0])}{', ' if bounds else ''}{', '.join(bounds)}"
    if origin is typing.Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin in (types.UnionType, typing.Union):
        return describe(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return f"list of {describe(arguments[0])}"
    words = {str: "text", int: "integer", float: "number", bool: "true or false"}
    return words[typing.cast("type", hint)]


def api() -> str:
    """Return the calls of the providers' API."""
    rows = [
        (f"`{method} {path}`", f"`{scope}`" if scope else "any", what)
        for method, path, scope, what in operations()
    ]
    return table(("call", "scope", "what it does"), rows)


def directory(party: Party) -> str:
    """Return the files of a party's directory, and what a backup does with them."""
    in_backup = {Fate.KEPT: "yes", Fate.DATABASE: "yes, as a database"}
    rows = [
        (
            f"`{file.pattern}`",
            file.origin,
            file.private or "no",
            in_backup.get(file.fate, f"no: {file.why}"),
        )
        for file in party.files
    ]
    return table(("file", "from", "secret", "in a backup"), rows)


def misconfigurations(known: Iterable[Misconfiguration]) -> str:
    """Return what a party's doctor knows to be wrong, and the commands that mend it."""
    rows = [
        (f"`{each.name}`", str(each.severity), each.sentence, f"`{each.command}`") for each in known
    ]
    return table(("finding", "severity", "what is said", "what mends it"), rows)


def home_entities() -> str:
    """Return what a smart home can be shown."""
    rows = [
        (
            f"`{key}`",
            NAMES[Lang.EN][key],
            f"`{entity.topic}`",
            entity.unit or "",
            ", ".join(each for each in (entity.device_class, entity.state_class) if each),
            "hidden" if not entity.is_shown else "diagnostic" if entity.is_diagnostic else "shown",
        )
        for key, entity in ENTITIES.items()
    ]
    return table(("key", "name", "topic", "unit", "class, state class", "at first"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": errors,
    "findings": findings,
    "edge": lambda: settings(EdgeConfig),
    "panel": lambda: settings(PanelConfig),
    "home": lambda: settings(HomeConfig),
    "home-entities": home_entities,
    "area": lambda: settings(AreaConfig),
    "sending": lambda: settings(SendingSettings),
    "metering": lambda: settings(MeteringSettings),
    "doctor-edge": lambda: misconfigurations(KNOWN_OF_CHIPS),
    "doctor-cloud": lambda: misconfigurations(KNOWN_OF_CLOUDS),
    "doctor-trustee": lambda: misconfigurations(KNOWN_OF_TRUSTEES),
    "chip-directory": lambda: directory(CHIP),
    "cloud-directory": lambda: directory(COLLECTIVITY),
    "trustee-directory": lambda: directory(TRUSTEE),
    "provider-directory": lambda: directory(PROVIDER),
    "registrar-directory": lambda: directory(REGISTRAR),
    "api": api,
    "cloud": lambda: settings(CloudConfig),
    "metrics": lambda: settings(MetricsConfig),
    "monitor": lambda: settings(MonitorConfig),
    "alerts": lambda: alerts(table),
    "monitor-metrics": lambda: monitor_metrics(table),
    "limits-chip": lambda: chip_messages(table),
    "limits-others": lambda: other_messages(table),
    "limits-calls": lambda: calls(table),
    "limits-parties": lambda: parties(table),
    "limits-home": lambda: at_home(table),
    "units": lambda: units(table),
    "roles": lambda: roles(table),
}


def renewed(text: str) -> str:
    """Return a page with each of its parts generated again."""
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match[2]]()}\n{match[3]}", text)


def _walk(
    names: tuple[str, ...], command: click.Command
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield names, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _walk((*names, name), inner)


def _kinds(kind: type[VoletError]) -> Iterator[type[VoletError]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__ == kind.__module__:
            yield from _kinds(inner)


def _first_sentence(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _attributes(kind: type) -> dict[str, str]:
    """Read `name: meaning` from a docstring's section Attributes, or from its sentences."""
    text = textwrap.dedent(f"    {kind.__doc__ or ''}")
    _, _, section = text.partition("Attributes:\n")
    if not section:
        (name,) = (field.name for field in msgspec.structs.fields(kind))
        return {name: text.partition(f"`{name}` is ")[2].partition("\n")[0]}
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in textwrap.dedent(section).splitlines():
        start = re.match(r"([a-z_, ]+): (.*)", line)
        if start:
            names = start[1].split(", ")
            meanings |= dict.fromkeys(names, start[2])
        elif line.strip():
            meanings |= {name: f"{meanings[name]} {line.strip()}" for name in names}
    return meanings


def _bounds(meta: object) -> Iterator[str]:
    if isinstance(meta, msgspec.Meta):
        for word, bound in (("from", meta.ge), ("above", meta.gt), ("to", meta.le)):
            if bound is not None:
                yield f"{word} {bound:g}"


def _is_table(hint: object) -> bool:
    """Return whether a key's value is a table."""
    return any(
        isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for kind in (hint, *typing.get_args(hint))
    )


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()  # the same in TOML for plain values and lists


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail where a page has drifted.")
def main(*, check: bool) -> None:
    """Renew the generated parts of docs/reference."""
    drifted = []
    for page in sorted(REFERENCE.glob("*.md")):
        text = page.read_text("utf-8")
        if (new := renewed(text)) != text:
            drifted.append(page.name)
            if not check:
                page.write_text(new, "utf-8")
    pages = ", ".join(drifted) or "nothing"
    if check and drifted:
        sys.exit(f"{pages} differ from the code; run `.venv/bin/python docs/generate.py`.")
    click.echo("No page differs from the code." if check else f"Renewed: {pages}.")


if __name__ == "__main__":
    main()
