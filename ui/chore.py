"""Slow work of a window in a process of its own, behind everything else.

What takes long computes, too, and a thread that computes takes the window's thread its turns. The
process is an `unstick` command; it reports how far it is in lines of JSON on its standard error.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

log = logging.getLogger("ui")

BEHIND: Final = (sys.executable, "-m", "teleop.behind")
PATIENCE_MS: Final = 3000  # for one that tidies up


class Step(msgspec.Struct, frozen=True):
    """How far it is."""

    done: int
    of: int


class Chore(QObject):
    """One process at a time; another `start` ends the one before without a word."""

    stepped = Signal(int, int)  # done, of how many
    ended = Signal(int, str, str)  # exit code, what it printed, what it said went wrong

    def __init__(self, command: Sequence[str] = BEHIND) -> None:
        super().__init__()
        self._command = tuple(command)
        self._process: QProcess | None = None
        self._leaving: list[QProcess] = []
        self._said: list[str] = []

    @property
    def runs(self) -> bool:
        """Whether it is at work."""
        return self._process is not None

    def start(self, *arguments: str) -> None:
        """Run `unstick` with these arguments."""
        self.drop()
        self._said = []
        process = self._process = QProcess()
        if sys.platform != "win32":
            parameters = QProcess.UnixProcessParameters()
            # A session of its own: it gives way to others without taking the window along.
            parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
            process.setUnixProcessParameters(parameters)
        process.setReadChannel(QProcess.ProcessChannel.StandardError)
        process.readyReadStandardError.connect(self._hear)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        process.start(self._command[0], [*self._command[1:], *arguments])

    def drop(self) -> None:
        """End it, and let it tidy up; nothing is told of it any more."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal in (process.readyReadStandardError, process.finished, process.errorOccurred):
            signal.disconnect()
        self._leaving.append(process)
        process.finished.connect(partial(self._left, process))
        process.terminate()
        QTimer.singleShot(PATIENCE_MS, process, process.kill)

    def close(self) -> None:
        """End it, and wait for that."""
        self.drop()
        for process in self._leaving:
            process.finished.disconnect()
            if not process.waitForFinished(PATIENCE_MS):
                process.kill()
                process.waitForFinished(PATIENCE_MS)
        self._leaving.clear()

    def _left(self, process: QProcess, *_: object) -> None:
        if process in self._leaving:
            self._leaving.remove(process)
            process.deleteLater()

    def _hear(self) -> None:
        process = self._process
        while process is not None and process.canReadLine():
            self._line(bytes(process.readLine().data()).decode(errors="replace").strip())

    def _line(self, line: str) -> None:
        try:
            step = msgspec.json.decode(line, type=Step)
        except msgspec.DecodeError:
            if line:
                self._said.append(line)
        else:
            self.stepped.emit(step.done, step.of)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        printed = bytes(process.readAllStandardOutput().data()).decode(errors="replace")
        for line in (
            bytes(process.readAllStandardError().data()).decode(errors="replace").split("\n")
        ):
            self._line(line.strip())
        said = "\n".join(self._said)
        if status == QProcess.ExitStatus.CrashExit:
            code, said = -1, said or "It was ended before it was done."
        process.deleteLater()
        self.ended.emit(code, printed, said.removeprefix("unstick: "))

    def _failed(self, error: QProcess.ProcessError) -> None:
        process = self._process
        if process is None or error != QProcess.ProcessError.FailedToStart:
            return
        self._process = None
        process.deleteLater()
        self.ended.emit(-1, "", f"It cannot be started: {process.errorString()}.")
