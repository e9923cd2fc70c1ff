"""The language of the chip's output.

The same rule holds for bills, help and errors: `--lang` if it is given, else the first of LC_ALL,
LC_MESSAGES and LANG that is set. A value for the language `fr` means French, any other English.
"""

import os
from collections.abc import Mapping
from enum import StrEnum

import click

_KEY = "volet.language"
# The first that is set decides, in this order (POSIX, "Environment Variables", section 8.2).
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


class Lang(StrEnum):
    """The languages of bills, help and errors."""

    FR = "fr"
    EN = "en"


def household_language(environment: Mapping[str, str] = os.environ) -> Lang:
    """Return the language that the environment selects."""
    locale = next((value for name in VARIABLES if (value := environment.get(name))), "")
    tongue = locale.partition(".")[0].partition("_")[0].lower()
    return Lang.FR if tongue == Lang.FR else Lang.EN


def language() -> Lang:
    """Return the language of the running command: `--lang`, else the environment's."""
    context = click.get_current_context(silent=True)
    chosen: Lang | None = None if context is None else context.meta.get(_KEY)
    return chosen or household_language()


def _choose(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    del parameter
    if value is not None:
        context.meta[_KEY] = Lang(value)


def lang_option() -> click.Option:
    """Return the option `--lang`; it is parsed first, so that errors in other options follow it."""
    return click.Option(
        ["--lang"],
        type=click.Choice([lang.value for lang in Lang]),
        is_eager=True,
        expose_value=False,
        callback=_choose,
        help="French or English. Default: by LC_ALL, LC_MESSAGES or LANG.",
    )
