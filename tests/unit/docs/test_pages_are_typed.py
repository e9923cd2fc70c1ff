"""Every how-to page with commands is typed by a test, and no code block of one is passed by in silence."""

import re

import pytest

from tests.support.typed_page import HOW_TO, ROOT, TUTORIAL, blocks, pattern, problems, steps

PAGES = sorted([*HOW_TO.glob("*.md"), *TUTORIAL.glob("*.md")])
TYPED_BY = re.compile(r'"([\w-]+\.md)"')
TESTS = (
    "tests/integration/test_tutorial.py",
    "tests/integration/test_how_to_pages.py",
    "tests/integration/test_put_right_page.py",
    "tests/e2e/test_raspberry_pi_page.py",
    "tests/e2e/test_software_follows.py",
)


def test_every_how_to_page_with_commands_is_typed_by_a_test():
    """One in French whose commands are those of the English page may say so instead."""
    typed = {page for test in TESTS for page in TYPED_BY.findall((ROOT / test).read_text("utf-8"))}
    with_commands = {
        page.name
        for page in HOW_TO.glob("*.md")
        if any(not block.noted("not typed") for block in blocks(page.read_text("utf-8")))
    }
    assert with_commands <= typed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_code_block_is_passed_by_without_a_reason(page):
    assert not list(problems(page.read_text("utf-8")))


@pytest.mark.parametrize(
    "block",
    [
        "```sh\nvolet --version\n```\n",
        "```json\n{}\n```\n",
        "```\nvolet --version\n```\n",
        "```console\nvolet --version\n```\n",
        "```console\n```\n",
        "Text:\n\n    volet --version\n",
        "<!-- not typed: -->\n```sh\nvolet --version\n```\n",
    ],
)
def test_a_block_that_nobody_types_is_found(block):
    assert list(problems(block))


@pytest.mark.parametrize(
    "block",
    [
        "```console\n$ volet --version\n```\n",
        "<!-- file: tariff.json -->\n```json\n{}\n```\n",
        "<!-- not typed: needs a printer -->\n```sh\nlp bill.pdf\n```\n",
        "1. Text\n\n   ```console\n   $ volet --version\n   ```\n",
    ],
)
def test_a_block_that_is_typed_or_excused_is_none(block):
    assert not list(problems(block))


def test_an_id_of_a_page_is_the_same_word_wherever_it_stands():
    expected = ["Enrolled r2oj….", "… again: r2oj…"]
    assert pattern(expected, {}).fullmatch("Enrolled abcd.\nand again: abcd\n")
    assert not pattern(expected, {}).fullmatch("Enrolled abcd.\nand again: abce\n")
    assert not pattern(expected, {"r2oj…": "abce"}).fullmatch("Enrolled abcd.\nx again: abcd\n")


def test_a_command_that_goes_on_is_one_step():
    (block,) = blocks("```console\n$ cat <<END\n> a\n> END\na\n$ true\n```\n")
    assert [(step.command, step.expected) for step in steps(block)] == [
        ("cat <<END\na\nEND", ["a"]),
        ("true", []),
    ]
