"""Every label of the TIC output in both modes: the form of its data, its unit and English name.

No label exists in both modes. Data must match `pattern` in full, length included. Patterns are as
narrow as Enedis-NOI-CPT_54E v3 allows, because the checksum does not see a fault in bit 6 or
swapped characters. No pattern matches legal data with bit 6 of one character flipped.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from edge.tic.frame import Mode


class LabelKind(StrEnum):
    """The kind of data that a label carries."""

    SERIAL = "serial"
    DIGITS = "digits"
    HEX = "hex"
    CHOICE = "choice"
    TEXT = "text"
    PROFILE = "profile"
    HORODATE = "horodate"


class Unit(StrEnum):
    """The unit of a label's digits; NONE for codes and texts."""

    NONE = ""
    WH = "Wh"
    VARH = "VArh"
    W = "W"
    VA = "VA"
    KVA = "kVA"
    A = "A"
    V = "V"
    MINUTE = "min"


class Horodate(StrEnum):
    """Whether a group carries a horodate before its data."""

    NO = "no"
    YES = "yes"
    BLANK_SEASON = "blank season"  # the season may be a space


class Label(msgspec.Struct, frozen=True):
    """One label: its mode, the length of its data in characters, and its properties.

    Data that match only `doubtful` are accepted once the next frame repeats them. `is_register`: a
    counter that only rises. `is_fixed`: the value stays the same for at least hours, mostly years.
    """

    name: str
    mode: Mode
    kind: LabelKind
    length: int
    pattern: re.Pattern[str]
    english: str
    unit: Unit = Unit.NONE
    horodate: Horodate = Horodate.NO
    is_register: bool = False
    is_fixed: bool = False
    doubtful: re.Pattern[str] | None = None


# A source that hides a serial number replaces it by another, often a shorter one, or most of it by
# one repeated character, with a correct checksum. Such data are not a line fault.
_SERIAL = r"\d{6,%d}|(?=.{6,14}\Z)\d*([X*#])\1{3,}\d*"
# Sources that trim texts remove an even number of spaces, so that the checksum still fits. The
# checksum does not see a lost "@", so a text one character shorter, or a trimmed text with an "@",
# is not accepted.
_TEXT = r"(?=.{%d}\Z|[^@]{1,%d}(?<! )\Z)%s[ -_a-z]*"
# In texts, a single lower-case letter may be a digit or a dash with bit 6 flipped.
_NO_LONE_LETTER = r"(?![^a-z]*[a-z][^a-z]*\Z)"
_SLOT = r"(?:(?:[01]\d|2[0-3])[0-5]\d[0-9A-F]{4}|NONUTILE)"
_PROFILE = rf"{_SLOT}(?: {_SLOT}){{10}}"

_H = Mode.HISTORIQUE
_S = Mode.STANDARD


def _digits(
    mode: Mode,
    name: str,
    length: int,
    english: str,
    unit: Unit = Unit.NONE,
    horodate: Horodate = Horodate.NO,
    pattern: str = "",
) -> Label:
    regex = re.compile(pattern or rf"\d{{{length}}}", re.ASCII)
    return Label(name, mode, LabelKind.DIGITS, length, regex, english, unit, horodate)


def _register(mode: Mode, name: str, english: str, unit: Unit = Unit.WH) -> Label:
    regex = re.compile(r"\d{9}", re.ASCII)
    return Label(name, mode, LabelKind.DIGITS, 9, regex, english, unit, is_register=True)


def _rating(mode: Mode, name: str, english: str, unit: Unit) -> Label:
    regex = re.compile(r"\d\d", re.ASCII)
    return Label(name, mode, LabelKind.DIGITS, 2, regex, english, unit, is_fixed=True)


def _serial(mode: Mode, name: str, length: int, english: str) -> Label:
    regex = re.compile(_SERIAL % length, re.ASCII)
    return Label(name, mode, LabelKind.SERIAL, length, regex, english, is_fixed=True)


