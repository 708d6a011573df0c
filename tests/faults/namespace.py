"""Network namespaces and TUN devices by system call: nothing on disk, nothing left after a crash.

A namespace without a name lives as long as a process in it or an open file on it; when those end,
in whatever way, the kernel takes it down with its devices. Linux, root.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFTXQLEN = 0x8916, 0x891C, 0x8943
IFF_UP = 0x1
TUN = Path("/dev/net/tun")
HERE = "/proc/thread-self/ns/net"
QUEUE_PACKETS = 5000  # between the kernel and the forwarder: the emulated queue is the small one


def missing() -> str:
    """What this machine lacks for a network of its own; empty when it can be made."""
    if sys.platform != "linux":
        return "network namespaces need Linux"
    if os.geteuid() != 0:
        return "not root, and only root may make network namespaces"
    if not TUN.exists():
        return f"there is no {TUN} here"
    here = os.open(HERE, os.O_RDONLY)
    try:
        with inside(here):
            os.close(enter_new())
            os.close(tun_device("probe"))
    except OSError as error:
        return f"the kernel refuses a namespace with a TUN device: {error}"
    finally:
        os.close(here)
    return ""


def enter_new() -> int:
    """Move this thread into a new namespace whose loopback is up; return an open file on it.

    Raises:
        OSError: the kernel refuses.
    """
    _checked(_libc().unshare(CLONE_NEWNET))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        switch_on(control, "lo")
    return os.open(HERE, os.O_RDONLY)


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """This thread, and what it starts, in another namespace for the length of a block."""
    before = os.open(HERE, os.O_RDONLY)
    try:
        _checked(_libc().setns(namespace, CLONE_NEWNET))
        yield
    finally:
        _checked(_libc().setns(before, CLONE_NEWNET))
        os.close(before)


def tun_device(name: str) -> int:
    """A new TUN device in this thread's namespace: one `read` or `write` is one IP packet."""
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def give_address(control: socket.socket, name: str, address: str) -> None:
    """Set a device's only IPv4 address, in a network of 256, and switch it on.

    `control` is any socket made in the device's namespace.
    """
    for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.0")):
        inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
        fcntl.ioctl(control, request, struct.pack("16s16s8x", name.encode(), inet))
    fcntl.ioctl(control, SIOCSIFTXQLEN, struct.pack("16si20x", name.encode(), QUEUE_PACKETS))
    switch_on(control, name)


def switch_on(control: socket.socket, name: str) -> None:
    """Bring a device up."""
    asked = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH22x", name.encode(), 0))
    (flags,) = struct.unpack_from("H", asked, 16)
    up = struct.pack("16sH22x", name.encode(), flags | IFF_UP)
    fcntl.ioctl(control, SIOCSIFFLAGS, up)


def be_a_machine_of_its_own() -> None:
    """In a child that stands for a computer: served before what else runs here, ends with the test.

    It is killed when the thread that started it ends, even while it is stopped.
    """
    _checked(_libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    _be_served_first()


@contextmanager
def served_first() -> Iterator[None]:
    """This thread, too, for as long as it measures: like those that it talks to."""
    _be_served_first()
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _be_served_first() -> None:
    with contextlib.suppress(PermissionError):  # where that needs more rights: served like others
        # Not `nice`: where the kernel groups by session that counts within the session only.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
