"""The TIC interface as SKiDL: one source for its rules, netlist, parts list, drawing and simulation.

The few parts are defined here, with what SKiDL's electrical rules look at (inputs, supplies, open
drains), so that no library of KiCad's has to be installed.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hardware.parts import ListedPart
from hardware.simulate.words import ohm_text

logging.disable(logging.WARNING)  # importing SKiDL warns of each KiCad that is not there
from skidl import KICAD8, SKIDL, TEMPLATE, Circuit, Net, Part, Pin  # noqa: E402
from skidl.logger import erc_logger, rt_logger  # noqa: E402

logging.disable(logging.NOTSET)
for _logger in (rt_logger, erc_logger):
    _logger.stop_file_output()
    _logger.handlers = [logging.NullHandler()]

_PASSIVE, _INPUT = Pin.types.PASSIVE, Pin.types.INPUT
# U1 alone has pins on both sides, and light is all that crosses it.
BARRIER = "U1"
METER_PINS = {"1", "2"}


@dataclass(frozen=True, slots=True)
class Board:
    """The circuit, and the values that a simulation takes, in ohms."""

    circuit: Circuit
    ohm: dict[str, int]

    def nets(self) -> dict[str, set[str]]:
        """Return the pins of each net, as `R1.1`."""
        return {
            net.name: {f"{pin.part.ref}.{pin.num}" for pin in net.pins}
            for net in self.circuit.get_nets()
        }

    def parts(self) -> list[ListedPart]:
        """Return the parts in the order of their references."""
        found = (
            ListedPart(
                part.ref,
                part.fields["part"],
                part.value,
                part.fields["instead"],
                part.fields["why"],
                part.footprint,
            )
            for part in self.circuit.parts
        )
        return sorted(found, key=lambda each: ("URQJ".index(each.ref[0]), each.ref))


def build() -> Board:
    """Return the board."""
    circuit = Circuit()
    circuit.no_files = True
    ohm = {"R1": 470, "R2": 2200, "R3": 10_000}

    r1 = _resistor(
        circuit,
        "R1",
        ohm["R1"],
        "resistor, metal film, flame-proof, 0.25 W",
        "330 Ω, then 220 Ω, for a weak signal",
        "load on the meter",
    )
    r2 = _resistor(
        circuit, "R2", ohm["R2"], "resistor", "–", "load of U1; higher is too slow for 9600 bit/s"
    )
    r3 = _resistor(circuit, "R3", ohm["R3"], "resistor", "3.3 to 10 kΩ", "holds RXD high")
    u1 = _part(
        circuit,
        "U1",
        "opto-coupler with AC input",
        "SFH620A-3",
        "SFH6206-3, LTV-814, K814P",
        "isolates; the suffix -3 is a higher transfer ratio, which spreads widely from piece to piece",
        "Package_DIP:DIP-4_W7.62mm",
        {"1": "LED", "2": "LED", "3": ("E", Pin.types.OPENEMIT), "4": "C"},
    )
    q1 = _part(
        circuit,
        "Q1",
        "N-MOSFET, logic level",
        "BSS138",
        "2N7002, BS170",
        "steep edges; must switch with less than 3 V at its gate, which a BS170 may not in every piece",
        "Package_TO_SOT_SMD:SOT-23",
        {"1": ("G", _INPUT), "2": "S", "3": ("D", Pin.types.OPENCOLL)},
    )
    j1 = _part(
        circuit,
        "J1",
        "two screw terminals",
        "I1 I2",
        "–",
        "to the meter, either way round",
        "TerminalBlock:TerminalBlock_bornier-2_P5.08mm",
        {"1": "I1", "2": "I2"},
    )
    supply = Pin.types.PWROUT
    j2 = _part(
        circuit,
        "J2",
        "header, 3 wires",
        "3V3 GND RXD",
        "–",
        "to the Pi",
        "Connector_PinHeader_2.54mm:PinHeader_1x03_P2.54mm_Vertical",
        {"1": ("3V3", supply), "2": ("GND", supply), "3": ("RXD", _INPUT)},
    )

    Net("I1", circuit=circuit).connect(j1["1"], r1["1"])
    Net("LED", circuit=circuit).connect(r1["2"], u1["1"])
    Net("I2", circuit=circuit).connect(j1["2"], u1["2"])

    Net("3V3", circuit=circuit).connect(j2["1"], u1["4"], r3["1"])
    Net("GATE", circuit=circuit).connect(u1["3"], r2["1"], q1["1"])
    Net("RXD", circuit=circuit).connect(q1["3"], r3["2"], j2["3"])
    Net("GND", circuit=circuit).connect(j2["2"], r2["2"], q1["2"])
    return Board(circuit, ohm)


def _resistor(circuit: Circuit, ref: str, ohm: int, part: str, instead: str, why: str) -> Part:
    footprint = "Resistor_THT:R_Axial_DIN0207_L6.3mm_D2.5mm_P10.16mm_Horizontal"
    return _part(circuit, ref, part, ohm_text(ohm), instead, why, footprint, {"1": "1", "2": "2"})


def _part(  # noqa: PLR0913, PLR0917
    circuit: Circuit,
    ref: str,
    part: str,
    value: str,
    instead: str,
    why: str,
    footprint: str,
    pins: dict[str, str | tuple[str, object]],
) -> Part:
    """Return a part; a pin that is a name alone is passive."""
    kinds = [
        (num, *((pin, _PASSIVE) if isinstance(pin, str) else pin)) for num, pin in pins.items()
    ]
    template = Part(
        name=ref,
        tool=SKIDL,
        dest=TEMPLATE,
        ref_prefix=ref[0],
        pins=[Pin(num=num, name=name, func=kind) for num, name, kind in kinds],
    )
    made = template(circuit=circuit, ref=ref, value=value, footprint=footprint, tag=ref)
    made.fields.update(part=part, instead=instead, why=why)
    return made


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def broken_rules(board: Board) -> list[str]:
    """Return what SKiDL's electrical rules say: errors and warnings, each a sentence."""
    heard = _Heard()
    erc_logger.handlers = [heard]
    board.circuit.ERC()
    return [f"{line.strip().rstrip('.')}." for line in heard.said]


def crossings(board: Board) -> list[str]:
    """Return where current could get from the meter's terminals to the Pi, each as a sentence.

    Follows nets, and every part from any of its pins to any other but U1, whose two sides are apart.
    """
    nets = board.nets()
    reached, waiting = set(), {("J1", True)}
    while waiting:
        side = waiting.pop()
        reached.add(side)
        waiting |= {other for net in nets.values() for other in _neighbours(net, side)} - reached
    return [
        f"{ref} of the Pi's side is joined to the meter's side; nothing but {BARRIER} may cross."
        for ref, is_meters in sorted(reached)
        if ref == "J2" or (ref == BARRIER and not is_meters)
    ]


def _neighbours(net: set[str], side: tuple[str, bool]) -> Iterator[tuple[str, bool]]:
    sides = {_side(pin) for pin in net}
    return iter(sides if side in sides else ())


def _side(pin: str) -> tuple[str, bool]:
    """Return a pin's part, and of U1 whether it is on the meter's side."""
    ref, _, num = pin.partition(".")
    return ref, ref != BARRIER or num in METER_PINS


def write_netlist(board: Board, path: Path) -> None:
    """Write the netlist in KiCad's form, from which a layout can be drawn."""
    path.write_text(board.circuit.generate_netlist(tool=KICAD8), "utf-8")
