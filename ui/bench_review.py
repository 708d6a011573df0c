"""How fluently a long episode is scrubbed: real page, real files, real events. Linux counts cores.

`measure_review` opens the page on an episode (`ui.bench_episode`), then a hand drags the playhead
over the whole of it and back, 60 moves a second. How each figure is taken:

open    from the choice of the episode until its first picture is painted
stall   how much later than asked a timer of 4 ms fires in the window's thread
shown   from the move that asks for a row to the end of the paint that shows its picture; rows that
        a newer move overtakes before they are decoded are never shown, and `shown_hz` says how many
last    from the last move until the picture that it asked for is painted
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from ui.bench_episode import long_episode
from ui.errands import hand_over_quickly
from ui.review_page import ReviewPage
from ui.theme import dressed

MOVES_HZ: Final = 60
BEAT_MS: Final = 4
PATIENCE_MS: Final = 120_000
SIZE: Final = (1920, 1080)


@dataclass(frozen=True)
class ReviewFigures:
    """Milliseconds unless said."""

    episode_s: float
    open_ms: float
    open_stall_p99_ms: float
    open_stall_max_ms: float
    stall_p99_ms: float
    stall_max_ms: float
    shown_p50_ms: float
    shown_p99_ms: float
    shown_hz: float  # pictures painted a second while the hand moves
    last_ms: float
    cores: float  # of the window's process while the hand moves


def measure_review(
    seconds: float = 1800.0,
    drag_s: float = 10.0,
    size: tuple[int, int] = SIZE,
    root: Path | None = None,
) -> ReviewFigures:
    """Scrub through an episode of `seconds` for `drag_s` on a page of `size` px.

    `root` is a library with nothing but such an episode; by default one is made and removed.

    Raises:
        TimeoutError: nothing is shown within two minutes.
        OSError: there is no room for the episode.
    """
    hand_over_quickly()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    with tempfile.TemporaryDirectory(prefix="unstick-bench-") as name:
        library = root or Path(name)
        if root is None:
            long_episode(library, seconds)
        page = ReviewPage(library, dressed(app))
        page.resize(*size)
        page.show()
        hand = _Hand(page)
        try:
            return hand.scrub(drag_s)
        finally:
            hand.heart.stop()
            page.close_page()
            page.deleteLater()


class _Heart:
    """Beats in the window's thread, and notes how late it was."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self._due_ns = 0
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self.late_ms = []
        self._due_ns = now_ns() + BEAT_MS * NS_PER_MS
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _beat(self) -> None:
        now = now_ns()
        self.late_ms.append(max(0.0, (now - self._due_ns) / NS_PER_MS))
        self._due_ns = now + BEAT_MS * NS_PER_MS


class _Hand(QObject):
    """Drags the playhead, and sees what is painted."""

    def __init__(self, page: ReviewPage) -> None:
        super().__init__()
        self.heart = _Heart()
        self._page = page
        self._asked_ns: dict[int, int] = {}  # by row, of those that are not shown yet
        self._row = -1  # of the picture that will be painted next
        self._painted_row = -1
        self._newest = -1  # row that was asked for last
        self.shown_ms: list[float] = []
        page.desk.pictured.connect(self._pictured)
        page.pair.recorded.installEventFilter(self)

    def scrub(self, drag_s: float) -> ReviewFigures:
        """Open, drag there and back, let go."""
        page = self._page
        self.heart.start()
        began = now_ns()
        page.shown()
        _until(lambda: self._painted_row >= 0)
        open_ms = (now_ns() - began) / NS_PER_MS
        opened = page.opened
        assert opened is not None
        _until(lambda: page.replayed is not None)
        open_late = self.heart.late_ms
        self._asked_ns.clear()
        self.shown_ms.clear()
        area = page.lanes.lane_area()
        moves = round(drag_s * MOVES_HZ)
        way = np.concatenate((np.linspace(0, 1, moves // 2), np.linspace(1, 0, moves - moves // 2)))
        xs = iter((area.left() + area.width() * way).tolist())
        self._send(QEvent.Type.MouseButtonPress, area.left())
        timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=round(1000 / MOVES_HZ))
        ended: list[int] = []

        def move() -> None:
            x = next(xs, None)
            if x is None:
                timer.stop()
                ended.append(now_ns())
            else:
                self._send(QEvent.Type.MouseMove, x)

        timer.timeout.connect(move)
        self.heart.start()
        began, spent_s = now_ns(), _spent_s()
        timer.start()
        _until(lambda: bool(ended))
        took_s = (ended[0] - began) / NS_PER_S
        cores, shown = (_spent_s() - spent_s) / took_s, list(self.shown_ms)
        late = list(self.heart.late_ms)
        last = opened.tape.row_at(page.playback.at_s)
        _until(lambda: self._painted_row == last)
        return ReviewFigures(
            episode_s=opened.tape.length_s,
            open_ms=open_ms,
            open_stall_p99_ms=float(np.percentile(open_late, 99)),
            open_stall_max_ms=max(open_late),
            stall_p99_ms=float(np.percentile(late, 99)),
            stall_max_ms=max(late),
            shown_p50_ms=float(np.percentile(shown, 50)),
            shown_p99_ms=float(np.percentile(shown, 99)),
            shown_hz=len(shown) / took_s,
            last_ms=max(0.0, (now_ns() - ended[0]) / NS_PER_MS),
            cores=cores,
        )

    def _send(self, kind: QEvent.Type, x: float) -> None:
        lanes, left = self._page.lanes, Qt.MouseButton.LeftButton
        at = QPointF(x, lanes.height() / 2)
        button = left if kind == QEvent.Type.MouseButtonPress else Qt.MouseButton.NoButton
        event = QMouseEvent(
            kind, at, QPointF(lanes.mapToGlobal(at)), button, left, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(lanes, event)
        if self._page.opened is not None:
            row = self._page.opened.tape.row_at(self._page.playback.at_s)
            if row != self._newest:
                self._newest = row
                self._asked_ns[row] = now_ns()

    def _pictured(self, _folder: str, camera: str, row: int, _image: object) -> None:
        if camera == self._page.pair.camera:
            self._row = row

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._row != self._painted_row:
            assert isinstance(watched, QWidget)
            watched.removeEventFilter(self)
            QApplication.sendEvent(watched, event)
            watched.installEventFilter(self)
            self._painted_row = self._row
            asked = self._asked_ns.pop(self._row, None)
            if asked is not None:
                self.shown_ms.append((now_ns() - asked) / NS_PER_MS)
            return True
        return False


def _until(true: Callable[[], bool]) -> None:
    """Let the window work until `true()` holds."""
    loop, looks = QEventLoop(), QTimer(interval=2)
    looks.timeout.connect(lambda: loop.quit() if true() else None)
    QTimer.singleShot(PATIENCE_MS, loop, loop.quit)
    looks.start()
    loop.exec()
    looks.stop()
    if not true():
        raise TimeoutError("The review shows nothing.")


def _spent_s() -> float:
    """Processor time of this process."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
