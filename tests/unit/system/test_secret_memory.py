"""A process's memory stays out of core dumps and of swap."""

import os
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from system import swap
from system.swap import disks_of_swap, report_swap

PROTECT = "from system.secret_memory import protect_memory; is_locked = protect_memory()\n"
CRASH = "import os, sys; os.chdir(sys.argv[1]); os.abort()\n"
# As on a machine that keeps dumps: the soft limit as high as the hard one.
KEEP_DUMPS = """
import resource as r
r.setrlimit(r.RLIMIT_CORE, (r.getrlimit(r.RLIMIT_CORE)[1],) * 2)
"""
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
FILE = "/var/swap                               file\t\t102396\t\t0\t\t-2\n"
ZRAM = "/dev/zram0                              partition\t524284\t\t0\t\t100\n"


def is_dumped(code, tmp_path) -> bool:
    """Return whether the kernel dumps a process that runs `code` and ends by a signal."""
    arguments = [sys.executable, "-c", KEEP_DUMPS + code + CRASH, str(tmp_path)]
    child = os.posix_spawn(sys.executable, arguments, os.environ)
    return os.WCOREDUMP(os.waitpid(child, 0)[1])


def test_a_protected_process_leaves_no_core_dump(tmp_path):
    if not is_dumped("", tmp_path):
        pytest.skip("This machine keeps no core dumps at all.")
    assert not is_dumped(PROTECT, tmp_path)


def test_no_handler_of_dumps_is_given_the_memory():
    """With a limit of 0, Linux would still give it to a handler such as systemd-coredump."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROTECT + "import resource as r; print(r.getrlimit(r.RLIMIT_CORE))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout in {"(1, 1)\n", "(0, 0)\n"}


def test_memory_is_locked_where_there_is_no_limit():
    code = PROTECT + (
        "text = open('/proc/self/status').read()\n"
        "print(is_locked, int(text.partition('VmLck:')[2].split()[0]) > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout in {"True True\n", "False False\n"}
    if os.geteuid() == 0 and done.stdout.startswith("False"):
        pytest.skip("This machine does not let root lock memory.")


def test_every_command_protects_its_memory():
    code = (
        "import sys; sys.argv[1:] = ['--version']\n"
        "import volet.main, resource\n"
        "try: volet.main.main()\n"
        "except SystemExit: print(resource.getrlimit(resource.RLIMIT_CORE)[0] <= 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", KEEP_DUMPS + code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "True"


@pytest.mark.parametrize(
    ("swaps", "disks"),
    [
        (SWAPS, []),
        (SWAPS + ZRAM, []),
        (SWAPS + FILE, ["/var/swap"]),
        (SWAPS + ZRAM + FILE, ["/var/swap"]),
    ],
)
def test_swap_on_a_disk_is_told_from_compressed_memory(swaps, disks):
    assert disks_of_swap(swaps) == disks


@pytest.mark.parametrize("swaps", [SWAPS + FILE, SWAPS + ZRAM])
def test_memory_that_may_go_to_a_disk_is_reported(tmp_path, monkeypatch, swaps):
    (tmp_path / "swaps").write_text(swaps)
    monkeypatch.setattr(swap, "SWAPS", tmp_path / "swaps")
    with capture_logs() as events:
        report_swap()
    assert [event["event"] for event in events] == ["memory_may_be_swapped"] * (FILE in swaps)


def test_no_command_waits_for_the_log_to_be_loaded():
    """It is most of the start of a command that logs nothing."""
    code = "import sys, volet.main; print('structlog' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
