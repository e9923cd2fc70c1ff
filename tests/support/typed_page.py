"""A page of the documentation as a test types it: commands, the output they promise, the rest."""

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
# An id of which a page gives the first four characters, such as `1f0c…`: an example of its kind.
_ID = re.compile(r"(?<![\w-])(?:volet_)?[0-9a-z]{4}…")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block.

    Attributes:
        kind: the word after its fence, such as console or json.
        text: what stands in it.
        note: the comment on the line before it, which no reader sees; "" if there is none.
    """

    kind: str
    text: str
    note: str

    def noted(self, word: str) -> str:
        """Return what follows `word` in the note, "" if the note is another."""
        return self.note.removeprefix(f"{word}: ") if self.note.startswith(f"{word}: ") else ""


@dataclass
class Step:
    """A command and the lines of output that the page promises."""

    command: str
    expected: list[str] = field(default_factory=list)

    @property
    def is_later(self) -> bool:
        """Whether the command ends in a comment such as `# a minute later`.

        What it prints takes a while to come about, so it is typed again until it does.
        """
        return _LATER.search(self.command) is not None

    @property
    def before_interrupt(self) -> list[str] | None:
        """What is printed before Ctrl-C is typed; None if it is not."""
        if INTERRUPT not in self.expected:
            return None
        return self.expected[: self.expected.index(INTERRUPT)]

    @property
    def output(self) -> list[str]:
        """What is printed in all."""
        return [line for line in self.expected if line != INTERRUPT]


def blocks(text: str) -> list[Block]:
    """Return a page's code blocks in their order."""
    return [
        Block(found["kind"], textwrap.dedent(found["text"]), found["note"] or "")
        for found in _BLOCK.finditer(text)
    ]


def steps(block: Block) -> list[Step]:
    """Return each `$` line of a console block with what follows it."""
    found: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        elif line.startswith("> "):
            found[-1].command += f"\n{line[2:]}"
        else:
            found[-1].expected.append(line)
    return found


def pattern(expected: list[str], known: Mapping[str, str]) -> "re.Pattern[str]":
    """Return what output must match.

    `…` is anything in a line, alone any lines. `1f0c…` is one word, the same wherever it stands:
    what it is, is in `known` by that name or else in the match, by `names`.
    """
    parts, seen = [], set(known)
    for line in expected:
        if line == ANY_LINES:
            parts.append(r"(?:.*\n)*?")
            continue
        at = 0
        for found in _ID.finditer(line):
            parts.append(_anything(line[at : found.start()]))
            name = found[0]
            if name in known:
                parts.append(re.escape(known[name]))
            elif name in seen:
                parts.append(f"(?P={_group(name)})")
            else:
                parts.append(rf"(?P<{_group(name)}>[\w-]+)")
            seen.add(name)
            at = found.end()
        parts.append(_anything(line[at:]) + r"\n")
    return re.compile("".join(parts))


def names(match: "re.Match[str]") -> dict[str, str]:
    """Return what the ids of a page, by the way it writes them, really are."""
    return {f"{group.removeprefix('id_')}…": word for group, word in match.groupdict().items()}


def with_ids(command: str, known: Mapping[str, str]) -> str:
    """Return a command with the real ids in place of the page's."""
    return _ID.sub(lambda found: known.get(found[0], found[0]), command)


def problems(text: str) -> Iterator[str]:
    """Say which code blocks of a page a test would pass by without a reason given."""
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
    for found in _INDENTED.findall(_BLOCK.sub("", text)):
        yield f"{found.strip()!r} is an indented block, which nobody types: fence it"


def _anything(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("…"))


def _group(name: str) -> str:
    return f"id_{name.removesuffix('…')}"
