"""The language in which a household reads what its chip says.

One rule for bills, help and errors alike: `--lang` where it is given, else the first of LC_ALL,
LC_MESSAGES and LANG that is set. A value that begins with `fr` is French; any other is English.
"""

import os
from collections.abc import Mapping
from enum import StrEnum

import click

_KEY = "volet.language"
# In this order the first that is set decides (POSIX, "Environment Variables", section 8.2).
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


class Lang(StrEnum):
    """The languages in which a household reads its bills."""

    FR = "fr"
    EN = "en"


def household_language(environment: Mapping[str, str] = os.environ) -> Lang:
    """Return the language that the environment asks for."""
    locale = next((value for name in VARIABLES if (value := environment.get(name))), "")
    tongue = locale.partition(".")[0].partition("_")[0].lower()
    return Lang.FR if tongue == Lang.FR else Lang.EN


def language() -> Lang:
    """Return the language of the command that runs: `--lang`, else what the environment asks for."""
    context = click.get_current_context(silent=True)
    chosen: Lang | None = None if context is None else context.meta.get(_KEY)
    return chosen or household_language()


def _choose(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    del parameter
    if value is not None:
        context.meta[_KEY] = Lang(value)


def lang_option() -> click.Option:
    """Return the option `--lang`, read before the others so that their errors follow it."""
    return click.Option(
        ["--lang"],
        type=click.Choice([lang.value for lang in Lang]),
        is_eager=True,
        expose_value=False,
        callback=_choose,
        help="French or English; without it, what LC_ALL, LC_MESSAGES or LANG says.",
    )
