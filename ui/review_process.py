"""Opens the review beside a console, which must not feel it: another process, behind this one."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger("ui")


def review_command(library: Path) -> Sequence[str]:
    """What opens the review of `library`."""
    return (sys.executable, "-m", "ui.review", str(library), "--behind")


def open_review(library: Path) -> None:
    """Open it; it lives on when the console is closed. Who cannot be started is told in the log."""
    try:
        # A session of its own: to go behind the console it changes the rank of its whole session.
        subprocess.Popen(review_command(library), stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        log.error("the review cannot be opened: %s", error)
