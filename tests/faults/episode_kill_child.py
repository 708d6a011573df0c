"""Records episode after episode, or recovers, and says what it has done; made to be killed.

`python -m tests.faults.episode_kill_child record ROOT SPEED FIRST [GREED]` drives session after
session and says after each tick what the recorder was handed. What only fills the ring goes as fast
as it can, all from shortly before the call on SPEED times faster than life. With GREED it takes so
many megabytes more with each tick from the call on, until the system ends it.
`python -m tests.faults.episode_kill_child recover ROOT` recovers once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from recorder.episode import GOP_ROWS
from recorder.episode_recorder import EpisodeRecorder
from recorder.preroll import PREROLL_NS
from recorder.recover import recover_all
from tests.faults.child_lines import say
from tests.unit.recorder_support import CAMERAS, description, session, show, stamp
from transport.channels import TICK_HZ, TICKS_PER_ROW
from transport.clock import NS_PER_S, now_ns, sleep_until
from transport.messages import Tick

TICKS_PER_GOP = GOP_ROWS * TICKS_PER_ROW
CALLED, TAKEN, HANDED_BACK, SEALED = 700, 710, 760, 821  # ticks of a session
TIMED = CALLED - 20  # from here on a tick takes its time
RING_TICKS = PREROLL_NS * TICK_HZ // NS_PER_S
FIRST = (CALLED - RING_TICKS) // TICKS_PER_GOP * TICKS_PER_GOP  # of the episode: a whole pre-roll


def drive(number: int) -> Iterator[Tick]:
    """The `number`-th session of the robot: a call, a takeover, a hand-back, a second of patrol."""
    return session(
        before=CALLED,
        wait=TAKEN - CALLED,
        drive=HANDED_BACK - TAKEN,
        after=SEALED - HANDED_BACK + 10,
        boot_id=f"boot-{number}",
    )


def record(root: Path, speed: float, first: int, greed_mb: int) -> None:
    """Sessions without end; a row's pictures come a tick after it."""
    rec = EpisodeRecorder(root, description(), CAMERAS, min_free_bytes=0)
    taken: list[bytes] = []
    say(ready=True)
    number = first
    while True:
        rec.restart(description(boot_id=f"boot-{number}"))
        began_ns = now_ns()
        row: Tick | None = None
        for tick in drive(number):
            if tick.tick <= TIMED:
                began_ns = now_ns()
            sleep_until(began_ns + int((tick.stamp_ns - stamp(TIMED)) / speed))
            rec.tick(tick)
            if row is not None:
                show(rec, row)
            shown = -1 if row is None else row.tick
            row = tick if tick.tick % 2 == 0 else None
            rec.poll(tick.stamp_ns)
            say(session=number, tick=tick.tick, row=shown)
            for path in rec.sealed():
                say(sealed=path.name)
            if greed_mb and tick.tick >= CALLED:
                taken.append(b"x" * (greed_mb << 20))
        number += 1


if __name__ == "__main__":
    if sys.argv[1] == "recover":
        say(ready=True)
        recover_all(Path(sys.argv[2]))
    else:
        greed = int(sys.argv[5]) if len(sys.argv) > 5 else 0
        record(Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), greed)
