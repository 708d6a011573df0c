"""`python -m ui.review LIBRARY`: episodes beside their replay; `unstick review` starts it."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from ui.app import INTERRUPTED, SIGNAL_MS, NoWindow, check_display, check_qt, check_x11

EXIT_CONFIG = 2
FIRST_SIZE = (1920, 1080)


def run_review(root: Path) -> int:
    """Show the review of the library at `root` until its window is closed; the exit code.

    Raises:
        NoWindow: no window can be opened here.
    """
    interrupted: list[int] = []

    def end(number: int, _frame: object) -> None:
        interrupted.append(number)

    # Before there is a window: in an override Qt would print a KeyboardInterrupt and go on.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    check_display(sys.platform, os.environ)
    check_qt()
    check_x11(sys.platform, os.environ)
    # Imported here: what is missing was told above in words.
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from ui.errands import hand_over_quickly
    from ui.review_window import ReviewWindow
    from ui.theme import dressed

    hand_over_quickly()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("unstick")
    app.setApplicationDisplayName("Unstick")
    app.setDesktopFileName("unstick")
    window = ReviewWindow(root, dressed(app))
    ticker = QTimer(window)
    ticker.timeout.connect(lambda: window.close() if interrupted else None)
    ticker.start(SIGNAL_MS)
    screen = app.primaryScreen().availableGeometry()
    window.resize(min(FIRST_SIZE[0], screen.width()), min(FIRST_SIZE[1], screen.height()))
    window.show()
    code = app.exec()
    if interrupted:
        return INTERRUPTED if interrupted[0] == signal.SIGINT else 128 + interrupted[0]
    return code


def review(
    library: Annotated[Path, typer.Argument(help="Folder of episodes.")],
) -> None:
    """Look at recorded episodes beside their replay, and label them."""
    logging.basicConfig(
        level=os.environ.get("UNSTICK_LOG", "WARNING").upper(),
        format="%(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        raise typer.Exit(run_review(library))
    except NoWindow as error:
        sys.stderr.write(f"unstick: {error}\n")
        raise typer.Exit(EXIT_CONFIG) from None


if __name__ == "__main__":
    typer.run(review)
