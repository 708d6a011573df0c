"""Disks that are full, fail, or take their time: a small tmpfs, a file with ext4 on it whose device
goes away or answers nothing, and system calls that go wrong."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from recorder import durable

# Everything through which an episode reaches the disk.
CALLS = ("open", "mkdir", "write", "lseek", "fdatasync", "fsync", "close", "replace", "rename")


class SmallDisk:
    """A tmpfs of its own, whose size can be changed while files on it are open."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, size: int) -> None:
        """Bytes; never less than is in use."""
        self.remount(f"size={size}")

    def remount(self, options: str) -> None:
        """Change its options."""
        run = ["mount", "-o", f"remount,{options}", str(self.path)]
        subprocess.run(run, check=True, capture_output=True)

    def used(self) -> int:
        """Bytes that are taken."""
        stat = os.statvfs(self.path)
        return (stat.f_blocks - stat.f_bfree) * stat.f_frsize


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """A tmpfs of `size` bytes at `path` for the length of a block; Linux, root."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small tmpfs")
    path.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "unstick-test", str(path)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


class Ext4Disk:
    """A file system on a loop device, which the kernel can be told to lose or to stop."""

    # linux/fs.h and fs/ext4/ext4.h; "no log flush" is what an unplugged disk leaves behind.
    _FREEZE, _THAW, _SHUTDOWN, _NO_LOG_FLUSH = 0xC0045877, 0xC0045878, 0x8004587D, 2

    def __init__(self, path: Path, image: Path) -> None:
        self.path = path
        self._image = image
        self._hangs = False

    def mount(self) -> subprocess.CompletedProcess[str]:
        """Put it where it belongs."""
        command = ["mount", "-o", "loop", str(self._image), str(self.path)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def unmount(self) -> None:
        """Take it away; one that hangs goes on first."""
        self.go_on()
        subprocess.run(["umount", str(self.path)], check=True)

    def go_away(self) -> None:
        """From now on every write and every sync is an input/output error, also of open files."""
        self._call(self._SHUTDOWN, struct.pack("I", self._NO_LOG_FLUSH))

    def come_back(self) -> None:
        """Plugged in once more, by when nobody has a file open on it."""
        self.unmount()
        assert self.mount().returncode == 0

    def hang(self) -> None:
        """From now on who writes waits in the kernel, and no signal ends that."""
        self._call(self._FREEZE, 0)
        self._hangs = True

    def go_on(self) -> None:
        """Who waits is served."""
        if self._hangs:
            self._hangs = False
            self._call(self._THAW, 0)

    def _call(self, request: int, argument: bytes | int) -> None:
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, request, argument)
        finally:
            os.close(fd)


@contextmanager
def ext4_disk(path: Path, size: int) -> Iterator[Ext4Disk]:
    """A disk of `size` bytes at `path` for the length of a block; Linux, root, a loop device."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    path.mkdir(parents=True, exist_ok=True)
    image = path.with_name(path.name + ".image")
    with image.open("wb") as file:
        file.truncate(size)
    try:
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mkfs.ext4 here")
    disk = Ext4Disk(path, image)
    done = disk.mount()
    if done.returncode:
        pytest.skip(f"no file can be mounted as a disk here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        disk.unmount()


class FailingCalls:
    """System calls of `recorder.durable`, of which the n-th fails, or all from the n-th on."""

    def __init__(self, failing: int, code: int, *, for_ever: bool) -> None:
        self.made = 0
        self.failed: list[str] = []
        self._failing = failing
        self._code = code
        self._for_ever = for_ever

    def around(self, name: str) -> Callable[..., Any]:
        """The call `name`, which fails when it is its turn."""
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            number, self.made = self.made, self.made + 1
            if number == self._failing or (self._for_ever and number > self._failing):
                self.failed.append(name)
                if name == "close":
                    real(*args, **options)  # the kernel lets go of it all the same
                raise OSError(self._code, os.strerror(self._code))
            return real(*args, **options)

        return call


def fail_calls(
    patch: pytest.MonkeyPatch, failing: int, code: int, *, for_ever: bool
) -> FailingCalls:
    """Let the `failing`-th call that reaches the disk fail with `code`, until `patch` ends."""
    calls = FailingCalls(failing, code, for_ever=for_ever)
    for name in CALLS:
        patch.setattr(durable.os, name, calls.around(name))
    return calls
