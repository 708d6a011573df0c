"""What the window costs, with a real robot of this machine: part of `unstick bench console`.

    python -m ui.bench_console rows SECONDS     prints the rows, one JSON array
    python -m ui.bench_console open SPAWNED_NS  opens a window, prints the ns until its first paint

start   from the start of a new process until a usable window has painted itself
thread  processor time of the window's own thread, by the system's account
stall   how much later than asked a timer of 4 ms fires in the window's thread
frame   from accepting a call on the page of calls to the first picture painted on the page to drive
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication

from teleop.bench import Row, percentile, row
from teleop.both_ends import acquaint
from teleop.child import end_child, start_child
from teleop.glimpse import RobotGlimpse
from teleop.operator_link import OperatorLink
from teleop.station import Station
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.control_link import LOOPBACK, free_base_port
from ui.call_desk import Opened
from ui.main_window import MainWindow
from ui.no_robot import NoRobot
from ui.pages import Page
from ui.robot_pictures import RobotPictures
from ui.theme import dressed

STARTS: Final = 5
BEAT_MS: Final = 4
SIZE: Final = (1920, 1080)
CALL_S: Final = 60.0  # within which the robot gets stuck and calls
TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Painted(QObject):
    """Calls `first` when the window has painted itself for the first time."""

    def __init__(self, window: MainWindow, first: Callable[[], None]) -> None:
        super().__init__(window)
        self._first = first
        self._seen = False
        window.main_video.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and not self._seen:
            self._seen = True
            QTimer.singleShot(0, self._first)  # after the paint, and whatever else was waiting
        return False


def open_one(spawned_ns: int) -> None:
    """A window without a robot; prints how long it took since `spawned_ns`."""
    app = QApplication(sys.argv[:1])
    nobody = NoRobot()
    window = MainWindow(nobody, nobody, dressed(app))

    def painted() -> None:
        sys.stdout.write(f"{now_ns() - spawned_ns}\n")
        window.close()

    Painted(window, painted)
    window.open_here(SIZE)
    app.exec()


def cold_start_s() -> float:
    """Median of a few starts, each in a process of its own."""
    found = []
    for _ in range(STARTS):
        command = [sys.executable, "-m", "ui.bench_console", "open", str(now_ns())]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(int(done.stdout.split()[-1]) / NS_PER_S)
    return median(found)


class Beat:
    """A timer in the window's thread, and how late it was."""

    def __init__(self, parent: QObject) -> None:
        self.late_ms: list[float] = []
        self._due_ns = 0
        self._timer = QTimer(parent)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def begin(self) -> None:
        """Count from here."""
        self.late_ms, self._due_ns = [], now_ns()
        self._timer.start()

    def end(self) -> None:
        """Count no more."""
        self._timer.stop()

    def _beat(self) -> None:
        stamp_ns = now_ns()
        if self._due_ns:
            self.late_ms.append(max(0.0, (stamp_ns - self._due_ns) / NS_PER_MS - BEAT_MS))
        self._due_ns = stamp_ns


def thread_s() -> float:
    """Processor time of the calling process's first thread, the window's (Linux)."""
    pid = os.getpid()
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb() -> float:
    """Resident memory of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def turn(seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
    """Let the window work; whether `until` came true meanwhile."""
    loop, deadline_ns = QEventLoop(), now_ns() + round(seconds * NS_PER_S)
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if until() or now_ns() > deadline_ns else None)
    timer.start(BEAT_MS)
    loop.exec()
    return until()


def measured(seconds: float) -> Iterator[Row]:
    """All rows."""
    yield row("cold start to a usable window", cold_start_s(), "s", at_most=1.5)
    with tempfile.TemporaryDirectory(prefix="unstick-bench-") as folder:
        keys, port = Path(folder), free_base_port()
        acquaint(keys / "robot", keys / "console", f"{LOOPBACK}:{port}", "op-1")
        options = ["--port", str(port), "--state", str(keys / "robot"), "--silent"]
        options += ["--episodes", str(keys / "episodes")]
        agent = start_child(["agent", "--announce", *options])
        try:
            yield from _with_robot(keys / "console", seconds)
        finally:
            end_child(agent, patience_s=30.0)


def _with_robot(config: Path, seconds: float) -> Iterator[Row]:
    app = QApplication(sys.argv[:1])
    station = Station(config)

    def opened(robot: RobotGlimpse) -> Opened:
        host, _, port = robot.address.rpartition(":")
        link = OperatorLink(station.credentials(robot), host, int(port))
        link.start()
        return Opened(link, RobotPictures(link.video))

    nobody = NoRobot()
    window = MainWindow(nobody, nobody, dressed(app))
    window.open_here(SIZE)
    station.start()
    window.serve(station, opened, "")
    window.show_page(Page.CALLS)
    beat = Beat(window)
    try:
        yield from _rows(window, beat, seconds)
    finally:
        window.close()
        window.robot.video.close()
        window.robot.link.close()
        station.close()


def _rows(window: MainWindow, beat: Beat, seconds: float) -> Iterator[Row]:
    desk = window.frame.desk
    assert desk is not None
    if not turn(CALL_S, lambda: desk.shown != "" and bool(desk.fleet.calls)):
        yield row("call accepted to first picture (no robot called)", None, "ms", at_most=700)
        return
    turn(2.0)  # somebody has looked at the call for a moment
    began_ns, before = now_ns(), window.main_video.feed.painted
    desk.accept()
    main = window.main_video
    turn(5.0, lambda: window.page is Page.DRIVE and main.feed.painted > before)
    frame_ms = (now_ns() - began_ns) / NS_PER_MS
    yield row("call accepted to first picture", frame_ms, "ms", at_most=700)
    for page in (Page.DRIVE, Page.FLEET):
        window.show_page(page)
        turn(3.0)
        used_s, began_ns = thread_s(), now_ns()
        beat.begin()
        turn(seconds)
        beat.end()
        share = 100 * (thread_s() - used_s) / ((now_ns() - began_ns) / NS_PER_S)
        name = f"{page.value}, {seconds:.0f} s"
        yield row(f"{name}: window's thread", share, "% of a core", at_most=15)
        yield row(f"{name}: stall p99", percentile(beat.late_ms, 99), "ms", at_most=16)
        yield row(f"{name}: longest stall", max(beat.late_ms, default=None), "ms", at_most=100)
    first_mb = memory_mb()
    turn(seconds)
    yield row(f"memory, {seconds:.0f} s later", memory_mb() / first_mb, "x", at_most=1.1)


if __name__ == "__main__":
    if sys.argv[1] == "open":
        open_one(int(sys.argv[2]))
    else:
        rows = list(measured(float(sys.argv[2])))
        sys.stdout.buffer.write(msgspec.json.encode(rows) + b"\n")
