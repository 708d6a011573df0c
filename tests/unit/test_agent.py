"""What a look of the agent at a child leads to; the child is a stand-in, time is passed in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from teleop import agent
from teleop.agent import LOOK_S, RESTARTS, START_S, Watched, looked_after
from teleop.child import EXIT_CONFIG, EXIT_FAILED
from teleop.heartbeat import Heartbeat
from teleop.liveness import Looks
from transport.clock import NS_PER_MS, NS_PER_S

LOOK_NS = round(LOOK_S * NS_PER_S)
START_NS = round(START_S * NS_PER_S)


class Process:
    """A child that does what the test says."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.killed = 0
        self.ready: Future[bool] = Future()

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.killed += 1


def ended(process: Process, patience_s: float = 0.0) -> int:
    return -9 if process.code is None else process.code


class Rig:
    """One child, looked at every 20 ms; `beat_ns` is what it proves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: bool) -> None:
        self.processes: list[Process] = []
        self.launched: list[list[str]] = []
        self.beat_ns = 0
        self.looks = Looks.begun(NS_PER_S)
        monkeypatch.setattr(agent, "start_child", self._start)
        monkeypatch.setattr(agent, "hear_ready", lambda process: process.ready)
        monkeypatch.setattr(agent, "end_child", ended)
        monkeypatch.setattr(agent, "now_ns", lambda: self.looks.last_ns)
        self.child = Watched("control", ["control"], again=["--restarted"], **options)
        self.child.launch()

    def _start(self, arguments: list[str]) -> Process:
        self.launched.append(arguments)
        self.processes.append(Process())
        return self.processes[-1]

    @property
    def process(self) -> Process:
        return self.processes[-1]

    def listen(self) -> None:
        self.process.ready.set_result(True)
        assert self.look() is None
        assert self.child.ready

    def look(self, after_ns: int = LOOK_NS) -> int | None:
        self.looks = self.looks.at(self.looks.last_ns + after_ns)
        return looked_after(self.child, self.beat_ns, self.looks)

    def tick(self) -> None:
        self.beat_ns = self.looks.last_ns
        assert self.look() is None

    def silence(self, ms: int) -> None:
        """Looks on time for `ms`, without a tick."""
        for _ in range(ms * NS_PER_MS // LOOK_NS):
            assert self.look() is None


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(monkeypatch, ticks=True)
    yield rig
    assert rig.child.pulse is not None
    rig.child.pulse.close()


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch, vital=False)


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [entry.message for entry in caplog.records if entry.levelno == level]


def test_control_is_told_where_to_prove_its_ticks_and_the_name_goes_once_it_knows(
    control: Rig,
) -> None:
    assert control.child.pulse is not None
    path = control.child.pulse.path
    assert control.launched == [["control", "--heartbeat", str(path)]]
    assert path.exists()
    control.listen()
    assert not path.exists()


def test_a_control_that_ticks_is_left_alone(control: Rig, caplog: pytest.LogCaptureFixture) -> None:
    control.listen()
    for _ in range(100):
        control.tick()
    assert control.process.killed == 0
    assert caplog.records == []


def test_a_late_control_is_warned_of_once_and_once_when_it_is_back(
    control: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    control.listen()
    control.tick()
    control.silence(160)
    control.tick()
    control.tick()
    assert said(caplog, logging.WARNING) == ["control is 120 ms late", "control is on time again"]
    control.silence(160)
    assert len(said(caplog, logging.WARNING)) == 3, "the next time is another episode"
    assert control.process.killed == 0


def test_a_control_that_hangs_is_killed_once_and_started_again_disarmed(
    control: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    assert control.child.pulse is not None
    heart = Heartbeat(control.child.pulse.path)
    control.listen()
    control.tick()
    control.silence(180)
    assert not heart.hold_asked()
    control.silence(20)
    assert heart.hold_asked(), "the motors first"
    assert control.process.killed == 0
    control.silence(100)
    assert control.process.killed == 1, "also while it takes its time to die"
    heart.close()
    assert said(caplog, logging.ERROR) == ["control has not ticked for 280 ms; killing it"]
    control.process.code = -9
    assert control.look() is None
    assert len(control.processes) == 2
    assert "--restarted" in control.launched[-1]
    assert control.launched[-1][-1] != control.launched[0][-1], "a dying one cannot beat for it"
    control.beat_ns = 0
    control.listen()
    control.tick()
    assert said(caplog, logging.WARNING)[-1] == "control was started again"
    assert control.process.killed == 0


def test_an_agent_that_was_late_itself_kills_nothing_and_looks_again(control: Rig) -> None:
    control.listen()
    control.tick()
    for _ in range(20):  # the machine stands still again and again
        control.look(after_ns=2 * NS_PER_S)
        control.silence(180)
        control.tick()
    assert control.process.killed == 0
    control.look(after_ns=2 * NS_PER_S)
    control.silence(300)
    assert control.process.killed == 1, "it had its 200 ms, and those to hold"


def test_a_control_that_was_given_up_is_killed_even_when_it_ticks_again(control: Rig) -> None:
    control.listen()
    control.tick()
    control.silence(200)
    for _ in range(3):
        control.tick()
    assert control.process.killed == 1


def test_before_the_first_tick_a_control_has_the_time_of_a_start(control: Rig) -> None:
    control.listen()
    for _ in range(START_NS // LOOK_NS - 2):
        control.look()
    assert control.process.killed == 0
    control.silence(100)
    assert control.process.killed == 1


def test_a_control_that_never_listens_fails_the_start(control: Rig) -> None:
    codes = [control.look() for _ in range(START_NS // LOOK_NS + 1)]
    assert codes[-1] == 1
    assert codes[:-1] == [None] * (len(codes) - 1)


@pytest.mark.parametrize(("died", "code"), [(EXIT_CONFIG, EXIT_CONFIG), (-9, 1), (1, 1)])
def test_a_child_that_dies_while_it_starts_ends_the_agent(
    control: Rig, died: int, code: int
) -> None:
    control.process.code = died
    assert control.look() == code


def test_a_media_that_dies_while_it_starts_for_the_first_time_ends_the_agent(media: Rig) -> None:
    media.process.code = EXIT_CONFIG
    assert media.look() == EXIT_CONFIG


def test_control_is_given_up_after_five_deaths_in_a_minute(control: Rig) -> None:
    for _ in range(RESTARTS):
        control.listen()
        control.process.code = EXIT_FAILED
        assert control.look() is None
    control.listen()
    control.process.code = EXIT_FAILED
    assert control.look() == 1


def test_media_is_never_given_up(media: Rig, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(RESTARTS):
        media.listen()
        media.process.code = EXIT_FAILED
        assert media.look() is None
    media.listen()
    media.process.code = EXIT_FAILED
    media.silence(1000)
    assert len(media.processes) == RESTARTS + 1
    media.look(after_ns=60 * NS_PER_S)
    assert len(media.processes) == RESTARTS + 2
    assert len([e for e in said(caplog, logging.ERROR) if "died" in e]) == RESTARTS + 1


def test_a_media_that_does_not_come_back_is_killed_and_tried_again(media: Rig) -> None:
    media.listen()
    media.process.code = EXIT_FAILED
    media.look()
    for _ in range(START_NS // LOOK_NS + 2):
        assert media.look() is None
    assert media.process.killed == 1
    media.process.code = -9
    assert media.look() is None
    assert len(media.processes) == 3


def test_media_proves_no_ticks_and_is_not_judged_by_any(media: Rig) -> None:
    media.listen()
    media.silence(10_000)
    assert media.process.killed == 0
    assert media.launched == [["control"]]
