"""Run in the place of a unit's program: tries to get at what the unit closes, and says what it got.

It knows nothing of Volet and needs only Python. It writes one JSON object a line: the name of an
attempt, and what came of it, where "got" means that nothing was in the way.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = 7_007
CLONE_NEWUSER = 0x1000_0000
MEMORY_BYTES = 600 << 20
_LIBC = ctypes.CDLL(None, use_errno=True)


def _called(result):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def write_outside():
    Path(f"/srv/open/{os.getpid()}-{time.time_ns()}").write_text("x")


def see_the_temporary_files_of_others():
    Path("/tmp/planted").read_text()


def read_home():
    Path("/home/pi/planted").read_text()


def read_the_chips_directory():
    Path("/var/lib/volet/planted").read_text()


def read_modules():
    list(Path("/usr/lib/modules/planted").iterdir())


def open_another_device():
    os.close(os.open("/dev/planted", os.O_RDWR))


def reach_the_network():
    socket.create_connection(("127.0.0.1", PORT), timeout=5).close()


def open_another_family():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()


def open_a_local_socket():
    """Whoever is root asks systemd for anything by one."""
    socket.socket(socket.AF_UNIX).close()


def gain_privileges():
    own, shown = os.geteuid(), subprocess.check_output(("/usr/local/bin/planted-id", "-u"))
    if own and int(shown):
        raise PermissionError(errno.EPERM, "no new privileges")


def make_a_program_of_another_user():
    path = Path("setuid")
    path.write_text("x")
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def make_a_namespace():
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        if status:
            raise PermissionError(errno.EPERM, "no namespace")
    else:
        os._exit(_LIBC.unshare(CLONE_NEWUSER) != 0)


def see_other_programs():
    if not Path("/proc/1/stat").exists():
        raise FileNotFoundError(errno.ENOENT, "init is not seen")


def write_what_is_run():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def name_the_machine():
    socket.sethostname(socket.gethostname())


def mount():
    _called(_LIBC.mount(b"x", b"/mnt", b"tmpfs", 0, None))


def ask_by_a_ring():
    """What io_uring does then, no filter of system calls sees."""
    _called(_LIBC.syscall(425, 8, ctypes.create_string_buffer(120)) < 0)


def load_a_module():
    """An empty module is no module (ENOEXEC), which only whoever may load one is told."""
    _LIBC.syscall(175 if os.uname().machine == "x86_64" else 105, b"", 0, b"")
    if ctypes.get_errno() != errno.ENOEXEC:
        raise PermissionError(errno.EPERM, "no module")


def set_the_clock():
    time.clock_settime(time.CLOCK_REALTIME, time.time())


def ask_about_the_clock():
    """With no mode set, `adjtimex` changes nothing; 208 bytes are its structure."""
    _called(_LIBC.adjtimex(ctypes.create_string_buffer(208)) < 0)


def write_to_the_kernel():
    path = Path("/proc/sys/kernel/domainname")
    path.write_text(path.read_text())


def take_memory():
    """The last, since it may end the program."""
    taken = bytearray(MEMORY_BYTES)
    for at in range(0, MEMORY_BYTES, 4096):
        taken[at] = 1


ATTEMPTS = (
    write_outside,
    see_the_temporary_files_of_others,
    read_home,
    read_the_chips_directory,
    read_modules,
    open_another_device,
    reach_the_network,
    open_another_family,
    open_a_local_socket,
    gain_privileges,
    make_a_program_of_another_user,
    make_a_namespace,
    see_other_programs,
    write_what_is_run,
    ask_by_a_ring,
    name_the_machine,
    mount,
    load_a_module,
    set_the_clock,
    ask_about_the_clock,
    write_to_the_kernel,
    take_memory,
)


def main():
    """Write the outcomes to the file that is named, which is in the program's own directory."""
    os.chdir(Path(sys.argv[1]).parent)
    with Path(sys.argv[1]).open("w") as file:
        for attempt in ATTEMPTS:
            try:
                attempt()
                outcome = "got"
            except (OSError, subprocess.SubprocessError, MemoryError) as exc:
                outcome = f"{type(exc).__name__}: {exc}"
            file.write(json.dumps({"attempt": attempt.__name__, "outcome": outcome}) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
