"""The agent: starts the robot's two processes, watches them, ends them.

`control` moves the robot, `media` sees and records. When one dies the other goes on: `control` is
started again disarmed and under a new boot id, `media` recovers what was being recorded. A control
that hangs is as good as dead: when it proves no tick for 200 ms its actuator watchdog is asked to
hold the motors, and then it is killed, whatever it waits for. One loop looks at everything and
waits for nothing. When the agent itself ends, in whatever way, both stop the robot and leave
(`teleop.child`).
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from teleop.child import (
    EXIT_CONFIG,
    SEAL_S,
    end_child,
    hear_ready,
    leave_on_signal,
    leave_with_parent,
    say_ready,
    start_child,
)
from teleop.heartbeat import Pulse
from teleop.liveness import Looks, Verdict, judged
from transport.clock import NS_PER_MS, NS_PER_S, now_ns

log = logging.getLogger("agent")

LOOK_S: Final = 0.02  # a tenth of what control may be late
START_S = 30.0  # compiling the scene and opening the graphics takes seconds on a slow machine
HOLD_NS: Final = 50 * NS_PER_MS  # from the wish to hold to the kill: two looks of the watchdog
RESTARTS = 5  # within RESTART_WINDOW_S; after that a person has to look
RESTART_WINDOW_S = 60


@dataclass
class Watched:
    """One child and how to start it again."""

    name: str
    arguments: Sequence[str]
    again: Sequence[str] = ()  # added to the arguments when it is started again
    vital: bool = True  # without it the robot cannot be driven at all
    ticks: bool = False  # it proves its ticks by a heartbeat
    patience_s: float = 5.0  # to leave in order when it is asked to
    process: subprocess.Popen[str] | None = None
    pulse: Pulse | None = None
    said_ready: Future[bool] = field(default_factory=Future)
    launched_ns: int = 0
    ready: bool = False  # this process listens
    started: bool = False  # one process did, once
    restarts_ns: list[int] = field(default_factory=list)
    reported: bool = False  # its death is in the log
    late: bool = False  # that it is late is in the log
    given_up_ns: int = 0  # when we asked for a hold, because it hangs
    killed: bool = False  # by us

    def launch(self, *, again: bool = False) -> None:
        """Start it; one that ran before must have ended."""
        self.close()
        arguments = [*self.arguments, *(self.again if again else ())]
        if self.ticks:
            self.pulse = Pulse()
            arguments += ["--heartbeat", str(self.pulse.path)]
        self.process = start_child(arguments)
        self.said_ready = hear_ready(self.process)
        self.launched_ns = now_ns()
        self.ready = self.late = self.killed = False
        self.given_up_ns = 0

    def close(self) -> None:
        """End it and let go of what it had; idempotent."""
        if self.process is not None:
            end_child(self.process, self.patience_s)
        if self.pulse is not None:
            self.pulse.close()
            self.pulse = None

    def kill(self, why: str) -> None:
        """End it at once, also when it is stopped or hangs; its death needs no further words."""
        assert self.process is not None
        if not self.killed:
            log.error("%s %s; killing it", self.name, why)
            self.killed = self.reported = True
            self.process.kill()

    def may_restart(self, stamp_ns: int) -> bool:
        """Whether another start is worth trying."""
        recent = [t for t in self.restarts_ns if stamp_ns - t < RESTART_WINDOW_S * NS_PER_S]
        if len(recent) >= RESTARTS:
            return False
        self.restarts_ns = [*recent, stamp_ns]
        return True


def run_agent(
    control: Sequence[str],
    media: Sequence[str],
    *,
    greeting: str | None,
    announcer: Sequence[str] = (),
) -> int:
    """Run both processes until Ctrl-C, SIGTERM or a failure; return the exit code.

    `control` and `media` are the command lines of the two processes. `greeting` is for a person, on
    standard error, when the robot can be used; without one a parent process is told instead.
    `announcer` is the command line of what tells the network then; the robot does without it.
    """
    leaving = leave_with_parent() if greeting is None else leave_on_signal()
    children = [
        Watched("control", control, again=("--restarted",), ticks=True),
        Watched("media", media, vital=False, patience_s=SEAL_S + 5.0),
    ]
    greeted = False
    announcing: subprocess.Popen[str] | None = None
    try:
        for child in children:
            child.launch()
        looks = Looks.begun(now_ns())
        while not leaving.wait(LOOK_S):
            for child in children:
                beat_ns = child.pulse.last_ns() if child.pulse is not None else 0
                looks = looks.at(now_ns())
                code = looked_after(child, beat_ns, looks)
                if code is not None:
                    return code
            if not greeted and all(child.ready for child in children):
                greeted = True
                if announcer:
                    announcing = start_child(announcer)
                if greeting is None:
                    say_ready()
                else:
                    sys.stderr.write(greeting)
        return 0
    finally:
        for child in children:  # control first: the robot stands while the recorder seals
            child.close()
        if announcing is not None:
            end_child(announcing)


def looked_after(child: Watched, beat_ns: int, looks: Looks) -> int | None:
    """One look at a child: start it again, kill it, or leave it; an exit code to give up."""
    assert child.process is not None
    died = child.process.poll()
    if died is not None:
        return _replaced(child, died, looks.last_ns)
    if not child.ready:
        return _awaited(child, looks.last_ns)
    if child.ticks:
        _timed(child, beat_ns, looks)
    return None


def _replaced(child: Watched, died: int, stamp_ns: int) -> int | None:
    """Start `child` again when it has died; an exit code when that makes no sense any more."""
    if not child.ready and (child.vital or not child.started):
        return _failed_start(child)
    if not child.reported:
        log.error("%s died (%s)", child.name, _how(died))
        child.reported = True
    if child.may_restart(stamp_ns):
        child.launch(again=True)
    elif child.vital:
        log.error("%s died %d times in a minute; giving up", child.name, RESTARTS)
        return 1
    return None  # what is not vital is tried again when the minute is over; the robot goes on


def _awaited(child: Watched, stamp_ns: int) -> int | None:
    """Take note that a child listens; give up on one that does not in time."""
    if child.said_ready.done() and child.said_ready.result():
        if child.started:
            log.warning("%s was started again", child.name)
        child.ready = child.started = True
        child.reported = False
        if child.pulse is not None:
            child.pulse.unlink()
    elif stamp_ns - child.launched_ns > START_S * NS_PER_S:
        if child.vital or not child.started:
            return _failed_start(child)
        child.kill(f"did not start within {START_S:.0f} s")
    return None


def _timed(child: Watched, beat_ns: int, looks: Looks) -> None:
    """Warn of a loop that is late; stop, then kill one that hangs."""
    stamp_ns = looks.last_ns
    if child.given_up_ns:
        if stamp_ns - child.given_up_ns >= HOLD_NS:
            child.kill(f"has not ticked for {_ms(stamp_ns - beat_ns)} ms")
        return
    match judged(beat_ns, looks):
        case Verdict.STARTING:
            if stamp_ns - child.launched_ns > START_S * NS_PER_S:
                child.kill(f"has not ticked within {START_S:.0f} s")
        case Verdict.STALLED:
            assert child.pulse is not None
            child.pulse.ask_to_hold()
            child.given_up_ns = stamp_ns
        case Verdict.LATE:
            if not child.late:
                log.warning("%s is %d ms late", child.name, _ms(stamp_ns - beat_ns))
                child.late = True
        case Verdict.ON_TIME:
            if child.late:
                log.warning("%s is on time again", child.name)
                child.late = False
        case Verdict.UNKNOWN:  # we were late ourselves: the machine, not the child
            pass


def _failed_start(child: Watched) -> int:
    assert child.process is not None
    code = end_child(child.process)
    if code != EXIT_CONFIG:
        log.error("%s did not start (%s)", child.name, _how(code))
        return 1
    return EXIT_CONFIG


def _ms(ns: int) -> int:
    return ns // NS_PER_MS


def _how(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
