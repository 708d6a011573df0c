"""Two real processes pair over real sockets, and everything that must keep them from it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from teleop.both_ends import acquaint
from teleop.cli import app
from teleop.credentials import credentials_for
from teleop.doctor import key_check
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, ROBOT_KEY, KnownRobots, load, load_or_make
from teleop.pairing import TRIES, Link, parse_link
from teleop.public_key import fingerprint
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from tests.system.rig import HANG_S, agent, command_of, unstick, until
from transport.channels import PAIRING, REQUESTS
from transport.control_link import LOOPBACK, Asker, Trouble, free_base_port
from transport.curve import Credentials, new_key_pair
from transport.messages import Role

WRONG = "00000000"  # the one code in a hundred million that a test must not meet


class Ended(Exception):
    """A process left before it said what was waited for."""


class Process:
    """One end of a pairing, as a person starts it; its steps are read as JSON."""

    def __init__(self, *arguments: str, stdin: int = subprocess.PIPE) -> None:
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in close()
        self.steps: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "teleop", "pair", "--json", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
            env={**os.environ, "UNSTICK_LOG": "DEBUG"},
        )

    def step(self, event: str) -> dict[str, Any]:
        """The next step, which must be `event`."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Ended(self.error())
        self.steps.append(json.loads(line))
        assert self.steps[-1]["event"] == event, self.steps
        return self.steps[-1]

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def code(self) -> int:
        """The exit code, once it has left by itself."""
        return self.process.wait(HANG_S)

    def error(self) -> str:
        """What a person has read so far."""
        self.said.seek(0)
        return self.said.read()

    def close(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.said):
            if stream is not None:
                stream.close()


class Place:
    """A robot and an operator's machine, each with folders of its own."""

    def __init__(self, root: Path) -> None:
        self.state, self.config = root / "robot", root / "console"
        self.port = free_base_port()
        self.roster = RosterFile(self.state / AUTHORIZED_KEYS)
        self.known = KnownRobots(self.config / KNOWN_ROBOTS)
        self._open: list[Process] = []

    def robot(self, *more: str, stdin: int = subprocess.PIPE) -> Process:
        """`unstick pair` on the robot."""
        options = ["--state", str(self.state), "--port", str(self.port), "--host", LOOPBACK]
        return self._started(*options, *more, stdin=stdin)

    def console(self, link: str, *more: str, config: Path | None = None) -> Process:
        """`unstick pair LINK` on the operator's machine."""
        return self._started(link, "--config", str(config or self.config), "--name", "anna", *more)

    def _started(self, *arguments: str, stdin: int = subprocess.PIPE) -> Process:
        process = Process(*arguments, stdin=stdin)
        self._open.append(process)
        return process

    def names(self) -> list[str]:
        """Whom the robot admits."""
        return [member.name for member in self.roster.read().members]

    def close(self) -> None:
        """End what still runs."""
        for process in self._open:
            process.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@contextmanager
def asked(place: Place, *robot_options: str) -> Iterator[tuple[Process, Process]]:
    """Both ends, up to where the person at the robot has to decide."""
    robot = place.robot(*robot_options)
    opened = robot.step("open")
    console = place.console(opened["link"])
    console.type(opened["code"])
    yield robot, console


