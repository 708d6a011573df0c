"""`unstick validate` over a data set of our own is killed, and goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recorder.driven import Driven
from recorder.export_lerobot import export_lerobot
from recorder.library import list_episodes, open_episode
from recorder.validate import validate
from teleop.replay_jobs import answer_of
from tests.unit.recorder_support import Rover, record

EPISODES = 20
# The rover of these episodes is no robot that a worker knows, so it is made known to every process
# that starts: Python imports `sitecustomize` by itself. A replay takes long enough to be killed in.
ROVER = """
def known():
    import time
    from recorder.driven import Driven
    from teleop import replay_robots
    from tests.unit.recorder_support import Rover

    class Slow(Rover):
        def restore(self, state):
            time.sleep(0.002)
            super().restore(state)

    replay_robots.ROBOTS["rover"] = lambda *_: Driven(Slow())

import sys
if "replay-worker" in sys.orig_argv:
    known()
"""


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Path, Path]:
    """(library, data set) of twenty proved episodes."""
    library = tmp_path / "episodes"
    for number in range(EPISODES):
        record(library, drive=180 + number)
    for path in list_episodes(library):
        assert validate(open_episode(path), lambda _: Driven(Rover())).passed
    data_set = tmp_path / "set"
    export_lerobot([open_episode(path) for path in list_episodes(library)], data_set)
    return library, data_set


def test_a_run_that_was_killed_goes_on_and_gives_each_verdict_once(
    exported: tuple[Path, Path], tmp_path: Path
) -> None:
    library, data_set = exported
    journal = tmp_path / "set.verdicts.jsonl"
    custom = tmp_path / "custom"
    custom.mkdir()
    (custom / "sitecustomize.py").write_text(ROVER)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(custom), *sys.path]),
    }
    command = [sys.executable, "-m", "teleop", "validate", str(data_set), "--json"]
    command += ["--start", str(library), "--workers", "2"]

    killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while (done := lines(journal)) < 3:
        assert time.monotonic() < deadline, "no verdict within a minute"
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = lines(journal)
    assert 3 <= done < EPISODES
    before = journal.read_bytes()
    with journal.open("ab") as torn:  # what a kill in the middle of writing leaves
        torn.write(before.splitlines()[0][:100])

    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert len(report["verdicts"]) == EPISODES
    assert all(verdict["passed"] for verdict in report["verdicts"])
    kept = journal.read_bytes()
    assert kept.startswith(before)  # what was judged before was not judged again
    names = [answer_of(line).job.episode for line in kept.splitlines()]
    assert sorted(names) == list(range(EPISODES))

    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert journal.read_bytes() == kept
    assert json.loads(again.stdout)["verdicts"] == report["verdicts"]


def lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0
