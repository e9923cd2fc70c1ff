"""What a party's `doctor` finds wrong, each with the command that mends it.

A misconfiguration is declared once, as a sentence and a command with names in braces: the docs list
it, the chip has its French, and a check fills in what it has found.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click
import msgspec

from system.console import literal
from system.shell import quoted

# As of an error of configuration: whoever runs this machine has to act.
EXIT_FOUND = 5


class Severity(StrEnum):
    """What comes of it."""

    ERROR = "error"  # something does not work, or is open to others
    WARNING = "warning"  # it will come to that


class Diagnosis(msgspec.Struct, frozen=True):
    """A misconfiguration that was found: the name of its kind, and what is typed to mend it."""

    name: str
    severity: Severity
    sentence: str
    command: str


@dataclass(frozen=True, slots=True)
class Misconfiguration:
    """A kind of misconfiguration; names in braces stand for what is found."""

    name: str
    severity: Severity
    sentence: str
    command: str

    def found(self, **values: object) -> Diagnosis:
        """Fill in what was found; the command gets each value as a shell takes it."""
        return Diagnosis(
            self.name,
            self.severity,
            self.sentence.format_map(values),
            self.command.format_map({name: quoted(value) for name, value in values.items()}),
        )


Check = Callable[[Path], Iterable[Diagnosis]]


def examine(directory: Path, checks: Sequence[Check]) -> list[Diagnosis]:
    """Return what the checks find in a party's directory, each once; nothing is changed."""
    return list(dict.fromkeys(_found(directory, checks)))


def _found(directory: Path, checks: Sequence[Check]) -> Iterator[Diagnosis]:
    for check in checks:
        yield from check(directory)


def tell(
    found: Sequence[Diagnosis], *, is_json: bool, say: Callable[[str], str] = lambda text: text
) -> None:
    """Print what was found, and end the command with EXIT_FOUND if that is anything.

    `say` puts a sentence into the reader's language.
    """
    if is_json:
        translated = [msgspec.structs.replace(each, sentence=say(each.sentence)) for each in found]
        click.echo(msgspec.json.encode(translated))
    else:
        for each in found:
            said = f"{say(f'{each.severity}:')} {say(each.sentence)}"
            click.echo(literal(f"{said}\n  {each.command}"))
        if not found:
            click.echo(say("Nothing is wrong."))
    if found:
        sys.exit(EXIT_FOUND)