def _text(name: str, length: int, english: str, *, is_fixed: bool = False) -> Label:
    regex, doubtful = (
        re.compile(_TEXT % (length, length - 2, without), re.ASCII)
        for without in (_NO_LONE_LETTER, "")
    )
    return Label(
        name, _S, LabelKind.TEXT, length, regex, english, is_fixed=is_fixed, doubtful=doubtful
    )


def _choice(
    name: str, length: int, pattern: str, english: str, *, mode: Mode = _H, is_fixed: bool = False
) -> Label:
    regex = re.compile(pattern, re.ASCII)
    return Label(name, mode, LabelKind.CHOICE, length, regex, english, is_fixed=is_fixed)


def _hex(mode: Mode, name: str, length: int, english: str) -> Label:
    return Label(name, mode, LabelKind.HEX, length, re.compile(rf"[0-9A-F]{{{length}}}"), english)


def _profile(name: str, english: str) -> Label:
    regex = re.compile(_PROFILE, re.ASCII)
    return Label(name, _S, LabelKind.PROFILE, 98, regex, english, is_fixed=True)


def _historique() -> list[Label]:
    tempo = [
        _register(_H, f"BBRH{hour}J{day}", f"index, {hours} hours, {colour} days")
        for day, colour in (("B", "blue"), ("W", "white"), ("R", "red"))
        for hour, hours in (("C", "off-peak"), ("P", "peak"))
    ]
    phases = [
        _digits(_H, f"{name}{phase}", 3, f"{english}, phase {phase}", Unit.A)
        for name, english in (
            ("IINST", "current"),
            ("IMAX", "maximum current"),
            ("ADIR", "over-current warning"),
        )
        for phase in (1, 2, 3)
    ]
    return [
        _serial(_H, "ADCO", 12, "meter serial number"),
        _choice("OPTARIF", 4, r"BASE|HC\.\.|EJP\.|BBR[ -_]", "tariff option", is_fixed=True),
        _rating(_H, "ISOUSC", "subscribed current", Unit.A),
        _register(_H, "BASE", "index"),
        _register(_H, "HCHC", "index, off-peak hours"),
        _register(_H, "HCHP", "index, peak hours"),
        _register(_H, "EJPHN", "index, normal hours"),
        _register(_H, "EJPHPM", "index, mobile peak hours"),
        *tempo,
        _digits(_H, "PEJP", 2, "mobile peak notice", Unit.MINUTE),
        _choice("PTEC", 4, r"(?:TH|HC|HP|HN|PM)\.\.|H[CP]J[BWR]", "current tariff period"),
        _choice("DEMAIN", 4, r"----|BLEU|BLAN|ROUG", "colour of tomorrow"),
        _digits(_H, "IINST", 3, "current", Unit.A),
        _digits(_H, "ADPS", 3, "over-power warning", Unit.A),
        _digits(_H, "IMAX", 3, "maximum current", Unit.A),
        _digits(_H, "PMAX", 5, "maximum power of three phases", Unit.W),
        _digits(_H, "PAPP", 5, "apparent power", Unit.VA),
        _choice("HHPHC", 1, r"[0-9A-Z]", "off-peak schedule"),
        _hex(_H, "MOTDETAT", 6, "status word"),
        _hex(_H, "PPOT", 2, "presence of potentials"),
        *phases,
    ]


def _standard_energy() -> list[Label]:
    return [
        _register(_S, "EAST", "energy drawn, total"),
        *(_register(_S, f"EASF{n:02}", f"energy drawn, supplier index {n}") for n in range(1, 11)),
        *(
            _register(_S, f"EASD{n:02}", f"energy drawn, distributor index {n}")
            for n in range(1, 5)
        ),
        _register(_S, "EAIT", "energy injected, total"),
        *(
            _register(_S, f"ERQ{n}", f"reactive energy, quadrant {n}", Unit.VARH)
            for n in range(1, 5)
        ),
    ]


