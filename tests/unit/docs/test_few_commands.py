"""From an archive to a chip that meters takes eight typed commands."""

from tests.support.typed_page import HOW_TO, blocks, steps

COMMANDS_MAX = 8


def test_a_household_gets_from_an_archive_to_the_first_block_in_eight_commands():
    page = (HOW_TO / "run-on-a-raspberry-pi.md").read_text()
    needed = page[page.index("\n## Install\n") : page.index("That is all: eight commands")]
    look = needed[needed.index("\n## Look at the line\n") : needed.index("\n## Enrol\n")]
    typed = [step for block in blocks(needed.replace(look, "")) for step in steps(block)]
    assert len(typed) <= COMMANDS_MAX, [step.command for step in typed]
    assert typed[0].command.startswith("mkdir volet && tar xf")
    assert typed[-1].command.startswith("volet edge enrol")
