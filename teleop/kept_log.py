"""The last lines of a console's log, kept in a file for `unstick doctor --bundle`.

Only for programs that may wait for a disk: never for `control`, whose tick would wait, too. Without
a place to write, what was said is on standard error as ever, and that is told there once.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

log = logging.getLogger("log")

LIMIT_BYTES: Final = 512 << 10  # some hours of a console that tells what happens
KEPT: Final = 2  # older files beside the one in use
FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def keep_log(folder: Path, program: str) -> logging.Handler | None:
    """Keep what is logged from INFO on in `folder`; what goes to standard error does not change.

    Several consoles of one user write a file each. None: it could not be opened.
    """
    root = logging.getLogger()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{program}-{os.getpid()}.log"
        handler = RotatingFileHandler(path, maxBytes=LIMIT_BYTES, backupCount=KEPT, delay=False)
        path.chmod(0o600)
    except OSError as error:
        log.warning("the log is not kept in %s: %s", folder, error.strerror)
        return None
    forget_old(folder, program)
    handler.setFormatter(logging.Formatter(FORMAT))
    for other in root.handlers:
        other.setLevel(max(other.level, root.level))
    root.setLevel(min(root.level, logging.INFO))
    root.addHandler(handler)
    return handler


def forget_old(folder: Path, program: str, keep: int = 10) -> None:
    """Remove all but the newest files of `program`."""
    files = sorted(folder.glob(f"{program}-*.log*"), key=lambda path: path.stat().st_mtime)
    for path in files[:-keep]:
        path.unlink(missing_ok=True)
