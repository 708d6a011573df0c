"""The console's window with a fake link, for `tests.console.x11`: prints what the link is told.

Ends when its standard input closes. `--busy` keeps the window's thread at work, `--deaf` loses the
first release of a key before the console sees it, as a grab or a remote desktop may, and says when
the system has called a held key down: no other is doubted.
"""

from __future__ import annotations

import os
import random
import sys
import threading

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from teleop.operator_input import OperatorInput
from tests.console.fakes import FakeLink, FakeVideo, driven, link_view
from transport.clock import NS_PER_MS, now_ns
from ui.main_window import MainWindow
from ui.theme import dressed


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class SpokenLink(FakeLink):
    """Prints what it is told."""

    def set_input(self, inp: OperatorInput) -> None:
        say(f"input {inp.forward:g} {inp.turn:g} {inp.deadman}")

    def set_focus(self, focused: bool) -> None:
        say(f"focus {focused}")

    def stop(self) -> None:
        say("stop")


class Deaf(QObject):
    """Loses one release, before any other filter."""

    lost = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        released = event.type() == QEvent.Type.KeyRelease
        if self.lost or not released or not isinstance(event, QKeyEvent) or event.isAutoRepeat():
            return False
        self.lost = True
        say("lost")
        return True


def main() -> None:
    app = QApplication([])
    theme = dressed(app)
    link = SpokenLink(link_view(driven()))
    window = MainWindow(link, FakeVideo(), theme)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    deaf = Deaf(window)
    if "--deaf" in sys.argv:
        app.installEventFilter(deaf)  # after the console's own, so that it comes before
    dice, busy = random.Random(1), QTimer(window)

    def work() -> None:
        end_ns = now_ns() + dice.randint(0, 20) * NS_PER_MS
        while now_ns() < end_ns:
            pass

    busy.timeout.connect(work)
    if "--busy" in sys.argv:
        busy.start(5)
    asked = QTimer(window)

    def tell() -> None:
        if any(held.confirmed for held in window.keys._down.values()):
            asked.stop()
            say("confirmed")

    asked.timeout.connect(tell)
    if "--deaf" in sys.argv:
        asked.start(20)

    def leave_with_parent() -> None:
        while os.read(0, 64):
            pass
        os._exit(0)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    say(f"window {int(window.winId())}")
    app.exec()


if __name__ == "__main__":
    main()
