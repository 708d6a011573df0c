"""Real processes for the system tests: an agent, a hand at the keys, somebody who watches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from teleop.both_ends import acquaint
from teleop.latch import Latch, LatchFile
from teleop.operator_input import OperatorInput
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView
from teleop.replaying import Replaying
from transport.clock import now_ns
from transport.control_link import LOOPBACK, free_base_port
from transport.curve import Credentials
from transport.messages import Arm, Mode, RequestLease, RobotState

ROOT = Path(__file__).parents[2]
HANG_S = 60.0
ATTEMPTS = 6  # to push, within that
OFFSCREEN = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def unstick(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run one `unstick` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "teleop", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def until(condition: Callable[[], object], what: str, limit_s: float = HANG_S) -> None:
    """Wait for something to become true: a hang guard, not a speed test."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """Direct children of a process (Linux)."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def command_of(pid: int) -> str:
    """A process's command line, empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Agent:
    """`unstick agent` as a user starts it.

    `calls`: it was left in need of a person, so it starts disarmed and calls at once, instead of
    after the ten seconds that its policy takes to get stuck. `log`: where everything it has to say
    goes. `options`: more of them, for the command line.
    """

    def __init__(
        self,
        episodes: Path,
        seed: int = 0,
        *,
        calls: bool = False,
        log: Path | None = None,
        options: tuple[str, ...] = ("--silent",),
    ) -> None:
        self.port = free_base_port()
        self.episodes = episodes
        self.state = episodes.parent / "state"
        command = ["--port", str(self.port), "--episodes", str(episodes), "--seed", str(seed)]
        command += ["--state", str(self.state), *options]
        for operator in ("op-1", "watcher"):  # known before it starts, so that nobody knocks twice
            self.admit(operator)
        if calls:
            LatchFile(self.state / "rover-01.latch.json").write(Latch(needs_person=True))
        with open(log, "w") if log is not None else nullcontext(subprocess.PIPE) as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "teleop", "agent", *command],
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
                env=os.environ | ({"UNSTICK_LOG": "DEBUG"} if log is not None else {}),
            )

    def config(self, operator: str) -> Path:
        """The config folder of a console that this robot admits under that name."""
        return self.state.parent / f"console-{operator}"

    def admit(self, operator: str) -> Credentials:
        """Let a console in that is called so; what it knocks with."""
        return acquaint(self.state, self.config(operator), f"{LOOPBACK}:{self.port}", operator)

    def pid_of(self, role: str) -> int:
        """The pid of "control" or "media"."""
        for pid in children_of(self.process.pid):
            if f"-m teleop {role} " in command_of(pid):
                return pid
        raise AssertionError(f"no {role} process")

    def close(self) -> None:
        """End it as Ctrl-C does; nothing may be left behind."""
        pids = children_of(self.process.pid) if self.process.poll() is None else []
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if self.process.stderr is not None:
                self.process.stderr.close()
        assert [pid for pid in pids if is_alive(pid)] == [], "orphans"


@contextmanager
def agent(
    episodes: Path,
    seed: int = 0,
    *,
    calls: bool = False,
    log: Path | None = None,
    options: tuple[str, ...] = ("--silent",),
) -> Iterator[Agent]:
    """An agent for the length of a test."""
    running = Agent(episodes, seed, calls=calls, log=log, options=options)
    try:
        yield running
    finally:
        running.close()


class Hand:
    """An operator without a window: the real link, the real video, no pixels."""

    def __init__(
        self, robot: Agent, operator: str = "op-1", replaying: Replaying | None = None
    ) -> None:
        self.link = OperatorLink(robot.admit(operator), LOOPBACK, robot.port, replaying)
        self.video = self.link.video(("front",))
        self.link.start()
        self.video.start()
        self.link.set_focus(True)
        self.pictures = 0
        self.captured_ns = 0  # of the newest picture, the robot's clock

    def close(self) -> None:
        """Let go of the robot."""
        self.video.close()
        self.link.close()

    def look(self) -> LinkView:
        """One look: sign of life, newest picture taken note of."""
        stamp_ns = now_ns()
        self.link.alive(stamp_ns)
        picture = self.video.mailboxes["front"].take()
        if picture is not None:
            self.pictures += 1
            self.captured_ns = picture.captured_ns
            self.link.painted(picture.captured_ns)
        return self.link.view(stamp_ns)

    def state(self) -> RobotState:
        """The newest state; fails when the robot was never heard."""
        state = self.look().state
        assert state is not None
        return state

    def wait(
        self, condition: Callable[[LinkView], object], what: str, limit_s: float = HANG_S
    ) -> None:
        """Keep looking until `condition` holds for what is known."""
        try:
            until(lambda: condition(self.look()), what, limit_s)
        except AssertionError as never:
            never.add_note(f"Last known: {self.look()}")
            raise

    def hold(self, seconds: float) -> None:
        """Keep looking, hands as they are."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(0.01)

    def take_over(self) -> None:
        """Wait for a call and a picture, get the lease, keep hands off for as long as is asked."""
        self.wait(lambda v: v.state is not None and v.state.call is not None, "a call")
        self.wait(lambda v: self.pictures > 3, "a picture")
        self.link.request(RequestLease())
        self.wait(lambda v: v.yours, "the lease")
        state = self.state()
        if state.mode is Mode.DISARMED:
            self.link.request(Arm(epoch=state.lease.epoch))
        self.wait(lambda v: v.self_test.passed, "the self-test")
        self.hold(0.8)

    def drive_back(self) -> None:
        """Push the stick back and keep it there, until the robot moves."""
        self.push(
            OperatorInput(forward=-1.0, deadman=True),
            lambda v: v.state is not None and v.state.applied.forward_mps < -0.2,
            "motion backwards",
        )

    def push(
        self, stick: OperatorInput, condition: Callable[[LinkView], object], what: str
    ) -> None:
        """Push and keep at it until `condition` holds.

        Where it does not within some seconds, because the robot held on a busy machine, as a
        person would: let go, and push again.
        """
        for last in (*[False] * (ATTEMPTS - 1), True):
            self.link.set_input(replace(stick, input_ns=now_ns()))
            try:
                self.wait(condition, what, HANG_S / ATTEMPTS)
            except AssertionError:
                if last:
                    raise
                self.link.set_input(OperatorInput(input_ns=now_ns()))
                self.hold(0.8)
            else:
                return


@contextmanager
def hand(
    robot: Agent, operator: str = "op-1", replaying: Replaying | None = None
) -> Iterator[Hand]:
    """An operator's hand for the length of a test; the robot admits it from now on."""
    made = Hand(robot, operator, replaying)
    try:
        yield made
    finally:
        made.close()