def _standard_power() -> list[Label]:
    yes = Horodate.YES
    per_phase = [
        label
        for n in (1, 2, 3)
        for label in (
            _digits(_S, f"IRMS{n}", 3, f"current, phase {n}", Unit.A),
            _digits(_S, f"URMS{n}", 3, f"voltage, phase {n}", Unit.V),
            _digits(_S, f"UMOY{n}", 3, f"mean voltage, phase {n}", Unit.V, yes),
            _digits(_S, f"SINSTS{n}", 5, f"apparent power drawn, phase {n}", Unit.VA),
            _digits(_S, f"SMAXSN{n}", 5, f"maximum power drawn, phase {n}", Unit.VA, yes),
            _digits(_S, f"SMAXSN{n}-1", 5, f"the same of yesterday, phase {n}", Unit.VA, yes),
        )
    ]
    return [
        _rating(_S, "PREF", "reference power", Unit.KVA),
        _rating(_S, "PCOUP", "cut-off power", Unit.KVA),
        _digits(_S, "SINSTS", 5, "apparent power drawn", Unit.VA),
        _digits(_S, "SMAXSN", 5, "maximum power drawn today", Unit.VA, yes),
        _digits(_S, "SMAXSN-1", 5, "maximum power drawn yesterday", Unit.VA, yes),
        _digits(_S, "SINSTI", 5, "apparent power injected", Unit.VA),
        _digits(_S, "SMAXIN", 5, "maximum power injected today", Unit.VA, yes),
        _digits(_S, "SMAXIN-1", 5, "maximum power injected yesterday", Unit.VA, yes),
        _digits(_S, "CCASN", 5, "load curve, last point drawn", Unit.W, yes),
        _digits(_S, "CCASN-1", 5, "load curve, point before, drawn", Unit.W, yes),
        _digits(_S, "CCAIN", 5, "load curve, last point injected", Unit.W, yes),
        _digits(_S, "CCAIN-1", 5, "load curve, point before, injected", Unit.W, yes),
        *per_phase,
    ]


def _standard_contract() -> list[Label]:
    blank = Horodate.BLANK_SEASON
    date = Label(
        "DATE", _S, LabelKind.HORODATE, 0, re.compile(""), "meter's clock", horodate=Horodate.YES
    )
    mobile_peaks = [
        _digits(_S, f"{name}{n}", 2, f"{english} of mobile peak {n}", horodate=blank)
        for n in (1, 2, 3)
        for name, english in (("DPM", "beginning"), ("FPM", "end"))
    ]
    return [
        _serial(_S, "ADSC", 12, "meter serial number"),
        _choice("VTIC", 2, r"\d\d", "version of the TIC output", mode=_S, is_fixed=True),
        date,
        _text("NGTF", 16, "supplier calendar", is_fixed=True),
        _text("LTARF", 16, "current supplier tariff"),
        _hex(_S, "STGE", 8, "status register"),
        *mobile_peaks,
        _text("MSG1", 32, "short message", is_fixed=True),
        _text("MSG2", 16, "very short message"),
        _serial(_S, "PRM", 14, "point of delivery"),
        _digits(_S, "RELAIS", 3, "relays", pattern=r"[01]\d\d|2[0-4]\d|25[0-5]"),
        _digits(_S, "NTARF", 2, "current supplier index", pattern=r"0[1-9]|10"),
        _choice("NJOURF", 2, r"0\d", "calendar day, today", mode=_S, is_fixed=True),
        _choice("NJOURF+1", 2, r"0\d", "calendar day, tomorrow", mode=_S, is_fixed=True),
        _profile("PJOURF+1", "supplier day profile, tomorrow"),
        _profile("PPOINTE", "mobile peak profile"),
    ]


LABELS: Mapping[str, Label] = {
    label.name: label
    for label in (
        *_historique(),
        *_standard_contract(),
        *_standard_energy(),
        *_standard_power(),
    )
}
