"""When an episode is on the disk, seen from outside: by its name, and a sync of our own."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Final

from recorder.durable import fsync_dir
from recorder.episode import is_episode_id
from transport.clock import NS_PER_S, now_ns

LOOK_S: Final = 0.001


class Sealings:
    """Watches a folder of episodes. An episode counts from the moment at which it bears its final
    name and that name is synced; its files were synced before it got it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: dict[str, int] = {}  # episode: when it was durable
        self._changed = threading.Condition()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sealings", daemon=True)

    def __enter__(self) -> Sealings:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join(2.0)

    def known(self) -> set[str]:
        """Episodes seen so far."""
        with self._changed:
            return set(self._seen)

    def next(self, known: set[str], limit_s: float) -> tuple[Path, int] | None:
        """The first episode that is not `known`, and when it was durable; None: none in time."""
        end_ns = now_ns() + round(limit_s * NS_PER_S)
        with self._changed:
            while not self._seen.keys() - known:
                if not self._changed.wait(max(0.0, (end_ns - now_ns()) / NS_PER_S)):
                    return None
            name = min(self._seen.keys() - known)
            return self._root / name, self._seen[name]

    def _watch(self) -> None:
        while not self._leaving.is_set():
            names = os.listdir(self._root) if self._root.is_dir() else []
            new = [name for name in names if is_episode_id(name) and name not in self._seen]
            if new:
                fsync_dir(self._root)
                durable_ns = now_ns()
                with self._changed:
                    self._seen.update(dict.fromkeys(new, durable_ns))
                    self._changed.notify_all()
            time.sleep(LOOK_S)
