"""The board's drawing as SVG: symbols at fixed places, wires by net, values from the parts.

A wire is checked against the netlist before it is drawn: each pin of its net lies on it, no pin of
another net does, and it hangs together. So the drawing cannot show what the board is not.
"""

from collections import Counter
from collections.abc import Iterable

from hardware.tic_board import Board

Point = tuple[int, int]
_PLACES: dict[str, Point] = {
    "J1.1": (100, 120),
    "J1.2": (100, 210),
    "R1.1": (140, 120),
    "R1.2": (200, 120),
    "U1.1": (280, 140),
    "U1.2": (280, 190),
    "U1.4": (380, 110),
    "U1.3": (380, 235),
    "R2.1": (450, 262),
    "R2.2": (450, 296),
    "R3.1": (545, 62),
    "R3.2": (545, 96),
    "Q1.1": (500, 180),
    "Q1.2": (545, 197),
    "Q1.3": (545, 163),
    "J2.1": (660, 45),
    "J2.3": (660, 120),
    "J2.2": (660, 315),
}
_WIRES: dict[str, tuple[tuple[Point, ...], ...]] = {
    "I1": (((100, 120), (140, 120)),),
    "LED": (((200, 120), (280, 120), (280, 140)),),
    "I2": (((100, 210), (280, 210), (280, 190)),),
    "3V3": (((380, 110), (380, 45), (545, 45), (660, 45)), ((545, 45), (545, 62))),
    "GATE": (
        ((380, 235), (380, 250), (450, 250), (450, 180), (500, 180)),
        ((450, 250), (450, 262)),
    ),
    "RXD": (((545, 96), (545, 120), (660, 120)), ((545, 120), (545, 163))),
    "GND": (((450, 296), (450, 315), (545, 315), (660, 315)), ((545, 315), (545, 197))),
}
_SYMBOLS = """\
    <rect x="20" y="90" width="80" height="150"/>
    <rect x="140" y="112" width="60" height="16"/>
    <path d="M265 140H295V155M265 140V155M265 175V190H295V175"/>
    <path d="M256 155H274L265 172ZM256 173H274"/>
    <path d="M286 173H304L295 156ZM286 155H304"/>
    <rect x="240" y="95" width="165" height="140" stroke-dasharray="6 4"/>
    <path d="M314 158H338M333 154L338 158L333 162M314 170H338M333 166L338 170L333 174"/>
    <path d="M350 145V183M350 156L380 138V110M350 172L380 190V235"/>
    <path d="M368 188L379 189L374 179"/>
    <rect x="442" y="262" width="16" height="34"/>
    <path d="M500 160V200M510 156V170M510 174V186M510 190V204"/>
    <path d="M510 163H545M510 197H545M510 180H545V197"/>
    <path d="M520 176L511 180L520 184"/>
    <rect x="537" y="62" width="16" height="34"/>
    <rect x="660" y="25" width="100" height="305"/>
"""
_ALONE, _JUNCTION = 2, 3


def wrong_wires(board: Board) -> list[str]:
    """Return where the drawing differs from the netlist, each as a sentence."""
    nets = board.nets()
    said = [f"Net {name} is drawn by no wire." for name in sorted(nets.keys() - _WIRES.keys())]
    said += [f"There is no net {name} to draw." for name in sorted(_WIRES.keys() - nets.keys())]
    for name in sorted(nets.keys() & _WIRES.keys()):
        on_it = {point for wire in _WIRES[name] for point in wire}
        drawn = {pin for pin, place in _PLACES.items() if place in on_it}
        if drawn != nets[name]:
            said.append(f"Net {name} joins {sorted(nets[name])}, and is drawn to {sorted(drawn)}.")
        if not _hangs_together(_WIRES[name]):
            said.append(f"The wires of net {name} do not meet.")
    return said


def _hangs_together(wires: tuple[tuple[Point, ...], ...]) -> bool:
    reached, rest = set(wires[0]), list(wires[1:])
    while touching := [wire for wire in rest if reached & set(wire)]:
        for wire in touching:
            reached |= set(wire)
            rest.remove(wire)
    return not rest


def draw(board: Board) -> str:
    """Return the board as SVG."""
    values = {part.ref: part.value for part in board.parts()}
    label = (
        "Meter terminals I1 and I2, series resistor R1, opto-coupler U1 as emitter follower with "
        "load R2, transistor Q1 with pull-up R3, header of a Raspberry Pi"
    )
    lines = [
        (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 340" font-family="sans-serif"'
            f' font-size="13" role="img" aria-label="{label}">'
        ),
        '  <rect width="780" height="340" fill="#fff"/>',
        '  <g fill="none" stroke="#222" stroke-width="1.6" stroke-linejoin="round">',
        _SYMBOLS.rstrip("\n"),
        *(f'    <path d="{_path(wire)}"/>' for wires in _WIRES.values() for wire in wires),
        "  </g>",
        '  <g fill="#222">',
        *(f'    <circle cx="{x}" cy="{y}" r="3"/>' for x, y in _junctions()),
        *_texts(values),
        "  </g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _path(wire: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in wire)


def _junctions() -> list[Point]:
    """Return where three or more ends meet, of wires and of the two LEDs of U1."""
    ends: Counter[Point] = Counter()
    for wires in _WIRES.values():
        for wire in wires:
            for place, point in enumerate(wire):
                ends[point] += 1 if place in {0, len(wire) - 1} else _ALONE
    leds = [_PLACES["U1.1"], _PLACES["U1.2"], _PLACES["Q1.2"]]
    return sorted({*(point for point, count in ends.items() if count >= _JUNCTION), *leds})


def _texts(values: dict[str, str]) -> list[str]:
    middle, right, left = "middle", "end", "start"
    placed = [
        (60, 160, middle, "Linky"),
        (60, 178, middle, "TIC"),
        (170, 104, middle, f"R1  {values['R1']}"),
        (322, 86, middle, f"U1  {values['U1']}"),
        (322, 252, middle, "isolation"),
        (710, 175, middle, "Raspberry"),
        (710, 193, middle, "Pi"),
        *((94, 124, right, "I1"), (94, 214, right, "I2")),
        (464, 284, left, f"R2  {values['R2']}"),
        (560, 84, left, f"R3  {values['R3']}"),
        (556, 185, left, f"Q1  {values['Q1']}"),
        *((652, 39, right, "3.3 V"), (652, 114, right, "RXD"), (652, 309, right, "GND")),
        *((668, 49, left, "pin 1"), (668, 124, left, "pin 10"), (668, 319, left, "pin 6")),
    ]
    return [
        f'    <text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'
        for x, y, anchor, text in placed
    ]
