"""Valid TIC streams of every kind of meter, and the faults lines do to them."""

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone

from edge.tic.frame import Frame, Mode
from edge.tic.groups import encode_group
from edge.tic.horodate import encode_horodate

WINTER = timezone(timedelta(hours=1))
Triple = tuple[str, str, str | None]

PROFILE = " ".join(["00004001", "06004002", "22004001", *["NONUTILE"] * 8])


def frame_bytes(mode: Mode, groups: Iterable[Triple]) -> bytes:
    body = b"".join(encode_group(mode, *group) for group in groups)
    return b"\x02" + body + b"\x03"


def with_parity(stream: bytes) -> bytes:
    return bytes(byte | (byte.bit_count() & 1) << 7 for byte in stream)


def reported(frames: Iterable[Frame]) -> set[Triple]:
    return {
        (label, group.value, group.timestamp)
        for frame in frames
        for label, group in frame.groups.items()
    }


def standard_groups(
    rng: random.Random, at: datetime, index_wh: int, *, phases: int, is_producer: bool
) -> list[Triple]:
    now = encode_horodate(at)
    day = encode_horodate(at.replace(hour=rng.randrange(24), minute=rng.randrange(60), second=7))
    wh = f"{index_wh:09}"
    groups: list[Triple] = [
        ("ADSC", "041876543210", None),
        ("VTIC", "02", None),
        ("DATE", "", now),
        ("NGTF", "     TEMPO      ", None),
        ("LTARF", "    HP  BLEU    ", None),
        ("EAST", wh, None),
        *((f"EASF{n:02}", wh if n == 1 else f"{n * 1234567:09}", None) for n in range(1, 11)),
        *((f"EASD{n:02}", wh if n == 1 else "000000000", None) for n in range(1, 5)),
    ]
    if is_producer:
        groups += [("EAIT", f"{index_wh // 3:09}", None)]
        groups += [(f"ERQ{n}", f"{index_wh // (n + 3):09}", None) for n in range(1, 5)]
    groups += [(f"IRMS{n}", f"{rng.randrange(30):03}", None) for n in range(1, phases + 1)]
    groups += [(f"URMS{n}", f"{rng.randrange(225, 245)}", None) for n in range(1, phases + 1)]
    groups += [("PREF", "09", None), ("PCOUP", "09", None)]
    groups += [("SINSTS", f"{rng.randrange(9000):05}", None)]
    if phases > 1:
        groups += [(f"SINSTS{n}", f"{rng.randrange(9000):05}", None) for n in (1, 2, 3)]
        groups += [(f"SMAXSN{n}", f"{rng.randrange(9000):05}", day) for n in (1, 2, 3)]
        groups += [(f"SMAXSN{n}-1", f"{rng.randrange(9000):05}", day) for n in (1, 2, 3)]
    groups += [("SMAXSN", f"{rng.randrange(9000):05}", day)]
    if is_producer:
        groups += [("SINSTI", "00120", None), ("SMAXIN", "02345", day)]
    groups += [
        ("CCASN", f"{rng.randrange(9000):05}", day),
        ("UMOY1", "231", day),
        ("STGE", "013A0401", None),
        ("DPM1", "01", f" {at:%y%m%d}060000"),
        ("MSG1", "PAS DE          MESSAGE         ", None),
        ("PRM", "01234567890123", None),
        ("RELAIS", "140", None),
        ("NTARF", "02", None),
        ("NJOURF", "00", None),
        ("NJOURF+1", "00", None),
        ("PJOURF+1", PROFILE, None),
    ]
    return groups


