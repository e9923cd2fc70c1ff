"""What all commands of `volet edge` share: they speak the household's language.

Each takes `--lang`; so does `volet edge` itself, in front of the command. Help, errors and wrong
usage are put into French on their way out, by what stands in `edge.language.french`.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from edge.language.choice import Lang, lang_option, language
from edge.language.directories import note_directory, typable
from edge.language.french.looking_up import help_in, sentence_in
from edge.language.typography import typeset
from protocol.errors import VoletError
from system.commands import LazyGroup

_ERROR, _DEFAULT, _CHOICE = map(typeset, ("Erreur : ", "par défaut : ", " [o/N] :"))
_EXTRAS = re.compile(r"(?P<text>.*?)  \[(?P<extras>[^]]*)\]")


class _FrenchFormatter(click.HelpFormatter):
    """Lays help out with French headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or f"{help_in(Lang.FR, 'Usage:')} ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(help_in(Lang.FR, heading))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        super().write_dl([(name, _option(text)) for name, text in rows], col_max, col_spacing)


class HouseholdContext(click.Context):
    """The context of a command that a household reads."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return what lays help out."""
        if language() is Lang.EN:
            return super().make_formatter()
        return _FrenchFormatter(width=self.terminal_width, max_width=self.max_content_width)


class _WrongUsage(click.UsageError):
    """Wrong usage, told in French."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Say how the command is called, and what was wrong."""
        if self.ctx is not None:
            command = self.ctx.command_path
            click.echo(f"{self.ctx.get_usage()}\nVoyez `{command} --help`.\n", file, err=True)
        click.echo(f"{_ERROR}{self.message}", file, err=True)


class HouseholdCommand(click.Command):
    """A command that a household reads; `edge.language.choice.language` says in which language."""

    context_class = HouseholdContext
    _help: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what a command takes, and give it the option for a language."""
        super().__init__(*args, **kwargs)
        self.params = [*self.params, lang_option()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        note_directory(ctx)
        return super().invoke(ctx)

    @property
    def help(self) -> str | None:
        """What the command does, in the language of the moment."""
        return None if self._help is None else help_in(language(), self._help)

    @help.setter  # noqa: A003 - click's name for it
    def help(self, text: str | None) -> None:
        self._help = text


class HouseholdGroup(HouseholdCommand, LazyGroup):
    """The group of such commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands in front of the command."""
        with _in_language():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _in_language():
            return super().invoke(ctx)


@contextmanager
def _in_language() -> Iterator[None]:
    """Put what goes wrong into the household's language."""
    try:
        yield
    except VoletError as exc:
        exc.args = (typable(sentence_in(language(), str(exc))), *exc.args[1:])
        raise
    except click.UsageError as exc:
        if language() is Lang.EN:
            raise
        raise _WrongUsage(sentence_in(Lang.FR, exc.format_message()), exc.ctx) from exc


def say(text: str, *, err: bool = False) -> None:
    """Print an answer to the household in its language, on standard error if `err`."""
    tell(sentence_in(language(), text), err=err)


def tell(text: str, *, err: bool = False) -> None:
    """Print what is in the household's language already; its commands reach the chip at hand."""
    click.echo(typable(text), err=err)


def confirm(question: str) -> None:
    """Ask a question of yes or no in the household's language. Raises click.Abort if it is no."""
    if not agrees(question):
        say("Nothing was changed.")
        raise click.Abort


def agrees(question: str) -> bool:
    """Ask a question of yes or no in the household's language; returns whether it is yes."""
    asked = sentence_in(language(), question)
    if language() is Lang.EN:
        return click.confirm(asked)
    while (
        answer := click.prompt(asked + _CHOICE, "", show_default=False, prompt_suffix=" ")
        .strip()
        .lower()
    ) not in {
        "o",
        "oui",
    }:
        if answer in {"", "n", "non"}:
            return False
        click.echo(f"{_ERROR}répondez par o (oui) ou n (non).")
    return True


def _option(text: str) -> str:
    """Return the help of an option in French, with what click adds to it."""
    if not (found := _EXTRAS.fullmatch(text)):
        return help_in(Lang.FR, text)
    extras = found["extras"].replace("default: ", _DEFAULT).replace("required", "obligatoire")
    return f"{help_in(Lang.FR, found['text'])}  [{extras}]"
