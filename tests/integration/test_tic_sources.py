"""Serial lines as ptys, pipes and files: raw, lost, found again."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from edge.tic.serial_line import SerialSource, Timing, stable_path
from edge.tic.source import StreamSource
from protocol.backoff import RetryPolicy
from protocol.errors import ConfigError, FrameError
from system.patience import Patience
from tests.unit.tic.tic_streams import frame_bytes

DEADLINE_S = 20.0
FRAME = frame_bytes(Mode.HISTORIQUE, [("ADCO", "031961098836", None), ("IINST", "009", None)])


class Plug:
    """A pty behind a link that stays, as a USB adapter has under by-id."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.controller = -1
        self._device = -1

    def insert(self) -> None:
        self.controller, self._device = os.openpty()
        self.link.symlink_to(os.ttyname(self._device))

    def remove(self) -> None:
        self.link.unlink()
        os.close(self._device)
        os.close(self.controller)
        self.controller = self._device = -1

    def send(self, data: bytes) -> None:
        os.write(self.controller, data)


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    plug = Plug(tmp_path / "linky")
    plug.insert()
    yield plug
    if plug.controller >= 0:
        plug.remove()


def listen(source: SerialSource, decoder: Decoder, until: Callable[[], bool]) -> list[Frame]:
    frames: list[Frame] = []
    patience = Patience(DEADLINE_S)
    while not until() and patience.lasts(len(frames)):
        frames += decoder.feed(source.read(0.05))
    assert until(), "not within the deadline"
    return frames


def quick_source(device: Path, decoder: Decoder) -> SerialSource:
    delays = RetryPolicy(first_s=0.01, cap_s=0.05).waits_s
    return SerialSource(device, lambda: decoder.quality.groups, delays=delays)


def test_a_line_is_read_raw(plug):
    decoder = Decoder()
    source = quick_source(plug.link, decoder)
    assert source.read(0) == b""
    every_byte = bytes(range(256))
    plug.send(every_byte)
    received = b""
    patience = Patience(DEADLINE_S)
    while len(received) < len(every_byte) and patience.lasts(len(received)):
        received += source.read(0.1)
    source.close()
    assert received == every_byte


def test_a_frame_is_decoded_from_a_pty_and_the_descriptor_can_be_waited_on(plug):
    decoder = Decoder()
    source = quick_source(plug.link, decoder)
    source.read(0)
    plug.send(FRAME)
    ready, _, _ = select.select([source.fileno()], [], [], DEADLINE_S)
    assert ready
    (frame,) = listen(source, decoder, lambda: decoder.quality.groups == 2)
    assert frame.is_complete
    source.close()
    assert source.fileno() == -1


def test_unplugging_and_plugging_in_again_is_survived(plug):
    decoder = Decoder()
    source = quick_source(plug.link, decoder)
    for round_ in (1, 2, 3):
        listen(source, decoder, lambda: source.fileno() >= 0)
        assert source.fault is None
        plug.send(FRAME)
        listen(source, decoder, lambda groups=2 * round_: decoder.quality.groups == groups)
        plug.remove()
        listen(source, decoder, lambda: source.fault is not None)
        assert source.fileno() == -1
        plug.insert()
    source.close()


def test_a_device_that_comes_later_is_waited_for_with_growing_pauses(tmp_path):
    slept: list[float] = []
    now_s = 0.0

    def sleep(pause_s: float) -> None:
        nonlocal now_s
        slept.append(pause_s)
        now_s += pause_s

    source = SerialSource(
        tmp_path / "missing",
        lambda: 0,
        delays=lambda: iter([0.5, 1, 2, 4, *[8] * 60]),
        timing=Timing(monotonic=lambda: now_s, sleep=sleep),
    )
    for _ in range(60):
        assert source.read(1.0) == b""
    assert source.fault is not None
    assert "missing" in source.fault
    assert max(slept) <= 1.0
    assert now_s >= 50


def test_the_speed_is_changed_on_the_open_line(plug):
    now_s = 0.0
    decoder = Decoder()
    source = SerialSource(
        plug.link, lambda: decoder.quality.groups, timing=Timing(monotonic=lambda: now_s)
    )
    source.read(0)
    first = source.speed
    patience = Patience(DEADLINE_S)
    while source.speed == first and patience.lasts():
        plug.send(b"\xf0\x0f" * 60)
        decoder.feed(source.read(0.1))
        now_s += 1
    assert {first, source.speed} == {9600, 1200}
    plug.send(b"\n" + FRAME * 3)
    listen(source, decoder, lambda: decoder.quality.groups >= 2)
    source.close()


def test_a_line_is_not_shared_between_two_readers(plug):
    first, second = (quick_source(plug.link, Decoder()) for _ in range(2))
    first.read(0)
    second.read(0)
    assert (first.fault, second.fileno()) == (None, -1)
    assert second.fault is not None
    first.close()


def test_a_device_that_may_not_be_opened_names_the_group(monkeypatch, plug):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("edge.tic.serial_line.serial.Serial", refuse)
    with pytest.raises(ConfigError, match="dialout"):
        quick_source(plug.link, Decoder()).read(0)


def test_a_usb_adapter_is_followed_by_its_lasting_name(tmp_path):
    by_id = tmp_path / "by-id"
    device = tmp_path / "ttyUSB0"
    device.touch()
    assert stable_path(device, by_id) == device
    by_id.mkdir()
    assert stable_path(device, by_id) == device
    (by_id / "usb-adapter").symlink_to(device)
    assert stable_path(device, by_id) == by_id / "usb-adapter"


def test_a_capture_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "capture.bin"
    path.write_bytes(FRAME * 3)
    source = StreamSource.open(path)
    assert source.read(0) == FRAME * 3
    with pytest.raises(EOFError):
        source.read(0)
    source.close()
    source.close()


def test_a_pipe_gives_nothing_within_the_timeout_and_then_what_comes():
    reader, writer = os.pipe()
    source = StreamSource(reader)
    assert source.read(0) == b""
    os.write(writer, b"abc")
    assert source.read(DEADLINE_S) == b"abc"
    os.close(writer)
    with pytest.raises(EOFError):
        source.read(0)
    source.close()


def test_a_missing_capture_is_one_sentence_with_the_next_step(tmp_path):
    with pytest.raises(FrameError, match=r"no such file.*give the path"):
        StreamSource.open(tmp_path / "nothing")
