"""Frames as JSON lines for programs and as tables for people."""

from functools import partial

import msgspec

from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from edge.language.typography import measure
from edge.tic.diagnosis import LineFault
from edge.tic.frame import Frame, InformationGroup, Mode, Rejected
from edge.tic.horodate import civil_time
from edge.tic.labels import LABELS, LabelKind
from edge.tic.quality import LineQuality
from edge.tic.views import Decoded, decode_profile, decode_stge, decode_views

_encoder = msgspec.json.Encoder()


class _Value(msgspec.Struct, frozen=True):
    value: str
    timestamp: str | None
    timestamp_iso: str | None


class _FrameLine(msgspec.Struct, frozen=True):
    mode: Mode
    start: int
    end: int
    opened_by: str
    closed_by: str
    complete: bool
    values: dict[str, _Value]
    rejected: tuple[Rejected, ...]
    unknown: tuple[str, ...]
    decoded: Decoded


class _Summary(msgspec.Struct, frozen=True):
    mode: Mode | None
    frames: int
    complete: int
    groups: int
    rejected: int
    line_quality: float | None
    faults: tuple[LineFault, ...]


class _SummaryLine(msgspec.Struct, frozen=True):
    summary: _Summary


def frame_line(frame: Frame) -> str:
    """Return a frame as one line of JSON."""
    line = _FrameLine(
        mode=frame.mode,
        start=frame.start,
        end=frame.end,
        opened_by=frame.opened_by,
        closed_by=frame.closed_by,
        complete=frame.is_complete,
        values={name: _value(group) for name, group in frame.groups.items()},
        rejected=frame.rejected,
        unknown=frame.unknown,
        decoded=decode_views(frame),
    )
    return _encoder.encode(line).decode()


def frame_table(frame: Frame, lang: Lang) -> str:
    """Return a frame as a table with one group a line."""
    in_lang = partial(sentence_in, lang)
    state = "complete" if frame.is_complete else "incomplete"
    marks = f"{frame.opened_by}..{frame.closed_by}"
    head = in_lang(f"{frame.mode} frame, {state}, {marks}, bytes {frame.start} to {frame.end}")
    rows = [_row(name, group, lang) for name, group in frame.groups.items()]
    lines = [head, *rows]
    if "STGE" in frame.groups:
        lines.append(f"  {in_lang(f'STGE says: {_status(frame)}')}")
    if frame.duplicate_labels:
        labels = ", ".join(frame.duplicate_labels)
        lines.append(f"  {in_lang(f'more than once: {labels}')}")
    unknown = (f"  {in_lang(f'not known, set aside: {raw!r}')}" for raw in frame.unknown)
    refused = (
        f"  {in_lang(f'refused: {group.raw!r}: {group.reason}')}" for group in frame.rejected
    )
    return "\n".join([*lines, *unknown, *refused, ""])


class DecodeTally:
    """Counts frames for the summary."""

    def __init__(self) -> None:
        self._frames = 0
        self._complete = 0

    def count(self, frame: Frame) -> None:
        """Count one frame."""
        self._frames += 1
        self._complete += frame.is_complete

    def summary_line(
        self, mode: Mode | None, quality: LineQuality, faults: tuple[LineFault, ...]
    ) -> str:
        """Return the summary, with what is wrong with the line, as one line of JSON."""
        summary = _Summary(
            mode=mode,
            frames=self._frames,
            complete=self._complete,
            groups=quality.groups,
            rejected=quality.refused,
            line_quality=None if quality.share is None else round(quality.share, 4),
            faults=faults,
        )
        return _encoder.encode(_SummaryLine(summary)).decode()

    def summary_text(self, mode: Mode | None, quality: LineQuality) -> str:
        """Return the summary as a sentence."""
        if mode is None:
            if not quality.size_bytes:
                return "Nothing was received."
            return f"No TIC group in {quality.size_bytes} bytes."
        text = (
            f"{mode}: {self._frames} frames, {self._complete} complete; "
            f"{quality.groups} groups, {quality.refused} refused; "
            f"line quality {quality.share or 0:.1%}"
        )
        if quality.is_parity_checked:
            text += f"; {quality.parity_errors} characters with a parity error"
        return text + "."


def _value(group: InformationGroup) -> _Value:
    return _Value(group.value, group.timestamp, _iso(group))


def _iso(group: InformationGroup) -> str | None:
    moment = civil_time(group.timestamp) if group.timestamp else None
    return moment.isoformat() if moment else None


def group_cells(name: str, group: InformationGroup, lang: Lang) -> tuple[str, str, str]:
    """Return the label of a group, its value with the unit, and what it means."""
    label = LABELS[name]
    if label.kind is LabelKind.PROFILE:
        slots = decode_profile(group.value)
        value = ", ".join(f"{slot.start} index {slot.index}" for slot in slots)
    elif label.unit:
        value = measure(str(int(group.value)), label.unit, lang)
    else:
        value = group.value
    at = _iso(group) or ""
    degraded = f" {sentence_in(lang, '(clock degraded)')}" if group.is_clock_degraded else ""
    meaning = sentence_in(lang, label.english)
    if at and not value:  # the meter's clock
        return name, f"{at}{degraded}", meaning
    return name, value, f"{meaning}{', ' if at else ''}{at}{degraded}"


def _row(name: str, group: InformationGroup, lang: Lang) -> str:
    name, value, meaning = group_cells(name, group, lang)
    return f"  {name:<10}{value:<34} {meaning}"


def _status(frame: Frame) -> str:
    """Return the fields of the status register that differ from zero."""
    stge = decode_stge(frame.groups["STGE"].value)
    fields = ((name, getattr(stge, name)) for name in stge.__struct_fields__)
    return ", ".join(f"{name} {value}" for name, value in fields if value)
