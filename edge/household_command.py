"""What all commands of `volet edge` share: they speak the household's language.

Each takes `--lang`; so does `volet edge` itself, in front of the command.
"""

from typing import Any

import click

from edge.language import lang_option
from system.commands import LazyGroup


class HouseholdCommand(click.Command):
    """A command that a household reads; `edge.language.language` says in which language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what a command takes, and give it the option for a language."""
        super().__init__(*args, **kwargs)
        self.params = [*self.params, lang_option()]


class HouseholdGroup(LazyGroup):
    """The group of such commands."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what a lazy group takes, and give it the option for a language."""
        super().__init__(*args, **kwargs)
        self.params = [*self.params, lang_option()]
