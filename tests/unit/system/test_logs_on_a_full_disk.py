"""A log that cannot be written ends no program; what it has room for is there."""

import resource
import subprocess
import sys
from pathlib import Path

ROOM_BYTES = 4_096
PROGRAM = """
import structlog
from system.logs import configure_logs

configure_logs()
for number in range(1_000):
    structlog.get_logger().warning("disk_filled", number=number)
print("went on")
"""


def run(stderr, limit=resource.RLIM_INFINITY):
    return subprocess.run(
        (sys.executable, "-c", PROGRAM),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


def test_a_program_whose_log_has_no_room_goes_on(tmp_path):
    with (tmp_path / "log").open("wb") as log:
        done = run(log, ROOM_BYTES)
    assert (done.returncode, done.stdout) == (0, "went on\n")
    written = (tmp_path / "log").read_text()
    assert len(written) == ROOM_BYTES
    assert '"number": 0' in written


def test_a_program_whose_log_nobody_reads_goes_on():
    with subprocess.Popen(("true",), stdin=subprocess.PIPE) as reader:
        reader.wait()
        done = run(reader.stdin)
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_a_program_whose_log_goes_to_a_full_device_goes_on():
    with Path("/dev/full").open("wb") as full:
        done = run(full)
    assert (done.returncode, done.stdout) == (0, "went on\n")
