"""How the two ends of a pairing speak to a person, or to a program.

People read standard error. With `--json` each step is one JSON object on a line of standard output.
"""

from __future__ import annotations

import json as json_format
import os
import sys
import threading
from typing import Any

from rich.console import Console


class Screen:
    """Where the steps of a pairing are shown."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        # Names are shown as they are, and a link can be copied as one line.
        self._person = Console(
            stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    def say(self, *lines: str, style: str = "") -> None:
        """Lines for a person."""
        for line in lines:
            self._person.print(line, style=style)

    def show(self, line: str) -> None:
        """What has to be copied or compared exactly, on a line of its own."""
        self._person.print(f"\n    {line}\n", style="bold")

    def ask(self, question: str) -> None:
        """A question; the answer is typed behind it."""
        self._person.print(question, end=" ")

    def step(self, event: str, **facts: Any) -> None:
        """One step for a program."""
        if self._json:
            sys.stdout.write(json_format.dumps({"event": event, **facts}) + "\n")
            sys.stdout.flush()


class TypedLine:
    """The next line that a person types, waited for on a thread of its own."""

    def __init__(self) -> None:
        self._line: str | None = None
        _forget_what_was_typed_before()
        # Not sys.stdin: a thread waiting in its buffer would abort the interpreter at its end.
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    def _read(self) -> None:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                break
            line += byte
        self._line = line.decode(errors="replace").strip()

    def get(self) -> str | None:
        """The line; None while it is not complete. Empty when there is nobody to type one."""
        return self._line


def _forget_what_was_typed_before() -> None:
    """An Enter from before the question must not answer it."""
    if sys.platform != "win32" and os.isatty(0):
        import termios

        termios.tcflush(0, termios.TCIFLUSH)