def historique_groups(
    rng: random.Random, index_wh: int, *, option: str, phases: int
) -> list[Triple]:
    wh = f"{index_wh:09}"
    low = f"{index_wh // 2:09}"
    registers: dict[str, tuple[str, str, list[Triple]]] = {
        "base": ("BASE", "TH..", [("BASE", wh, None)]),
        "hphc": ("HC..", "HP..", [("HCHC", low, None), ("HCHP", wh, None)]),
        "ejp": ("EJP.", "HN..", [("EJPHN", wh, None), ("EJPHPM", low, None)]),
        "tempo": (
            "BBR(",
            "HPJB",
            [
                (f"BBRH{hour}J{day}", wh if hour == "P" else low, None)
                for day in "BWR"
                for hour in "CP"
            ],
        ),
    }
    optarif, ptec, indexes = registers[option]
    power = f"{rng.randrange(900) * 10:05}"
    groups: list[Triple] = [
        ("ADCO", "031961098836", None),
        ("OPTARIF", optarif, None),
        ("ISOUSC", "45", None),
        *indexes,
        ("PTEC", ptec, None),
    ]
    if option == "tempo":
        groups += [("DEMAIN", rng.choice(("----", "BLEU", "BLAN", "ROUG")), None)]
    if phases == 1:
        groups += [("IINST", f"{rng.randrange(40):03}", None), ("IMAX", "090", None)]
    else:
        groups += [(f"IINST{n}", f"{rng.randrange(40):03}", None) for n in (1, 2, 3)]
        groups += [(f"IMAX{n}", "060", None) for n in (1, 2, 3)]
        groups += [("PMAX", "17480", None)]
    groups += [("PAPP", power, None), ("HHPHC", "A", None), ("MOTDETAT", "000000", None)]
    return groups


def meter_stream(rng: random.Random, *, frames: int = 3) -> tuple[bytes, set[Triple]]:
    """Some frames of a meter drawn at random, one a second, and all they say."""
    at = datetime(2026, 1, 14, 18, 20, 30, tzinfo=WINTER)
    index_wh = rng.randrange(100_000_000)
    mode = rng.choice(list(Mode))
    option = rng.choice(("base", "hphc", "ejp", "tempo"))
    phases = rng.choice((1, 3))
    is_producer = rng.random() < 0.3
    stream = b""
    said: set[Triple] = set()
    for _ in range(frames):
        groups = (
            standard_groups(rng, at, index_wh, phases=phases, is_producer=is_producer)
            if mode is Mode.STANDARD
            else historique_groups(rng, index_wh, option=option, phases=phases)
        )
        stream += frame_bytes(mode, groups)
        said |= set(groups)
        at += timedelta(seconds=1)
        index_wh += rng.randrange(3)
    return stream, said


def flip_bit(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + bytes([stream[at] ^ 1 << rng.randrange(7)]) + stream[at + 1 :]


def drop_byte(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + stream[at + 1 :]


def repeat_byte(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + stream[at : at + 1] + stream[at:]


def replace_byte(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + rng.randbytes(1) + stream[at + 1 :]


def insert_noise(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + rng.randbytes(rng.randrange(1, 40)) + stream[at:]


def lose_stretch(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + stream[at + rng.randrange(1, 60) :]


def lose_line_end(rng: random.Random, stream: bytes) -> bytes:
    at = stream.find(b"\r\n", rng.randrange(len(stream)))
    return stream[:at] + stream[at + 2 :] if at >= 0 else stream


def repeat_stretch(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    length = rng.randrange(1, 60)
    return stream[: at + length] + stream[at:]


def cut_end(rng: random.Random, stream: bytes) -> bytes:
    return stream[: rng.randrange(len(stream))]


def cut_head(rng: random.Random, stream: bytes) -> bytes:
    return stream[rng.randrange(len(stream)) :]


def interrupt(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream))
    return stream[:at] + b"\x04" + stream[at:]


def swap_bytes(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream) - 1)
    return stream[:at] + stream[at + 1 : at + 2] + stream[at : at + 1] + stream[at + 2 :]


Mutation = Callable[[random.Random, bytes], bytes]

# Faults that no second one cancels: what the checks of a single group must catch.
SINGLE_FAULTS: tuple[Mutation, ...] = (
    flip_bit,
    drop_byte,
    repeat_byte,
    replace_byte,
    insert_noise,
    lose_line_end,
    cut_end,
    cut_head,
    interrupt,
)
