"""Commands, help and errors of `volet edge` in the household's language.

Each command takes `--lang`, and so does `volet edge` itself before the command. Help, errors and
usage errors are translated when they are printed, from the tables in `edge.language.french`.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import click

from edge.language.choice import Lang, lang_option, language
from edge.language.directories import complete_commands, remember_directory
from edge.language.french.looking_up import help_in, sentence_in
from edge.language.typography import filled_in_french, typeset
from protocol.errors import ConfigError, VoletError
from system.commands import LazyGroup
from system.files import typed_by, user_name

_ERROR, _DEFAULT, _CHOICE = map(typeset, ("Erreur : ", "par défaut : ", " [o/N] :"))
# The first changes files of root too, and leaves each file its owner; the second changes nothing.
_AS_ROOT_TOO = {"setup", "doctor"}
_EXTRAS = re.compile(r"(?P<text>.*?)  \[(?P<extras>[^]]*)\]")


class _FrenchFormatter(click.HelpFormatter):
    """Formats help with French headings, and with French words for what a person fills in."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        usage = prefix or f"{help_in(Lang.FR, 'Usage:')} "
        super().write_usage(prog, filled_in_french(args), usage)

    def write_heading(self, heading: str) -> None:
        super().write_heading(help_in(Lang.FR, heading))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        super().write_dl(
            [(filled_in_french(name), _option(text)) for name, text in rows], col_max, col_spacing
        )


class HouseholdContext(click.Context):
    """The context of a command whose output a household reads."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return the formatter for help in the current language."""
        if language() is Lang.EN:
            return super().make_formatter()
        return _FrenchFormatter(width=self.terminal_width, max_width=self.max_content_width)


class _WrongUsage(click.UsageError):
    """A usage error in French."""

    def __init__(self, message: str, ctx: click.Context | None) -> None:
        super().__init__(message, ctx)
        # The language of the command is no longer known when it is shown.
        self._usage = "" if ctx is None else ctx.get_usage()

    def show(self, file: IO[Any] | None = None) -> None:
        """Print how the command is used and what was wrong."""
        if self.ctx is not None:
            command = self.ctx.command_path
            click.echo(f"{self._usage}\nVoyez `{command} --help`.\n", file, err=True)
        click.echo(f"{_ERROR}{self.message}", file, err=True)


class HouseholdCommand(click.Command):
    """A command whose output a household reads, in the language of `edge.language.choice`."""

    context_class = HouseholdContext
    _help: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build a command like click's, with the option `--lang` added."""
        super().__init__(*args, **kwargs)
        self.params = [*self.params, lang_option()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        remember_directory(ctx)
        directory = ctx.params.get("directory")
        if isinstance(directory, Path):
            check_is_usable(directory, as_root=ctx.info_name in _AS_ROOT_TOO)
        return super().invoke(ctx)

    @property
    def help(self) -> str | None:
        """The command's help in the current language."""
        return None if self._help is None else help_in(language(), self._help)

    @help.setter  # noqa: A003 - click's name for it
    def help(self, text: str | None) -> None:
        self._help = text


class HouseholdGroup(HouseholdCommand, LazyGroup):
    """A group of household commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command."""
        with _in_language():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _in_language():
            return super().invoke(ctx)


@contextmanager
def _in_language() -> Iterator[None]:
    """Translate errors into the household's language."""
    try:
        yield
    except VoletError as exc:
        exc.args = (complete_commands(sentence_in(language(), str(exc))), *exc.args[1:])
        raise
    except PermissionError as exc:
        path = Path(str(exc.filename or "."))
        why = f"{path}: {exc.strerror}{typed_by(path, exc)}."
        raise ConfigError(sentence_in(language(), why)) from exc
    except click.UsageError as exc:
        # Who names no command gets the help, which is in the household's language already.
        if language() is Lang.EN or isinstance(exc, click.exceptions.NoArgsIsHelpError):
            raise
        said = sentence_in(Lang.FR, exc.format_message())
        if isinstance(exc, click.MissingParameter):
            said = filled_in_french(said)
        raise _WrongUsage(said, exc.ctx) from exc


def echo_translated(text: str, *, err: bool = False) -> None:
    """Print an English answer in the household's language, on standard error if `err`."""
    echo(sentence_in(language(), text), err=err)


def echo(text: str, *, err: bool = False) -> None:
    """Print a text that is already in the household's language.

    The commands in it are completed with the chip's directory where that is not the default one.
    """
    click.echo(complete_commands(text), err=err)


def confirm(question: str) -> None:
    """Ask a yes-or-no question in the household's language.

    Raises:
        click.Abort: the answer is no.
    """
    if not agrees(question):
        echo_translated("Nothing was changed.")
        raise click.Abort


def agrees(question: str) -> bool:
    """Ask a yes-or-no question in the household's language; return whether the answer is yes."""
    sentence = sentence_in(language(), question)
    if language() is Lang.EN:
        return click.confirm(sentence)
    while (
        answer := click.prompt(sentence + _CHOICE, "", show_default=False, prompt_suffix=" ")
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


def check_is_usable(directory: Path, *, as_root: bool = False) -> None:
    """Check that a command may work in the chip's directory; root in another user's, if `as_root`.

    Raises:
        PermissionError: it is closed to this user.
        ConfigError: what root writes there, the chip could not read.
    """
    _check_is_open(directory)
    if not as_root:
        _check_is_no_ones(directory)


def _check_is_open(directory: Path) -> None:
    """Raise PermissionError if a directory is closed to this user."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory):
        pass


def _check_is_no_ones(directory: Path) -> None:
    """Refuse that root, by `sudo` mostly, works in the chip's directory of another user.

    Raises:
        ConfigError: what root writes there, the chip could not read.
    """
    if os.geteuid() != 0 or not directory.exists():
        return
    owner = directory.stat().st_uid
    if owner != 0:
        name = user_name(owner)
        raise ConfigError(
            f"{directory} is {name}'s, and what root writes there its chip could not read; type this "
            f"as {name}, without `sudo`."
        )


def _option(text: str) -> str:
    """Return an option's help in French, including the defaults that click appends."""
    if not (match := _EXTRAS.fullmatch(text)):
        return help_in(Lang.FR, text)
    extras = match["extras"].replace("default: ", _DEFAULT).replace("required", "obligatoire")
    return f"{help_in(Lang.FR, match['text'])}  [{extras}]"