def test_a_right_code_and_a_yes_make_both_known_to_each_other_in_private_files(
    place: Place,
) -> None:
    with asked(place, "--role", "supervisor", "--robot", "rover-07") as (robot, console):
        words = robot.step("asking")["words"]
        assert console.step("asking")["words"] == words
        for said in (robot.error(), console.error()):  # what people read and compare
            assert words in said
            assert robot.steps[0]["words"] in said
        assert robot.steps[0]["link"] in robot.error(), "on one line, to be copied"
        assert place.names() == [], "before a person has said yes"
        robot.type("y")
        assert console.code() == 0, console.error()
        assert robot.code() == 0, robot.error()
    own = load(place.config / CONSOLE_KEY)
    robots_own = load(place.state / ROBOT_KEY)
    assert own is not None
    assert robots_own is not None
    (member,) = place.roster.read().members
    assert (member.key, member.name, member.role) == (own.public, "anna", Role.SUPERVISOR)
    pinned = place.known.at(f"{LOOPBACK}:{place.port}")
    assert pinned is not None
    assert (pinned.key, pinned.name) == (robots_own.public, "rover-07")
    assert words == fingerprint(own.public)
    assert robot.steps[0]["words"] == fingerprint(robots_own.public)
    for folder in (place.state / "keys", place.config / "keys"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
        assert len(modes) == 2
        assert set(modes.values()) == {0o600}, modes


def test_no_secret_is_ever_shown_logged_or_in_a_command_line(place: Place) -> None:
    with asked(place) as (robot, console):
        robot.step("asking")
        console.step("asking")
        lines = command_of(robot.process.pid) + command_of(console.process.pid)
        robot.type("y")
        assert (robot.code(), console.code()) == (0, 0)
    canaries = []
    for path in (place.state / ROBOT_KEY, place.config / CONSOLE_KEY):
        pair = load(path)
        assert pair is not None
        canaries.append(pair.secret)
    shown = robot.error() + console.error() + lines + json.dumps(robot.steps + console.steps)
    for process in (robot, console):
        assert process.process.stdout is not None
        shown += process.process.stdout.read()
    assert robot.steps[0]["link"] in lines, "the right command lines were looked at"
    for canary in canaries:
        assert canary not in shown
    assert robot.steps[0]["code"] not in console.error() + lines


@pytest.mark.parametrize("answer", ["", "what?"])
def test_anything_but_a_yes_lets_nobody_in(place: Place, answer: str) -> None:
    with asked(place) as (robot, console):
        robot.step("asking")
        robot.type(answer)
        assert robot.code() == 1
        assert console.code() == 1
        assert "said no" in console.error()
    assert place.names() == []
    assert place.known.read() == ()


def test_nobody_at_the_robots_keyboard_is_a_no(place: Place) -> None:
    robot = place.robot()
    assert robot.process.stdin is not None
    robot.process.stdin.close()
    opened = robot.step("open")
    console = place.console(opened["link"], "--code", opened["code"])
    assert (robot.code(), console.code()) == (1, 1)
    assert place.names() == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of the POSIX kind")
def test_a_yes_typed_before_the_question_is_no_answer_to_it(place: Place) -> None:
    keyboard, terminal = os.openpty()
    try:
        robot = place.robot(stdin=terminal)
        opened = robot.step("open")
        os.write(keyboard, b"y\n")
        console = place.console(opened["link"], "--code", opened["code"])
        robot.step("asking")
        os.write(keyboard, b"n\n")
        assert (robot.code(), console.code()) == (1, 1)
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert place.names() == []


def test_after_a_wrong_code_the_right_one_may_be_typed(place: Place) -> None:
    robot = place.robot()
    opened = robot.step("open")
    console = place.console(opened["link"])
    console.type(WRONG)
    assert robot.step("wrong code")["tried"] == 1
    console.type(opened["code"])
    robot.step("asking")
    robot.type("y")
    assert (robot.code(), console.code()) == (0, 0)
    assert f"{TRIES - 1} tries are left" in console.error()


@pytest.mark.long
def test_five_wrong_codes_close_the_pairing_for_the_right_one_too(place: Place) -> None:
    robot = place.robot()
    opened = robot.step("open")
    for tried in range(1, TRIES + 1):
        console = place.console(opened["link"], "--code", WRONG)
        assert robot.step("wrong code")["tried"] == tried
        assert console.code() == 1
    assert robot.code() == 1
    assert "5 wrong codes" in robot.error()
    late = place.console(opened["link"], "--code", opened["code"])
    assert late.code() == 2
    assert "unstick pair" in late.error()
    assert place.names() == []


def test_a_link_with_another_robots_key_is_told_apart_from_no_robot(place: Place) -> None:
    opened = place.robot().step("open")
    honest = parse_link(opened["link"])
    forged = Link(honest.host, honest.port, new_key_pair().public)
    console = place.console(str(forged), "--code", opened["code"])
    assert console.code() == 2
    assert "another key" in console.error()
    assert place.known.read() == ()


def test_a_second_console_cannot_use_the_code_that_was_used(place: Place, tmp_path: Path) -> None:
    with asked(place) as (robot, console):
        robot.step("asking")
        code, link = robot.steps[0]["code"], robot.steps[0]["link"]
        second = place.console(link, "--code", code, config=tmp_path / "other")
        assert second.code() == 1
        assert "Somebody else" in second.error()
        robot.type("y")
        assert (robot.code(), console.code()) == (0, 0)
    assert place.names() == ["anna"]


def test_ctrl_c_at_the_robot_tells_the_operator(place: Place) -> None:
    with asked(place) as (robot, console):
        robot.step("asking")
        console.step("asking")
        robot.process.send_signal(2)
        assert robot.code() == 130
        assert console.code() == 1
        assert "closed at the robot" in console.error()
    assert place.names() == []


def test_a_name_and_a_role_chosen_at_the_robot_count(place: Place) -> None:
    with asked(place, "--name", "Anna Smith", "--role", "observer") as (robot, console):
        robot.step("asking")
        robot.type("y")
        paired = console.step("asking") and console.step("paired")
        assert (paired["name"], paired["role"]) == ("Anna Smith", "observer")
        assert robot.code() == 0
    assert place.names() == ["Anna Smith"]


def test_pairing_again_changes_the_role_of_the_same_key(place: Place) -> None:
    for role in ("observer", "supervisor"):
        with asked(place, "--role", role) as (robot, console):
            robot.step("asking")
            robot.type("y")
            assert (robot.code(), console.code()) == (0, 0)
    (member,) = place.roster.read().members
    assert member.role is Role.SUPERVISOR


def test_a_name_of_somebody_else_is_refused_before_anybody_is_asked(
    place: Place, tmp_path: Path
) -> None:
    with asked(place) as (robot, console):
        robot.step("asking")
        robot.type("y")
        assert (robot.code(), console.code()) == (0, 0)
    opened = place.robot().step("open")
    other = place.console(opened["link"], "--code", opened["code"], config=tmp_path / "other")
    assert other.code() == 1
    assert "another name" in other.error()


@pytest.mark.parametrize("which", [ROBOT_KEY, AUTHORIZED_KEYS])
def test_a_file_at_the_robot_that_others_could_read_is_refused(place: Place, which: Path) -> None:
    load_or_make(place.state / ROBOT_KEY)
    path = place.state / which
    path.touch()
    path.chmod(0o644)
    done = unstick("pair", "--state", str(place.state), "--port", str(place.port))
    assert done.returncode == 2
    assert f"chmod 600 {path}" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("which", [CONSOLE_KEY, KNOWN_ROBOTS])
def test_a_file_at_the_console_that_others_could_read_is_refused(place: Place, which: Path) -> None:
    load_or_make(place.config / CONSOLE_KEY)
    path = place.config / which
    path.touch()
    path.chmod(0o644)
    link = str(Link(LOOPBACK, place.port, new_key_pair().public))
    done = unstick("pair", link, "--config", str(place.config), "--code", WRONG)
    assert done.returncode == 2
    assert f"chmod 600 {path}" in done.stderr


def test_two_pairings_at_one_robot_say_that_one_is_open(place: Place) -> None:
    place.robot().step("open")
    second = place.robot()
    assert second.code() == 2
    assert str(place.port + PAIRING.offset) in second.error()
    assert "another window" in second.error()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "teleop://HOST:PORT#KEY"),
        (["teleop://127.0.0.1:7600#short"], "43 characters"),
        (["--code", WRONG], "the robot's link"),
        (["--role", "boss"], "observer"),
    ],
)
def test_wrong_use_is_answered_with_the_right_one(arguments: list[str], said: str) -> None:
    done = unstick("pair", *arguments)
    assert done.returncode == 2
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


