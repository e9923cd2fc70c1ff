"""The linter: reports everything wrong or odd in tariff files, each problem with its line."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from protocol.contract import Offer, Signed
from protocol.errors import DocumentRefused
from protocol.listed import Withdrawal, open_listed
from protocol.schedule import Calendar, PriceSeries, Schedule, Schedules, check_schedule
from protocol.tariff import EnergyLine, FixedLine, Tariff
from tariffs.locate import Located, SyntaxProblem, read_located, show_place
from tariffs.problems import Severity, TariffProblem, error, form_problems
from tariffs.rules import (
    file_problems,
    flawless_line,
    line_problems,
    schedule_problems,
    tariff_problems,
)

_LINES: dict[str, object] = {"fixed": FixedLine, "energy": EnergyLine}
_SOME_TARIFF: dict[str, object] = {
    "provider": "x",
    "name": "x",
    "calendar": "x",
    "valid_from": date(2026, 1, 1),
    "valid_to": None,
    "currency": "EUR",
}
_RENDER = "Draw it again with `volet provider tariff`, or sign it with the key it names."


class ProblemReport(msgspec.Struct, frozen=True):
    """One problem for display; `path` points into the file's JSON."""

    file: str
    line: int
    path: str
    severity: Severity
    message: str
    fix: str


class _TariffFile(msgspec.Struct, frozen=True):
    name: str
    located: Located
    problems: tuple[TariffProblem, ...]
    tariffs: tuple[Tariff, ...] = ()
    schedule: Schedule | None = None


def check_files(texts: Mapping[str, str], today: date) -> list[ProblemReport]:
    """Check tariffs, calendars, series and signed documents, singly and against each other."""
    files = [_read(name, text) for name, text in texts.items()]
    schedules = [file.schedule for file in files if file.schedule is not None]
    tariffs = [tariff for file in files for tariff in file.tariffs]
    problems = [(file, problem) for file in files for problem in file.problems]
    try:
        known = Schedules(schedules)
    except DocumentRefused as exc:
        problems.append((files[0], error((), str(exc), "Leave one of the two documents away.")))
        known, schedules = Schedules(), []
    for file in files:
        for number, tariff in enumerate(file.tariffs):
            at = () if len(file.tariffs) == 1 else ("tariffs", number)
            position = next(n for n, other in enumerate(tariffs) if other is tariff)
            in_tariff = [
                *tariff_problems(tariff),
                *file_problems(tariffs, position, today),
                *schedule_problems(tariff, schedules, known),
            ]
            problems += [
                (file, msgspec.structs.replace(problem, place=(*at, *problem.place)))
                for problem in in_tariff
            ]
    order = list(texts)
    return sorted(
        (_report(*problem) for problem in problems),
        key=lambda report: (order.index(report.file), report.line, report.path, report.message),
    )


def read_texts(paths: Sequence[Path], read: Mapping[Path, bytes]) -> dict[str, str]:
    """Decode the contents of `paths`.

    Raises:
        DocumentRefused: a file is not text in UTF-8.
    """
    texts = {}
    for path in paths:
        try:
            texts[str(path)] = read[path].decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise DocumentRefused(f"{path} is no text in UTF-8.") from exc
    return texts


def _read(name: str, text: str) -> _TariffFile:
    try:
        located = read_located(text)
    except SyntaxProblem as exc:
        place = Located(None, {(): exc.line}, ())
        fix = "Put the sign right; quotes around every text, no comma before a closing bracket."
        return _TariffFile(name, place, (error((), str(exc), fix),))
    twice = [
        error(place, f"The key `{place[-1]}` stands twice.", "Take one away.")
        for place in located.twice
    ]
    value = located.value
    if not isinstance(value, dict):
        return _TariffFile(name, located, (error((), "This is no object.", "Begin with `{`."),))
    if "signature" in value:
        return _signed(name, located, value)
    if "runs" in value or "prices" in value:
        return _schedule(name, located, value, twice)
    return _tariff(name, located, value, [*twice, *form_problems(value, Tariff)])


def _schedule(
    name: str, located: Located, value: dict[str, object], problems: list[TariffProblem]
) -> _TariffFile:
    kind: type[Calendar | PriceSeries] = Calendar if "runs" in value else PriceSeries
    problems += form_problems(value, kind)
    if problems:
        return _TariffFile(name, located, tuple(problems))
    schedule: Schedule = msgspec.convert(value, kind)
    try:
        check_schedule(schedule, name)
    except DocumentRefused as exc:
        message = str(exc).removeprefix(f"{name}: ")
        return _TariffFile(name, located, (error((), message, _RENDER),))
    return _TariffFile(name, located, (), schedule=schedule)


def _tariff(
    name: str, located: Located, value: dict[str, object], problems: list[TariffProblem]
) -> _TariffFile:
    """Check line by line, so a malformed line does not hide problems in others."""
    lines: dict[str, list[object]] = {}
    for part, kind in _LINES.items():
        rows = value.get(part)
        lines[part] = []
        for number, row in enumerate(rows if isinstance(rows, list) else []):
            if any(problem.place[:2] == (part, number) for problem in problems):
                lines[part].append(flawless_line(part, number))
            else:
                line = msgspec.convert(row, kind)
                lines[part].append(line)
                problems += line_problems(line, (part, number))
    if not any(problem.severity is Severity.ERROR for problem in problems):
        return _TariffFile(
            name, located, tuple(problems), tariffs=(msgspec.convert(value, Tariff),)
        )
    wrong = {problem.place[0] for problem in problems if problem.place}
    sound = {key: part for key, part in value.items() if key not in wrong}
    partial = msgspec.convert({**_SOME_TARIFF, **sound, **lines}, Tariff)
    is_without_lines = bool(wrong & set(_LINES))
    problems += (
        problem
        for problem in tariff_problems(partial)
        if problem.severity is Severity.ERROR and (problem.place or not is_without_lines)
    )
    return _TariffFile(name, located, tuple(problems))


def _signed(name: str, located: Located, value: dict[str, object]) -> _TariffFile:
    try:
        document = open_listed(msgspec.convert(value, Signed))
    except msgspec.ValidationError as exc:
        return _TariffFile(name, located, (error((), f"{exc}.", _RENDER),))
    except DocumentRefused as exc:
        return _TariffFile(name, located, (error((), str(exc), _RENDER),))
    if isinstance(document, Withdrawal):
        return _TariffFile(name, located, ())
    if not isinstance(document, Offer):
        return _TariffFile(name, located, (), schedule=document)
    problems = [
        problem
        for at, tariff in enumerate(document.tariffs)
        for part in ("fixed", "energy")
        for number, line in enumerate(getattr(tariff, part))
        for problem in line_problems(line, ("tariffs", at, part, number))
    ]
    return _TariffFile(name, located, tuple(problems), tariffs=document.tariffs)


def _report(file: _TariffFile, problem: TariffProblem) -> ProblemReport:
    return ProblemReport(
        file.name,
        file.located.line(problem.place),
        show_place(problem.place),
        problem.severity,
        problem.message,
        problem.fix,
    )


def count(reports: Sequence[ProblemReport], severity: Severity) -> int:
    """Count the reports of a severity."""
    return sum(report.severity is severity for report in reports)


def in_words(reports: Sequence[ProblemReport]) -> Iterator[str]:
    """Yield the report's lines: two for each problem, and the totals at the end."""
    for report in reports:
        path = f" {report.path}:" if report.path else ""
        yield f"{report.file}:{report.line}: {report.severity}:{path} {report.message}"
        yield f"    {report.fix}"
    errors, warnings = (count(reports, severity) for severity in Severity)
    yield f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}."
