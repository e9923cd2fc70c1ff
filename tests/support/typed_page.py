"""Parses a page of the documentation for a test to type: commands and their promised output."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs/how-to"
TUTORIAL = ROOT / "docs/tutorial"
ANY_LINES = "…"
INTERRUPT = "^C"
CONSOLE = "console"

_BLOCK = re.compile(
    r"^(?:[ ]*<!-- (?P<note>[^\n]*?) -->\n)?"
    r"(?P<indent>[ ]*)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_INDENTED = re.compile(r"^\n(?: {4}|\t)[^\n]+$", re.MULTILINE)
_LATER = re.compile(r"\s# [^'\"]*\blater$")
# An id of which a page shows only the first four characters, such as `1f0c…`, as an example.
_ID = re.compile(r"(?<![\w-])(?:volet_)?[0-9a-z]{4}…")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block.

    Attributes:
        kind: the word after its fence, such as console or json.
        text: its content.
        note: the comment on the line before it, invisible to readers; "" if there is none.
    """

    kind: str
    text: str
    note: str

    def noted(self, word: str) -> str:
        """Return the text after `word` in the note, "" if the note begins differently."""
        return self.note.removeprefix(f"{word}: ") if self.note.startswith(f"{word}: ") else ""


@dataclass
class Step:
    """A command and the lines of output that the page promises."""

    command: str
    expected: list[str] = field(default_factory=list)

    @property
    def is_later(self) -> bool:
        """Return whether the command ends in a comment such as `# a minute later`.

        Its output takes a while to appear, so the command is typed again until it does.
        """
        return _LATER.search(self.command) is not None

    @property
    def before_interrupt(self) -> list[str] | None:
        """The output before Ctrl-C is typed, None if it is not typed."""
        if INTERRUPT not in self.expected:
            return None
        return self.expected[: self.expected.index(INTERRUPT)]

    @property
    def output(self) -> list[str]:
        """The whole output."""
        return [line for line in self.expected if line != INTERRUPT]


def blocks(text: str) -> list[Block]:
    """Return a page's code blocks in order."""
    return [
        Block(match["kind"], textwrap.dedent(match["text"]), match["note"] or "")
        for match in _BLOCK.finditer(text)
    ]


def steps(block: Block) -> list[Step]:
    """Return each `$` line of a console block with the output after it."""
    parsed: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            parsed.append(Step(line[2:]))
        elif line.startswith("> "):
            parsed[-1].command += f"\n{line[2:]}"
        else:
            parsed[-1].expected.append(line)
    return parsed


def pattern(expected: list[str], known: Mapping[str, str]) -> "re.Pattern[str]":
    """Return the pattern that output must match.

    `…` matches anything within a line, or alone any lines. `1f0c…` matches one word, the same in
    every place; `known` gives it by that name, or else `names` reads it from the match.
    """
    parts, seen = [], set(known)
    for line in expected:
        if line == ANY_LINES:
            parts.append(r"(?:.*\n)*?")
            continue
        at = 0
        for match in _ID.finditer(line):
            parts.append(_anything(line[at : match.start()]))
            name = match[0]
            if name in known:
                parts.append(re.escape(known[name]))
            elif name in seen:
                parts.append(f"(?P={_group(name)})")
            else:
                parts.append(rf"(?P<{_group(name)}>[\w+/=-]+)")
            seen.add(name)
            at = match.end()
        parts.append(_anything(line[at:]) + r"\n")
    return re.compile("".join(parts))


def names(match: "re.Match[str]") -> dict[str, str]:
    """Return the real ids of a match, by the abbreviations on the page."""
    return {f"{group.removeprefix('id_')}…": word for group, word in match.groupdict().items()}


def with_ids(command: str, known: Mapping[str, str]) -> str:
    """Return a command with the real ids in place of the page's."""
    return _ID.sub(lambda match: known.get(match[0], match[0]), command)


def problems(text: str) -> Iterator[str]:
    """Yield a message for each code block of a page that a test would skip without a reason."""
    for block in blocks(text):
        begin = block.text.partition("\n")[0]
        if block.noted("not typed") or block.noted("file"):
            continue
        if block.kind != CONSOLE:
            yield (
                f"the {block.kind or 'bare'} block {begin!r} is neither typed nor a file: make it a "
                "console block, or write before it <!-- file: NAME --> or "
                "<!-- not typed: REASON -->"
            )
        elif not begin.startswith("$ "):
            yield f"the console block {begin!r} does not begin with a command"
    for indented in _INDENTED.findall(_BLOCK.sub("", text)):
        yield f"{indented.strip()!r} is an indented block, which nobody types: fence it"


def _anything(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("…"))


def _group(name: str) -> str:
    return f"id_{name.removesuffix('…')}"
