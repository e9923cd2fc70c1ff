"""Masking leaves nothing that identifies a home, and everything else as it was."""

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.tic import masking
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from edge.tic.groups import GroupRefusal, checksum, read_group
from edge.tic.labels import LABELS, Horodate
from edge.tic.masking import Mask
from tests.support.spoiled_line import invert, read_at_other_speed
from tests.unit.tic.tic_streams import (
    WINTER,
    cut_end,
    cut_head,
    drop_byte,
    flip_bit,
    frame_bytes,
    historique_groups,
    insert_noise,
    interrupt,
    lose_line_end,
    lose_stretch,
    repeat_byte,
    repeat_stretch,
    replace_byte,
    standard_groups,
    swap_bytes,
    with_parity,
)

SEEDS = st.integers(0, 2**32)
DAMAGES = (
    *(flip_bit, drop_byte, repeat_byte, replace_byte, insert_noise, lose_stretch, lose_line_end),
    *(repeat_stretch, cut_end, cut_head, interrupt, swap_bytes),
)
# Shorter parts than this stand in other values by chance.
PART = 6


class Home:
    """A meter's line and what identifies the home on it."""

    def __init__(self, seed: int, *, frames: int = 4) -> None:
        self.rng = rng = random.Random(seed)
        self.serial = f"{rng.randrange(10**12):012}"
        self.prm = f"{rng.randrange(10**14):014}"
        self.message = f"M{rng.randrange(10**8):08} RUE DES LILAS".ljust(32)
        self.mode = rng.choice(list(Mode))
        self.stream = b"".join(self.frame() for _ in range(frames))

    def frame(self) -> bytes:
        rng = self.rng
        at = some_instant(rng)
        if self.mode is Mode.STANDARD:
            groups = standard_groups(rng, at, rng.randrange(10**8), phases=1, is_producer=False)
            groups += [("NEWER", f"X{self.serial}", None), ("MSG2", "A L'ETAGE".ljust(16), None)]
        else:
            groups = historique_groups(rng, rng.randrange(10**8), option="hphc", phases=1)
        own = {"ADSC": self.serial, "ADCO": self.serial, "PRM": self.prm, "MSG1": self.message}
        return frame_bytes(
            self.mode, [(name, own.get(name, value), at) for name, value, at in groups]
        )

    def parts(self) -> set[bytes]:
        """Return what must not be found: the counting digits, and parts of the rest."""
        long = (self.prm, self.message.strip())
        parts = {text[at : at + PART] for text in long for at in range(len(text) - PART + 1)}
        return {part.encode() for part in (parts | {self.serial[-PART:], "L'ETAGE"})}


def some_instant(rng):
    return datetime(2026, 1, 14, 18, 20, 30, tzinfo=WINTER) + timedelta(seconds=rng.randrange(900))


def masked(stream: bytes, rng: random.Random | None = None) -> bytes:
    """Mask a stream, in portions if a generator is given; noise is sorted instead of shuffled."""
    mask, done, at = Mask(), b"", 0
    mask._shuffle = list.sort
    while at < len(stream):
        size = rng.randrange(1, 80) if rng else len(stream)
        done += mask.feed(stream[at : at + size])
        at += size
    return done + mask.finish()


def left(home: Home, stream: bytes) -> set[bytes]:
    plain = bytes(byte & 0x7F for byte in stream)
    return {part for part in home.parts() if part in plain}


def damaged(home: Home, count: int, *, has_parity: bool) -> bytes:
    stream = with_parity(home.stream) if has_parity else home.stream
    for _ in range(count):
        if len(stream) > 2:
            stream = home.rng.choice(DAMAGES)(home.rng, stream)
    return stream


def frames(stream: bytes):
    decoder = Decoder()
    return [*decoder.feed(stream), *decoder.finish()]


def shape(stream: bytes):
    """Return all of the frames that masking keeps."""
    return [
        (
            *(frame.mode, frame.start, frame.end, frame.opened_by, frame.closed_by),
            *(frame.is_complete, list(frame.groups), len(frame.rejected), len(frame.unknown)),
            frame.duplicate_labels,
        )
        for frame in frames(stream)
    ]


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(0, 30), st.booleans())
def test_nothing_that_identifies_a_home_is_left(seed, count, has_parity):
    home = Home(seed)
    stream = damaged(home, count, has_parity=has_parity)
    done = masked(stream, home.rng)
    assert left(home, done) == set()
    assert len(done) == len(stream)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.booleans())
