"""What arrives of a meter's output behind each fault that the diagnosis knows."""

from collections.abc import Callable
from random import Random

from edge.tic.diagnosis import LineFault
from edge.tic.frame import Mode
from tests.support.uart import inverted, received, waveform, with_slow_rise

BIT_S = {Mode.HISTORIQUE: 1200, Mode.STANDARD: 9600}


def invert(stream: bytes, mode: Mode) -> bytes:
    return received(inverted(waveform(stream, BIT_S[mode])), BIT_S[mode], BIT_S[mode])


def read_at_other_speed(stream: bytes, mode: Mode) -> bytes:
    other = BIT_S[Mode.STANDARD if mode is Mode.HISTORIQUE else Mode.HISTORIQUE]
    return received(waveform(stream, BIT_S[mode]), BIT_S[mode], other)


def slow(late_bits: float) -> Callable[[bytes, Mode], bytes]:
    def spoil(stream: bytes, mode: Mode) -> bytes:
        levels = with_slow_rise(waveform(stream, BIT_S[mode]), late_bits, 0.06, seed=1)
        return received(levels, BIT_S[mode], BIT_S[mode])

    return spoil


def flip(rate: float) -> Callable[[bytes, Mode], bytes]:
    def spoil(stream: bytes, mode: Mode) -> bytes:
        rng = Random(f"{mode}{len(stream)}")
        arrived = received(waveform(stream, BIT_S[mode]), BIT_S[mode], BIT_S[mode])
        return bytes(
            byte ^ (1 << rng.randrange(8) if rng.random() < rate else 0) for byte in arrived
        )

    return spoil


def expand_tabs(stream: bytes, mode: Mode) -> bytes:
    del mode
    lines = stream.decode("latin-1").split("\n")
    return "\n".join(line.expandtabs(8) for line in lines).encode("latin-1")


def tabs_to_spaces(stream: bytes, mode: Mode) -> bytes:
    del mode
    return stream.replace(b"\t", b" ")


def cook(stream: bytes, mode: Mode) -> bytes:
    """ICRNL and ISIG: CR becomes LF, and ETX is Ctrl-C."""
    del mode
    return stream.replace(b"\r", b"\n").replace(b"\x03", b"")


def swallow_etx(stream: bytes, mode: Mode) -> bytes:
    del mode
    return stream.replace(b"\x03", b"")


def echo_lines(stream: bytes, mode: Mode) -> bytes:
    del mode
    return b"\n".join(line for line in stream.split(b"\n") for _ in (1, 2))


def echo_bytes(stream: bytes, mode: Mode) -> bytes:
    del mode
    return bytes(byte for byte in stream for _ in (1, 2))


def console(stream: bytes, mode: Mode) -> bytes:
    del mode
    return (b"Debian GNU/Linux 12 raspberrypi ttyAMA0\r\n\r\nraspberrypi login: " * 9)[
        : len(stream)
    ]


def stick(stream: bytes, mode: Mode) -> bytes:
    del mode
    return bytes(len(stream))


def nothing(stream: bytes, mode: Mode) -> bytes:
    del stream, mode
    return b""


BOTH = tuple(Mode)
# Fault, what spoils, and the modes in which it can.
FAULTS = (
    (LineFault.SILENT, nothing, BOTH),
    (LineFault.STUCK, stick, BOTH),
    (LineFault.TEXT, console, BOTH),
    (LineFault.INVERTED, invert, BOTH),
    (LineFault.READ_TOO_FAST, read_at_other_speed, (Mode.HISTORIQUE,)),
    (LineFault.READ_TOO_SLOW, read_at_other_speed, (Mode.STANDARD,)),
    (LineFault.SLOW_EDGES, slow(0.44), BOTH),
    (LineFault.SLOW_EDGES, slow(0.5), BOTH),
    (LineFault.SLOW_EDGES, slow(0.6), BOTH),
    (LineFault.BIT_ERRORS, flip(0.1), BOTH),
    (LineFault.TABS, expand_tabs, (Mode.STANDARD,)),
    (LineFault.TABS, tabs_to_spaces, (Mode.STANDARD,)),
    (LineFault.COOKED, cook, BOTH),
    (LineFault.COOKED, swallow_etx, BOTH),
    (LineFault.ECHO, echo_lines, BOTH),
    (LineFault.ECHO, echo_bytes, BOTH),
)
