"""How the robot's processes live and die together.

A child is started with a pipe for its standard input. It leaves when the pipe closes, which happens
when its parent ends in whatever way, so that no process is left behind. It runs in a session of its
own: Ctrl-C at the terminal reaches the parent only, which then ends its children in order.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO

READY = "ready"
EXIT_CONFIG = 2  # a start that cannot succeed when tried again: wrong settings, taken port
SEAL_S = 20.0  # what sealing a long episode may take on a slow disk
EXIT_FAILED = 1  # it ran and then failed: another start may well succeed


def leave_with_parent() -> threading.Event:
    """In a child: an event that is set when the parent closes the pipe or asks to terminate."""
    leaving = threading.Event()
    _set_on(leaving, signal.SIGTERM)
    _when_parent_ends(leaving.set)
    return leaving


def leave_on_signal() -> threading.Event:
    """In a process started by a person: an event that is set by Ctrl-C or SIGTERM."""
    leaving = threading.Event()
    _set_on(leaving, signal.SIGINT, signal.SIGTERM)
    return leaving


def _set_on(event: threading.Event, *numbers: signal.Signals) -> None:
    """Let signals set an event.

    Not in the handler itself: that runs on the main thread, which may be just inside `event.wait`
    and hold the lock that `set` needs, for ever. `_thread` starts one without taking any lock.
    """
    for number in numbers:
        signal.signal(number, lambda *_: _thread.start_new_thread(event.set, ()))


def say_ready() -> None:
    """In a child: tell the parent that every socket listens."""
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()


def die_with_parent() -> None:
    """In a child that has nothing to tidy up: end at once when the parent has gone."""
    _when_parent_ends(lambda: os._exit(EXIT_FAILED))


def terminate_with_parent() -> None:
    """In a child with a SIGTERM handler of its own: terminate when the parent has gone."""
    _when_parent_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))


def _when_parent_ends(act: Callable[[], object]) -> None:
    def wait_for_end() -> None:
        # Not sys.stdin: a thread waiting in its buffer would abort the interpreter at its end.
        while os.read(0, 1024):
            pass
        act()

    threading.Thread(target=wait_for_end, name="parent", daemon=True).start()


@contextmanager
def failing_later() -> Iterator[None]:
    """In a child that was ready: what fails from here on is no wrong setting, try it again."""
    try:
        yield
    except Exception:  # the top of the process: logged, and the parent starts another
        logging.getLogger("agent").exception("failed while running")
        sys.exit(EXIT_FAILED)


def give_way(by: int) -> None:
    """In a child: let the others have the processor first, by so many steps of niceness.

    Each child is a session of its own, and Linux shares the processor between sessions before it
    looks at the niceness of a process (autogroup): both are set.
    """
    if sys.platform != "win32":
        os.nice(by)
        _set_session(by)


def go_first(by: int) -> None:
    """In a child: have the processor before all others, where we are allowed to.

    That takes root, CAP_SYS_NICE or a limit for it (`nice` in limits.conf); without, nothing
    changes and nothing is said: most consoles and many robots are alone on their machine.
    """
    if sys.platform == "win32":
        return
    try:
        os.nice(-by)
    except PermissionError:
        return
    _set_session(-by)


def _set_session(niceness: int) -> None:
    try:
        Path("/proc/self/autogroup").write_text(str(niceness))
    except OSError:
        return  # another system, or one without autogroups: the niceness of the process counts


def start_child(arguments: Sequence[str], log: IO[str] | None = None) -> subprocess.Popen[str]:
    """Start `unstick arguments…` as a child; its log goes to `log`, by default to our own."""
    return subprocess.Popen(
        [sys.executable, "-m", "teleop", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )


def hear_ready(child: subprocess.Popen[str]) -> Future[bool]:
    """Whether the child says that it is ready, as soon as that is known; False when it ends."""
    stdout = child.stdout
    assert stdout is not None
    said: Future[bool] = Future()

    def listen() -> None:
        try:
            said.set_result(stdout.readline().strip() == READY)
        except ValueError:  # closed, because the child was ended meanwhile
            said.set_result(False)

    threading.Thread(target=listen, name="ready", daemon=True).start()
    return said


def wait_ready(child: subprocess.Popen[str], timeout_s: float) -> bool:
    """Whether the child said that it is ready before it ended or the time ran out."""
    try:
        return hear_ready(child).result(timeout_s)
    except TimeoutError:
        return False


def end_child(child: subprocess.Popen[str], patience_s: float = 5.0) -> int:
    """Ask a child to leave, insist after `patience_s`; return its exit code."""
    if child.stdin is not None and not child.stdin.closed:
        child.stdin.close()
    try:
        return child.wait(patience_s)
    except subprocess.TimeoutExpired:
        logging.getLogger("agent").warning("process %d does not leave; killing it", child.pid)
        child.kill()
        return child.wait()
    finally:
        if child.stdout is not None:
            child.stdout.close()
