"""The agent: starts the robot's two processes, watches them, ends them.

`control` moves the robot, `media` sees and records. When one dies the other goes on: `control` is
started again disarmed and under a new boot id, `media` recovers what was being recorded. When the
agent itself ends, in whatever way, both stop the robot and leave (`teleop.child`).
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from teleop.child import (
    EXIT_CONFIG,
    SEAL_S,
    end_child,
    leave_on_signal,
    leave_with_parent,
    say_ready,
    start_child,
    wait_ready,
)
from transport.clock import NS_PER_S, now_ns

log = logging.getLogger("agent")

START_S = 30.0  # compiling the scene and opening the graphics takes seconds on a slow machine
RESTARTS = 5  # within RESTART_WINDOW_S; after that a person has to look
RESTART_WINDOW_S = 60


@dataclass
class Watched:
    """One child and how to start it again."""

    name: str
    arguments: Sequence[str]
    again: Sequence[str] = ()  # added to the arguments when it is started again
    vital: bool = True  # without it the robot cannot be driven at all
    process: subprocess.Popen[str] | None = None
    restarts_ns: list[int] = field(default_factory=list)
    reported: bool = False  # its death is in the log

    def launch(self, *, again: bool = False) -> None:
        """Start it; one that ran before must have ended."""
        if self.process is not None:
            end_child(self.process)
        self.process = start_child([*self.arguments, *(self.again if again else ())])

    def is_ready(self) -> bool:
        """Wait until it listens; False when it could not start."""
        assert self.process is not None
        return wait_ready(self.process, START_S)

    def may_restart(self, stamp_ns: int) -> bool:
        """Whether another start is worth trying."""
        recent = [t for t in self.restarts_ns if stamp_ns - t < RESTART_WINDOW_S * NS_PER_S]
        if len(recent) >= RESTARTS:
            return False
        self.restarts_ns = [*recent, stamp_ns]
        return True


def run_agent(control: Sequence[str], media: Sequence[str], *, greeting: str | None) -> int:
    """Run both processes until Ctrl-C, SIGTERM or a failure; return the exit code.

    `control` and `media` are the command lines of the two processes. `greeting` is for a person, on
    standard error, when the robot can be used; without one a parent process is told instead.
    """
    leaving = leave_with_parent() if greeting is None else leave_on_signal()
    children = [
        Watched("control", control, again=("--restarted",)),
        Watched("media", media, vital=False),
    ]
    try:
        for child in children:
            child.launch()
        for child in children:
            if not child.is_ready():
                return _failed_start(child)
        if greeting is None:
            say_ready()
        else:
            sys.stderr.write(greeting)
        while not leaving.wait(0.1):
            for child in children:
                code = _kept_running(child)
                if code is not None:
                    return code
        return 0
    finally:
        for child in children:  # control first: the robot stands while the recorder seals
            if child.process is not None:
                end_child(child.process, patience_s=SEAL_S + 5.0)


def _kept_running(child: Watched) -> int | None:
    """Start `child` again when it has died; an exit code when that makes no sense any more."""
    assert child.process is not None
    died = child.process.poll()
    if died is None:
        return None
    if not child.reported:
        log.error("%s died (%s)", child.name, _how(died))
        child.reported = True
    if not child.may_restart(now_ns()):
        if not child.vital:
            return None  # tried again when the minute is over; the robot itself goes on
        log.error("%s died %d times in a minute; giving up", child.name, RESTARTS)
        return 1
    child.launch(again=True)
    if child.is_ready():
        log.warning("%s was started again", child.name)
        child.reported = False
    elif child.vital:
        return _failed_start(child)
    return None


def _failed_start(child: Watched) -> int:
    assert child.process is not None
    code = end_child(child.process)
    if code != EXIT_CONFIG:
        log.error("%s did not start (%s)", child.name, _how(code))
        return 1
    return EXIT_CONFIG


def _how(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
