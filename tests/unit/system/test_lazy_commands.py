"""A command whose packages are missing says which, or that this is no installation for it."""

import click
import pytest

from system.commands import LazyGroup


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("cloud.no_such_part:cloud", "no part of what is installed here"),
        ("volet.no_such_part:area", "no part of what is installed here"),
        ("no_such_party.commands:party", "no part of what is installed here"),
    ],
)
def test_a_part_that_is_not_installed_is_said_to_be_elsewhere(target, said):
    group = LazyGroup("volet", {"part": target}, "Help.")
    with pytest.raises(click.ClickException, match=said):
        group.get_command(click.Context(group), "part")


def test_a_package_that_is_missing_is_named_with_what_brings_it(tmp_path, monkeypatch):
    (tmp_path / "party").mkdir()
    (tmp_path / "party/commands.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    group = LazyGroup("volet", {"party": "party.commands:party"}, "Help.")
    with pytest.raises(click.ClickException, match="needs the Python package no_such_library"):
        group.get_command(click.Context(group), "party")


def test_the_help_lists_what_is_installed_and_nothing_else():
    """`volet` alone, typed at a chip, which has no part of a collectivity."""
    parts = {"edge": "edge.commands.table:edge", "cloud": "cloud.no_such_part:cloud"}
    group = LazyGroup("volet", parts, "Help.")
    shown = group.get_help(click.Context(group))
    assert "edge " in shown
    assert "cloud" not in shown