@contextmanager
def knocking(credentials: Credentials, port: int) -> Iterator[Asker]:
    """A console's connection to a robot."""
    asker = Asker(REQUESTS, credentials, LOOPBACK, port)
    try:
        yield asker
    finally:
        asker.close()


def meets(expected: Trouble | None, credentials: Credentials, port: int) -> None:
    """Wait until a new connection comes to this; how fast a change counts, test_roster.py tells.

    Each time a new one: who knocked before the robot looked at its list again stays connected, and
    gets no answers.
    """

    def comes_to_it() -> bool:
        with knocking(credentials, port) as asker:
            deadline = time.monotonic() + 2.0
            while asker.trouble is not expected and time.monotonic() < deadline:
                time.sleep(0.01)
            return asker.trouble is expected

    until(comes_to_it, f"{expected or 'the way in'}")


def test_a_running_agent_lets_a_new_key_in_and_out_again(place: Place, tmp_path: Path) -> None:
    with agent(tmp_path / "episodes") as running:
        place.state, place.port = running.state, running.port
        known = running.admit("op-1")
        meets(None, known, running.port)
        stranger = Credentials(load_or_make(place.config / CONSOLE_KEY), known.robot)
        meets(Trouble.NOT_PAIRED, stranger, running.port)
        with asked(place) as (robot, console):
            robot.step("asking")
            robot.type("y")
            assert console.code() == 0
        paired = credentials_for(place.config, LOOPBACK, running.port)
        assert paired == stranger, "the pinned robot is this one"
        meets(None, paired, running.port)
        revoked = unstick("keys", "revoke", "anna", "--state", str(running.state))
        assert revoked.returncode == 0
        meets(Trouble.NOT_PAIRED, paired, running.port)
        meets(None, known, running.port)


