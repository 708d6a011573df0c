"""Processes behind a window: what they say, how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from ui.chore import Chore

PATIENCE_MS = 30_000
SAYS = """
import sys
for done in range(3):
    print('{"done": %d, "of": 3}' % (done + 1), file=sys.stderr, flush=True)
print("a result")
print("unstick: something odd", file=sys.stderr)
sys.exit(2)
"""
TIDIES = """
import pathlib, signal, sys, time
def leave(*_):
    pathlib.Path(sys.argv[1]).write_text("tidy")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print('{"done": 1, "of": 1}', file=sys.stderr, flush=True)
time.sleep(600)
"""


@pytest.fixture
def chore() -> Iterator[Chore]:
    made = Chore((sys.executable, "-c"))
    yield made
    made.close()


def test_steps_result_and_complaint_arrive_apart(chore: Chore, qtbot: QtBot) -> None:
    steps: list[tuple[int, int]] = []
    chore.stepped.connect(lambda done, of: steps.append((done, of)))
    with qtbot.waitSignal(chore.ended, timeout=PATIENCE_MS) as ended:
        chore.start(SAYS)
    assert ended.args == [2, "a result\n", "something odd"]
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert not chore.runs


def test_one_that_is_dropped_tidies_up_and_tells_nothing(
    chore: Chore, qtbot: QtBot, tmp_path: Path
) -> None:
    told: list[object] = []
    chore.ended.connect(lambda *said: told.append(said))
    with qtbot.waitSignal(chore.stepped, timeout=PATIENCE_MS):
        chore.start(TIDIES, str(tmp_path / "left"))
    chore.drop()
    qtbot.waitUntil((tmp_path / "left").exists, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not chore._leaving, timeout=PATIENCE_MS)
    assert told == []


def test_one_that_cannot_be_started_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    chore = Chore((str(tmp_path / "none"),))
    with qtbot.waitSignal(chore.ended, timeout=PATIENCE_MS) as ended:
        chore.start()
    assert ended.args is not None
    assert ended.args[0] == -1
    assert ended.args[2].startswith("It cannot be started")


@pytest.mark.skipif(sys.platform == "win32", reason="niceness is not Windows'")
def test_it_goes_behind_the_window(qtbot: QtBot) -> None:
    asks = "import os; from teleop.child import give_way; give_way(3); print(os.nice(0))"
    chore = Chore((sys.executable, "-c"))
    before = os.nice(0)
    with qtbot.waitSignal(chore.ended, timeout=PATIENCE_MS) as ended:
        chore.start(asks)
    assert ended.args is not None
    assert int(ended.args[1]) == before + 3
    assert os.nice(0) == before
