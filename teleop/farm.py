"""`unstick farm`: simulated robots that work, get stuck and call, as many as this machine carries.

Every robot is an agent of its own, a child process with keys, ports and a folder of its own, and so
is every scripted operator. This module starts them, listens to what the robots say, shows it, and
ends them all. One that dies is told, the others go on. At the end the robots' own record is held
against the operators' lists (`farm_ledger`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from recorder.library import list_episodes
from teleop.both_ends import acquaint
from teleop.child import EXIT_CONFIG, READY, end_child, start_child
from teleop.credentials import credentials_for
from teleop.farm_cost import Cost, cores, costs
from teleop.farm_ledger import Balance, Recorded, balance
from teleop.farm_plan import Post
from teleop.farm_record import recorded
from teleop.farm_story import Happened, Standing
from teleop.latch import latch_path
from teleop.safety import ConfigError
from teleop.shift import Served
from transport.channels import STATE, STATES
from transport.clock import NS_PER_S, now_ns
from transport.control_link import LOOPBACK, Listener
from transport.messages import MalformedMessage, RobotState, Role, decoder_of

MARKER: Final = ".unstick-farm"  # a folder with this file is the farm's own
WATCHER: Final = "farm"  # who listens for the table and the balance
PERSON: Final = "you"  # whom the robots admit from the console
TRIES: Final = 3  # of one robot: on a machine that is busy its agent gives a start up after 30 s
AT_ONCE: Final = 2  # robots that start at the same time: each compiles a scene and opens graphics
LOOK_S: Final = 0.1
COST_NS: Final = 2 * NS_PER_S
LAST_CALL_S: Final = 200.0  # an operator who accepts nothing more has to finish within
SEAL_S: Final = 30.0  # an agent closes an open episode before it leaves

_decode_state = decoder_of(RobotState)
Tell = Callable[[Happened], None]


@dataclass
class Child:
    """A process of the farm, and what it says on its standard output."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    ready: threading.Event = field(default_factory=threading.Event)
    lines: deque[str] = field(default_factory=deque)  # after `READY`; the operators' lists

    @classmethod
    def start(cls, name: str, log: Path, arguments: Sequence[str]) -> Child:
        """Start `unstick arguments…`; its log goes to the file `log`."""
        with log.open("a") as stderr:
            child = cls(name, start_child(arguments, stderr), log)
        threading.Thread(target=child._listen, name=f"hear-{name}", daemon=True).start()
        return child

    def last_words(self) -> str:
        """The last line of its log, and where the rest is."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} ({self.log})"

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # closed, because the child was ended
            for line in self.process.stdout:
                if line.strip() == READY:
                    self.ready.set()
                else:
                    self.lines.append(line)


def prepare(out: Path, posts: Sequence[Post], operators: Sequence[str]) -> None:
    """Make `out` the farm's own: keys for everybody; what robots recorded earlier stays.

    Raises:
        ConfigError: `out` is somebody else's folder, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; choose a folder with --out")
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise ConfigError(f"{out} holds other files; choose another folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKER).touch()
        for old in (*(out / post.name / "state" for post in posts), out / "keys"):
            shutil.rmtree(old, ignore_errors=True)
        for post in posts:
            (out / post.name / "episodes").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write to {out}: {error.strerror}") from None
    roles = {WATCHER: Role.OBSERVER, **dict.fromkeys((PERSON, *operators), Role.OPERATOR)}
    for post in posts:
        state = out / post.name / "state"
        for who, role in roles.items():
            acquaint(state, keys_of(out, who), post.address, who, role, robot=post.name)


def keys_of(out: Path, who: str) -> Path:
    """The config folder of somebody whom all robots of the farm admit."""
    return out / "keys" / who


class Farm:
    """The robots and operators of one run; a context manager: nobody is left behind."""

    def __init__(
        self,
        posts: Sequence[Post],
        operators: Sequence[str],
        out: Path,
        *,
        again_s: float,
        pictures: str,
        tell: Tell,
    ) -> None:
        """`again_s`: how long a call waits; `pictures`: see `unstick agent`; `tell` hears what
        happens."""
        self.out, self._tell = out, tell
        self._again_s, self._pictures = again_s, pictures
        self._operator_names = tuple(operators)
        self.robots = {post.name: Standing(post) for post in posts}
        self._before: dict[str, set[Path]] = {}  # episodes of earlier farms
        self._children: dict[str, Child] = {}
        self._listeners: dict[str, Listener] = {}
        self._lists: dict[str, list[Served]] = {name: [] for name in operators}
        self._costs: dict[str, tuple[int, Cost]] = {}  # once it was ready
        self._cost_ns = 0

    def __enter__(self) -> Farm:
        prepare(self.out, self.posts, self._operator_names)
        self._before = {p.name: set(list_episodes(self._episodes(p))) for p in self.posts}
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def posts(self) -> list[Post]:
        """Where the robots are."""
        return [standing.post for standing in self.robots.values()]

    def start_robots(self, leaving: threading.Event) -> bool:
        """Start every robot, some at a time, until all listen; False when `leaving` was set.

        Raises:
            ConfigError: one does not start.
        """
        waiting = list(self.posts)
        starting: list[Post] = []
        tries = dict.fromkeys(self.robots, 0)
        while waiting or starting:
            while waiting and len(starting) < AT_ONCE:
                starting.append(waiting.pop(0))
                self._start_robot(starting[-1])
                tries[starting[-1].name] += 1
            for post in tuple(starting):
                child = self._children[post.name]
                failed = child.process.poll()
                if failed is None and not child.ready.is_set():
                    continue
                starting.remove(post)
                if failed == EXIT_CONFIG or (failed is not None and tries[post.name] == TRIES):
                    raise ConfigError(f"{post.name} does not start: {child.last_words()}")
                if failed is not None:
                    self._forget(post)
                    waiting.append(post)
            self.look()
            if leaving.wait(LOOK_S):
                return False
        return True

    def start_operators(self, seconds: float | None) -> None:
        """Let the scripted operators sit down; they accept nothing more after `seconds`."""
        for number, name in enumerate(self._operator_names, start=1):
            arguments = ["farm-operator", "--config", str(keys_of(self.out, name))]
            arguments += ["--person", str(number)]
            arguments += ["--seconds", str(seconds)] if seconds is not None else []
            self._children[name] = Child.start(name, self.out / f"{name}.log", arguments)

    def look(self) -> None:
        """Take in what robots and operators have said, and what everybody costs."""
        stamp_ns = now_ns()
        for name, listener in self._listeners.items():
            if (raw := listener.take()) is None:
                continue
            with contextlib.suppress(MalformedMessage):
                self.robots[name], events = self.robots[name].heard(_decode_state(raw), stamp_ns)
                for event in events:
                    self._tell(event)
        for name, child in self._children.items():
            self._take_list(name, child)
            self._note_death(name, child)
        if stamp_ns - self._cost_ns >= COST_NS:
            self._cost_ns = stamp_ns
            self._note_costs(stamp_ns)

    def operators_work(self) -> bool:
        """Whether one of the scripted operators still is there."""
        return any(
            self._children[name].process.poll() is None
            for name in self._operator_names
            if name in self._children
        )

    def end(self) -> None:
        """End everybody, operators first; idempotent."""
        operators = [c for name, c in self._children.items() if name in self._lists]
        robots = [c for name, c in self._children.items() if name in self.robots]
        for group in (operators, robots):
            for child in group:  # all are asked before any is waited for
                if child.process.stdin is not None:
                    child.process.stdin.close()
            for child in group:
                end_child(child.process, SEAL_S)
        for name in self._lists:
            if name in self._children:
                self._take_list(name, self._children[name])
        self._children.clear()
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()

    def settle(self) -> tuple[Balance, list[Recorded]]:
        """What became of every call; once everybody has ended.

        What a crash of an earlier farm left is recovered meanwhile, and is none of this one's.

        Raises:
            EpisodeError: a robot's record cannot be read.
        """
        episodes = [
            one
            for post in self.posts
            for one in recorded(post, self._episodes(post), self._before[post.name])
            if one.boot_id in self.robots[post.name].boots
        ]
        made = {name: standing.calls for name, standing in self.robots.items()}
        return balance(made, episodes, self._lists), episodes

    def _start_robot(self, post: Post) -> None:
        folder = self.out / post.name
        arguments = ["agent", "--announce", "--name", post.name, "--site", post.site]
        arguments += ["--scenario", post.scenario, "--seed", str(post.seed)]
        arguments += ["--port", str(post.port), "--state", str(folder / "state")]
        arguments += ["--episodes", str(self._episodes(post)), "--again", str(self._again_s)]
        arguments += ["--pictures", self._pictures] if self._pictures else []
        self._children[post.name] = Child.start(post.name, folder / "agent.log", arguments)
        watcher = credentials_for(keys_of(self.out, WATCHER), LOOPBACK, post.port)
        self._listeners[post.name] = Listener(STATE, watcher, LOOPBACK, post.port, STATES)

    def _forget(self, post: Post) -> None:
        """What did not start leaves nothing to the next try, nor what its robot remembered."""
        end_child(self._children.pop(post.name).process)
        self._listeners.pop(post.name).close()
        latch_path(self.out / post.name / "state", post.name).unlink(missing_ok=True)
        self.robots[post.name] = Standing(post)

    def _episodes(self, post: Post) -> Path:
        return self.out / post.name / "episodes"

    def _take_list(self, name: str, child: Child) -> None:
        while child.lines:
            line = child.lines.popleft()
            if name in self._lists:
                one = msgspec.json.decode(line, type=Served)
                self._lists[name].append(one)
                call = {"robot": one.call.robot, "call": one.call.number}
                self._tell({"event": "list", "by": name, **asdict(one), **call})

    def _note_death(self, name: str, child: Child) -> None:
        code = child.process.poll()
        robot = self.robots.get(name)
        if code is None or robot is None or robot.ended or not child.ready.is_set():
            return
        how = f"ended (exit code {code})"
        self.robots[name] = replace(robot, ended=how)
        self._tell({"event": "ended", "robot": name, "code": code, "why": child.last_words()})

    def _note_costs(self, stamp_ns: int) -> None:
        pids = {name: child.process.pid for name, child in self._children.items()}
        found = costs(pids.values())
        for name, robot in self.robots.items():
            now = found.get(pids.get(name, 0))
            if now is None or not self._children[name].ready.is_set():
                continue
            then_ns, then = self._costs.setdefault(name, (stamp_ns, now))
            busy = cores(then, now, stamp_ns - then_ns) if stamp_ns > then_ns else None
            self.robots[name] = replace(robot, cores=busy, megabytes=now.megabytes)


def set_log_level() -> None:
    """The children tell what happens in their logs, unless somebody wants it otherwise."""
    os.environ.setdefault("UNSTICK_LOG", "INFO")
