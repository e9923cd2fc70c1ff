"""A program that answers on the sockets that were opened for it, and calls nobody.

A process without a network of its own still has that of such a socket: whoever takes it over could stop
listening there and connect to anybody instead. No setting of systemd's closes that for a program which
has to connect to a local socket, since its filters do not look at what a call is given.
"""

import ctypes
import errno
import socket

from protocol.errors import ConfigError

# The length of the shortest address of a network, sockaddr_in; that of a local socket may be shorter.
_ADDRESS_BYTES = 16
# What is left of it for a local name, which ends with a zero.
LOCAL_NAME_MAX = _ADDRESS_BYTES - 1 - 2 - 1
# Of seccomp.h.
_LIBRARY = "libseccomp.so.2"
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | errno.EPERM
_AT_LEAST, _HAS_BITS = 5, 7
# Which argument of a call is refused where.
_REFUSED = (
    ("connect", 2, _AT_LEAST, _ADDRESS_BYTES, 0),
    # A first piece of data that connects.
    ("sendto", 3, _HAS_BITS, socket.MSG_FASTOPEN, socket.MSG_FASTOPEN),
    ("sendmsg", 2, _HAS_BITS, socket.MSG_FASTOPEN, socket.MSG_FASTOPEN),
    ("sendmmsg", 3, _HAS_BITS, socket.MSG_FASTOPEN, socket.MSG_FASTOPEN),
)


class _Argument(ctypes.Structure):
    """What an argument is compared with: scmp_arg_cmp."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("by", ctypes.c_uint64),
        ("to", ctypes.c_uint64),
    )


def call_nobody() -> None:
    """Let this process, and what it starts, connect to nothing but local sockets of a short name.

    The name has LOCAL_NAME_MAX bytes at most. It cannot be taken back, and holds for threads that begin
    afterwards.

    Raises:
        ConfigError: the library for it is missing, or the kernel refuses it.
    """
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as exc:
        raise ConfigError(
            f"{_LIBRARY} is missing, which every Debian with systemd has: "
            "`sudo apt install libseccomp2`."
        ) from exc
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    for call, *compared in _REFUSED:
        number = library.seccomp_syscall_resolve_name(call.encode())
        argument = ctypes.pointer(_Argument(*compared))
        refuse = ctypes.c_uint32(_REFUSE)
        if library.seccomp_rule_add_array(rules, refuse, number, 1, argument):
            raise ConfigError(f"{_LIBRARY} does not know {call}; install a newer one.")
    if library.seccomp_load(rules):
        raise ConfigError("This kernel filters no system calls (seccomp); use Debian's own.")
    library.seccomp_release(rules)
