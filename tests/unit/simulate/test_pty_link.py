"""A pseudo-terminal that behaves like a wire."""

import os
import termios
import threading

import pytest

from edge.simulate.link import PtyLink
from protocol.errors import ConfigError


def opened(link: PtyLink) -> int:
    return os.open(link.device, os.O_RDONLY | os.O_NOCTTY)


@pytest.fixture
def link(tmp_path):
    with PtyLink(tmp_path / "tic") as line:
        yield line


def test_bytes_go_through_untouched(link):
    reader = opened(link)
    data = bytes(range(256))
    link.send(data)
    received = b""
    while len(received) < len(data):
        received += os.read(reader, 4_096)
    os.close(reader)
    assert received == data


def test_line_is_raw_for_whoever_opens_it(link):
    reader = opened(link)
    iflag, oflag, _, lflag, *_ = termios.tcgetattr(reader)
    os.close(reader)
    assert not iflag & (termios.ICRNL | termios.IXON | termios.ISTRIP)
    assert not oflag & termios.OPOST
    assert not lflag & (termios.ICANON | termios.ISIG | termios.ECHO)


def test_bytes_sent_while_nobody_reads_are_lost(link):
    os.close(opened(link))
    link.send(b"x" * 100_000)
    reader = opened(link)
    link.send(b"fresh")
    assert os.read(reader, 4_096) == b"fresh"
    os.close(reader)


def test_slow_reader_holds_the_sender_up_and_loses_nothing(link):
    data = bytes(index % 251 for index in range(60_000))
    reader = opened(link)
    sender = threading.Thread(target=link.send, args=(data,))
    sender.start()
    received = b""
    while len(received) < len(data):
        received += os.read(reader, 777)
    sender.join(30)
    os.close(reader)
    assert received == data


def test_reader_that_goes_frees_the_sender(link):
    reader = opened(link)
    sender = threading.Thread(target=link.send, args=(b"x" * 100_000,))
    sender.start()
    os.read(reader, 1_000)
    os.close(reader)
    sender.join(30)
    assert not sender.is_alive()


def test_link_left_over_from_before_is_replaced_and_a_file_is_not(tmp_path):
    path = tmp_path / "tic"
    path.symlink_to("/dev/null")
    with PtyLink(path) as line:
        assert str(path.readlink()) == line.device
    assert not path.is_symlink()
    path.write_text("precious")
    with pytest.raises(ConfigError, match="choose another path"):
        PtyLink(path)
    with pytest.raises(ConfigError, match="cannot be made"):
        PtyLink(tmp_path / "absent" / "tic")


@pytest.mark.parametrize("size", [1, 4_096, 20_000])
def test_a_drained_line_that_is_taken_away_loses_nothing(tmp_path, size):
    for _ in range(20):
        received: list[bytes] = []
        with PtyLink(tmp_path / "line") as link:
            slave = opened(link)
            reader = threading.Thread(target=read_to_the_end, args=(slave, received))
            reader.start()
            link.send(b"x" * size)
            link.drain()
        reader.join()
        os.close(slave)
        assert len(b"".join(received)) == size


def read_to_the_end(slave: int, received: list[bytes]) -> None:
    try:
        while data := os.read(slave, 65_536):
            received.append(data)
    except OSError:  # the other end has gone
        return


def test_a_link_that_lives_is_not_taken_over_and_can_be_once_it_has_gone(tmp_path):
    path = tmp_path / "tic"
    with PtyLink(path) as first:
        with pytest.raises(ConfigError, match="another program still sends there"):
            PtyLink(path)
        assert str(path.readlink()) == first.device
    with PtyLink(path) as second:
        assert str(path.readlink()) == second.device