def test_a_masked_line_decodes_like_the_line(seed, has_parity):
    home = Home(seed)
    stream = with_parity(home.stream) if has_parity else home.stream
    done = masked(stream, home.rng)
    assert shape(done) == shape(stream)
    for ours, theirs in zip(frames(done), frames(stream), strict=True):
        for name in theirs.groups:
            same = ours.groups[name] == theirs.groups[name]
            assert same == (name not in {"ADSC", "ADCO", "PRM", "MSG1", "MSG2"})
    (serial,) = {
        frame.groups[name].value
        for frame in frames(done)
        for name in ("ADSC", "ADCO")
        if name in frame.groups
    }
    assert serial == home.serial[:6] + "XXXXXX"


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 6), st.booleans())
def test_damage_stays_damage(seed, count, has_parity):
    home = Home(seed)
    stream = with_parity(home.stream) if has_parity else home.stream
    for _ in range(count):
        stream = home.rng.choice((flip_bit, drop_byte, repeat_byte))(home.rng, stream)
    done = masked(stream, home.rng)
    ours, theirs = Decoder(), Decoder()
    for decoder, line in ((ours, done), (theirs, stream)):
        decoder.feed(line)
        decoder.finish()
    assert ours.quality.groups == theirs.quality.groups
    assert ours.quality.refused == theirs.quality.refused
    assert ours.quality.parity_errors == theirs.quality.parity_errors


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(0, 10))
def test_the_portions_do_not_matter(seed, count):
    home = Home(seed)
    stream = damaged(home, count, has_parity=bool(seed % 2))
    assert masked(stream, home.rng) == masked(stream)


@pytest.mark.parametrize("spoil", [invert, read_at_other_speed])
@pytest.mark.parametrize("seed", range(3))
def test_noise_keeps_its_counts_alone(seed, spoil):
    home = Home(seed, frames=6)
    noise = spoil(home.stream, home.mode)
    mask = Mask()
    ready = mask.feed(noise)
    assert len(ready) > 0
    assert sorted(ready) == sorted(noise[: len(ready)])
    done = ready + mask.finish()
    assert len(done) == len(noise)
    places = sum(one == other for one, other in zip(ready, noise, strict=False))
    assert places < (0.9 if spoil is read_at_other_speed else 0.2) * len(ready)


def test_spaces_in_place_of_tabs_are_kept():
    home = next(home for seed in range(99) if (home := Home(seed)).mode is Mode.STANDARD)
    stream = home.stream.replace(b"\t", b" ")
    done = masked(stream)
    assert left(home, done) == set()
    assert done.count(b"\nEASF01 000000000 ") == stream.count(b"\nEASF01 ")


@pytest.mark.parametrize(
    ("name", "replaced"),
    [
        ("_IDENTIFYING", frozenset({"ADSC", "ADCO"})),
        ("_refused", lambda low: low),
        ("_SERIALS", frozenset({"ADSC", "ADCO", "PRM"})),
    ],
)
def test_without_a_rule_of_masking_something_is_left(monkeypatch, name, replaced):
    monkeypatch.setattr(masking, name, replaced)
    assert any(map(is_badly_masked, range(40)))


def is_badly_masked(seed: int) -> bool:
    home = Home(seed)
    stream = damaged(home, 8, has_parity=bool(seed % 2))
    return bool(left(home, masked(stream, home.rng)))


@pytest.mark.parametrize(
    "label",
    [label for label in LABELS.values() if label.length],
    ids=lambda label: f"{label.mode}-{label.name}",
)
def test_a_value_with_an_impossible_sign_is_refused_once_it_is_masked(label):
    """A flipped bit makes a `@` or a space a `` ` ``, and the checksum may fit by chance."""
    separator = b" " if label.mode is Mode.HISTORIQUE else b"\t"
    times = [] if label.horodate is Horodate.NO else [b"H260301000000"]
    for value in (b"` TEMPO".ljust(label.length), b"`" * label.length):
        text = separator.join([label.name.encode(), *times, value, b""])
        line = text + bytes([checksum(label.mode, text)])
        assert isinstance(read_group(line), GroupRefusal)
        done = masked(b"\x02\n" + line + b"\r\x03", random.Random(1))
        assert isinstance(read_group(done[2:-2]), GroupRefusal), done
