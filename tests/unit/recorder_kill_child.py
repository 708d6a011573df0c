"""Started by test_recorder_recovery: records without end, in real time, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from recorder.episode_recorder import EpisodeRecorder
from tests.unit.recorder_support import CAMERAS, description, session, show, stamp
from transport.clock import now_ns, sleep_until
from transport.messages import Tick


def main(root: Path, speed: float) -> None:
    """Ticks `speed` times faster than life; prints the number of each row handed over."""
    rec = EpisodeRecorder(root, description(), CAMERAS, min_free_bytes=0)
    began_ns = now_ns()
    row: Tick | None = None
    for tick in session(before=30, wait=10, drive=100_000):
        sleep_until(began_ns + int((tick.stamp_ns - stamp(0)) / speed))
        rec.tick(tick)
        if row is not None:
            show(rec, row)
            print(row.tick, flush=True)
        row = tick if tick.tick % 2 == 0 else None
        rec.poll(tick.stamp_ns)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
