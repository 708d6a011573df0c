"""Draws the review of a library to PNG files: `python -m tests.console.review_shots LIBRARY OUT
[PERCENT]`, with text of this size.

Not a test: the pictures are for looking at. The library should hold episodes of a demo, whose robot
can be replayed and drawn here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from ui.review_page import ReviewPage
from ui.review_window import ReviewWindow
from ui.theme import Theme, dressed

SIZES = ((1920, 1080), (1280, 800), (3840, 2160))
LOOK_MS = 20
PATIENCE_MS = 300_000  # for a replay and its pictures


def draw(theme: Theme, root: Path, out: Path, size: tuple[int, int], *, light: bool) -> None:
    """Every episode of the first page, with the playhead on the first difference."""
    theme.choose(Qt.ColorScheme.Light if light else Qt.ColorScheme.Dark)
    window = ReviewWindow(root, theme)
    window.resize(*size)
    window.show()
    page = window.page
    until(lambda: bool(page.library.model.listed))
    tone = "light" if light else "dark"
    for number, one in enumerate(page.library.model.listed):
        page.library.choose(number)
        until(partial(shows, page, one.folder))
        until(lambda: page.replayed is not None)
        page.seek(page.playback.length_s * 0.7)
        until(
            lambda: (
                page.pair.replay_view.image is not None or bool(page.pair.replay_view.face.missing)
            )
        )
        QTest.qWait(1500)  # lint, thumbnails
        name = f"{size[0]}-{tone}-{number}-{one.verdict or 'none'}.png"
        window.grab().save(str(out / name))
        print(name)
    sheets(page, out, f"{size[0]}-{tone}")
    if page._layout.compact:
        page.pages.choose(1)
        QTest.qWait(200)
        window.grab().save(str(out / f"{size[0]}-{tone}-inspector.png"))
    window.close()
    window.deleteLater()


def sheets(page: ReviewPage, out: Path, name: str) -> None:
    """What asks before something goes out of the library."""
    page.export()
    QTest.qWait(100)
    page.window().grab().save(str(out / f"{name}-export.png"))
    page.leave_field()
    page.forget()
    until(page.forget_sheet.go.isEnabled)
    page.window().grab().save(str(out / f"{name}-forget.png"))
    page.leave_field()


def shows(page: ReviewPage, folder: str) -> bool:
    """Whether this episode is the one that is shown."""
    return page.opened is not None and page.opened.path.name == folder


def until(true: Callable[[], bool]) -> None:
    """Let the window work until `true()` holds."""
    for _ in range(PATIENCE_MS // LOOK_MS):
        if true():
            return
        QTest.qWait(LOOK_MS)
    raise SystemExit("it took too long")


def main() -> None:
    root, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    theme = dressed(QApplication([]))
    if len(sys.argv) > 3:
        theme.scale(int(sys.argv[3]))
    for size in SIZES:
        for light in (False, True):
            draw(theme, root, out, size, light=light)


if __name__ == "__main__":
    main()
