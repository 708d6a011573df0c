"""A farm as a user runs it: real robots, real operators, and what it proves at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from recorder.episode import EndedBy
from recorder.library import list_episodes, open_episode
from recorder.segmenter import POST_ROLL_NS
from teleop.bench_load import family
from teleop.credentials import credentials_for
from tests.system.rig import children_of, command_of, is_alive, unstick, until
from transport.messages import Outcome

Event = dict[str, Any]


class Running:
    """`unstick farm --json` as a program has it."""

    def __init__(self, out: Path, *options: str) -> None:
        command = ["farm", "--port", "0", "--out", str(out), "--json", *options]
        self.errors = out.with_suffix(".err")
        with self.errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "teleop", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.events: list[Event] = []

    def next(self, kind: str) -> Event:
        """Read on until something of that kind happens."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == kind:
                return self.events[-1]
        raise AssertionError(f"it ended without {kind}: {self.errors.read_text()}")

    def all(self) -> list[int]:
        """Every process of it."""
        parents: dict[int, tuple[int, int]] = {}
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            for child in children_of(pid):
                parents[child] = (pid, 0)
                waiting.append(child)
        return sorted(family(self.process.pid, parents | {self.process.pid: (0, 0)}))

    def agent(self, name: str) -> int:
        """The pid of one robot's agent."""
        found = [p for p in children_of(self.process.pid) if f"--name {name} " in command_of(p)]
        assert len(found) == 1
        return found[0]

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60.0)


@contextmanager
def farm(out: Path, *options: str) -> Iterator[Running]:
    """A farm for the length of a test."""
    running = Running(out, *options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        assert running.process.stdout is not None
        running.process.stdout.close()


def check_promises(out: Path, events: list[Event], robots: int) -> Counter[str]:
    """No call lost, served twice or mislabelled, read off the robots' folders once more.

    Returns how often each robot called.
    """
    summary = events[-1]
    assert summary["event"] == "summary"
    assert summary["faults"] == []
    calls: Counter[str] = Counter()
    rescues: Counter[tuple[str, str, str]] = Counter()
    for number in range(1, robots + 1):
        name = f"rover-{number:02d}"
        for folder in list_episodes(out / name / "episodes"):
            episode = open_episode(folder)
            ending = episode.manifest.ending
            calls[name] += sum(label.kind == "call" for label in ending.labels)
            drivers = {label.by for label in ending.labels if label.kind == "takeover"}
            assert len(drivers) <= 1, f"{folder} was driven by {drivers}"
            if ending.ended_by is EndedBy.HAND_BACK:
                rescues[(name, ending.operator, ending.outcome)] += 1
    listed = Counter(
        (event["robot"], event["by"], event["outcome"])
        for event in events
        if event["event"] == "list" and event["end"] == "handed back"
    )
    assert listed == rescues, "what operators say is what robots have recorded"
    assert sum(calls.values()) == summary["calls"] == summary["recorded"]
    return calls


@pytest.mark.timeout(240)
def test_two_robots_are_served_go_on_and_every_call_is_accounted_for(tmp_path: Path) -> None:
    out = tmp_path / "farm"
    options = ("--robots", "2", "--operators", "1", "--seed", "3", "--timeout", "60")
    asked = ("--scenario", "high-centred", "--scenario", "loose-rug", "--minutes", "0.5")
    with farm(out, *options, *asked) as running:
        ready = running.next("ready")
        assert [robot["name"] for robot in ready["robots"]] == ["rover-01", "rover-02"]
        config = Path(ready["console"][-1])
        for robot in ready["robots"]:  # one console is paired with them all
            assert credentials_for(config, "127.0.0.1", robot["port"])
        pids = running.all()
        running.next("summary")
        assert running.process.wait(30.0) == 0, running.errors.read_text()
    assert [pid for pid in pids if is_alive(pid)] == [], "orphans"
    calls = check_promises(out, running.events, 2)
    handed_back = [e for e in running.events if e["event"] == "handed_back"]
    assert {event["outcome"] for event in handed_back} == {Outcome.SUCCESS}
    assert max(calls.values()) > 1, "a robot went on after its rescue, and called again"
    episodes = [open_episode(f) for f in list_episodes(out / "rover-01" / "episodes")]
    camera = episodes[0].manifest.cameras[0]
    assert (camera.width, camera.height) == (320, 240), "the record says how small pictures were"
    for episode in episodes:
        ending, last = episode.manifest.ending, list(episode.ticks())[-1]
        if ending.ended_by is EndedBy.HAND_BACK and last.events:
            assert last.events[-1].kind == "scene_reset"
            (back,) = [t for t in episode.ticks() if t.tick == ending.end_tick]
            assert last.stamp_ns - back.stamp_ns >= POST_ROLL_NS


@pytest.mark.timeout(240)
def test_a_robot_that_dies_is_told_the_other_goes_on_and_ctrl_c_leaves_nobody(
    tmp_path: Path,
) -> None:
    out = tmp_path / "farm"
    with farm(out, "--robots", "2", "--timeout", "5", "--scenario", "loose-rug") as running:
        running.next("ready")
        os.kill(running.agent("rover-01"), signal.SIGKILL)
        ended = running.next("ended")
        assert ended["robot"] == "rover-01"
        timed_out = running.next("timed_out")
        assert timed_out["robot"] == "rover-02"
        again = running.next("call")
        assert (again["robot"], again["call"]) == ("rover-02", timed_out["call"] + 1)
        pids = running.all()
        assert running.interrupt() == 0, running.errors.read_text()
        running.next("summary")
    until(lambda: not [pid for pid in pids if is_alive(pid)], "nobody is left")
    first = open_episode(list_episodes(out / "rover-02" / "episodes")[0]).manifest.ending
    assert first.ended_by is EndedBy.WITHDRAWN
    assert [label.kind for label in first.labels][-1] == "scene_reset"
    assert running.events[-1]["timed_out"] >= 1


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = unstick("farm", "--out", str(tmp_path))
    assert (done.returncode, (tmp_path / "thesis.txt").read_text()) == (2, "mine")
    assert "choose another folder with --out" in done.stderr


@pytest.mark.long
@pytest.mark.timeout(2700)
def test_four_robots_and_two_operators_for_half_an_hour(tmp_path: Path) -> None:
    out = tmp_path / "farm"
    with farm(out, "--robots", "4", "--operators", "2", "--minutes", "30") as running:
        summary = running.next("summary")
        code = running.process.wait(60.0)
    assert code == 0, f"{summary['faults']} {running.errors.read_text()}"
    calls = check_promises(out, running.events, 4)
    assert all(calls[f"rover-{number:02d}"] > 10 for number in range(1, 5)), calls
    assert set(summary["accepted"]) == {"op-1", "op-2"}
