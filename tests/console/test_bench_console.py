"""What `unstick bench console` measures with: a window that opens, a beat that notices a stall."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pytestqt.qtbot import QtBot

from tests.console.support import Console
from transport.clock import NS_PER_MS, now_ns
from ui.bench_console import BEAT_MS, Beat, thread_s, turn


def test_a_new_process_says_when_its_window_has_painted_itself() -> None:
    spawned_ns = now_ns()
    done = subprocess.run(
        [sys.executable, "-m", "ui.bench_console", "open", str(spawned_ns)],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert 0 < int(done.stdout.split()[-1]) <= now_ns() - spawned_ns


def test_a_stall_of_the_windows_thread_is_noticed(console: Console, qtbot: QtBot) -> None:
    beat = Beat(console.window)
    beat.begin()
    turn(0.05)
    until_ns = now_ns() + 80 * NS_PER_MS
    while now_ns() < until_ns:
        pass
    turn(0.05)
    beat.end()
    assert max(beat.late_ms) >= 80 - 2 * BEAT_MS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_the_threads_own_work_is_counted() -> None:
    before = thread_s()
    until_ns = now_ns() + 200 * NS_PER_MS
    while now_ns() < until_ns:
        pass
    assert thread_s() > before


@pytest.mark.long
def test_the_whole_bench_has_its_rows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "teleop", "bench", "console", "--seconds", "3", "--json"],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert "call accepted to first picture" in done.stdout
    assert '"value":null' not in done.stdout