# --- keys ---


@pytest.fixture
def paired(place: Place) -> Place:
    acquaint(place.state, place.config, f"{LOOPBACK}:{place.port}", "anna")
    return place


def keys(command: str, *options: str | Path) -> str:
    """Standard output of `unstick keys …`, in this process."""
    done = CliRunner().invoke(app, ["keys", command, *map(str, options)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_keys_are_listed_revoked_and_forgotten(paired: Place) -> None:
    state, config = ("--state", paired.state), ("--config", paired.config)
    own = json.loads(keys("show", *state, *config, "--json"))["own"]
    (member,) = json.loads(keys("list", *state, "--json"))["members"]
    (robot,) = json.loads(keys("robots", *config, "--json"))["robots"]
    assert {one["as"]: one["words"] for one in own} == {
        "robot": robot["words"],
        "console": member["words"],
    }
    assert (member["name"], member["role"]) == ("anna", "operator")
    assert robot["address"] == f"{LOOPBACK}:{paired.port}"

    for name, words in (("list", member["words"]), ("show", member["words"])):
        assert words in keys(name, *state, *(config if name == "show" else ()))
    assert robot["words"] in keys("robots", *config)

    keys("revoke", "Anna", *state)
    keys("forget", robot["address"], *config)
    assert json.loads(keys("list", *state, "--json")) == {"members": []}
    assert json.loads(keys("robots", *config, "--json")) == {"robots": []}
    assert "unstick pair" in keys("list", *state)
    assert "unstick pair" in keys("robots", *config)


def test_no_secret_is_listed(paired: Place) -> None:
    state, config = ("--state", paired.state), ("--config", paired.config)
    shown = keys("show", *state, *config) + keys("show", *state, *config, "--json")
    shown += keys("list", *state, "--json") + keys("robots", *config, "--json")
    for path in (paired.state / ROBOT_KEY, paired.config / CONSOLE_KEY):
        pair = load(path)
        assert pair is not None
        assert pair.public in shown
        assert pair.secret not in shown


def test_what_cannot_be_revoked_or_forgotten_is_answered_with_what_there_is(paired: Place) -> None:
    done = unstick("keys", "revoke", "ben", "--state", str(paired.state))
    assert (done.returncode, "anna" in done.stderr) == (2, True)
    done = unstick("keys", "forget", "10.0.0.9:7600", "--config", str(paired.config))
    assert (done.returncode, f"{LOOPBACK}:{paired.port}" in done.stderr) == (2, True)


def test_the_doctor_names_a_file_of_keys_that_others_can_read(
    paired: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.doctor.default_state", lambda: paired.state)
    monkeypatch.setattr("teleop.doctor.default_config", lambda: paired.config)
    assert key_check().found == "as robot: admits 1, as console: knows 1"
    (paired.state / ROBOT_KEY).chmod(0o644)
    assert not key_check().ok
    assert f"chmod 600 {paired.state / ROBOT_KEY}" in key_check().advice
