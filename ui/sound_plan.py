"""Which sound is due: a pure function of what changed, with the time passed in. No Qt.

A sound tells of a change, once; only a call that still waits says so again, after 30 and 60 s. A
new call is not heard while you drive: it is heard when you let go, if it still waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from transport.clock import NS_PER_S
from ui.kept_preferences import Sound
from ui.screen import Act, Chip, Look, Screen

AGAIN_S: Final = (30, 60)  # after a call was first heard
# Shapes of the readiness line that stand for a stop until somebody resets it.
_LATCHED: Final = frozenset({"octagon", "fault", "broken"})


@dataclass(frozen=True)
class Heard:
    """What of a moment can be heard."""

    calls: frozenset[str] = frozenset()  # robots whose call waits
    driving: bool = False  # the deadman is held
    hold: bool = False  # it holds, and it is you who drives
    stopped: bool = False  # latched
    stale: bool = False  # the main picture must not be taken for live
    asked: bool = False  # somebody asks for the lease you have
    count: int | None = None  # 3, 2, 1 before an episode that is collected; 0 is GO


def heard(screen: Screen, waiting: frozenset[str] | None = None, count: int | None = None) -> Heard:
    """What of this screen can be heard. `waiting`: all robots whose call waits, where more than the
    one on the screen are known; `count`: of the countdown that runs."""
    own = frozenset({screen.robot} if screen.call.accept else ())
    ready, notice = screen.readiness, screen.notice
    return Heard(
        calls=own if waiting is None else waiting,
        driving=screen.status.deadman,
        hold=ready.look is Look.HOLD,
        stopped=ready.look is Look.LATCHED and ready.icon in _LATCHED,
        stale=bool(screen.pictures) and screen.pictures[0].veil is not None,
        asked=notice is not None and any(act is Act.GRANT for _, act in notice.buttons),
        count=count,
    )


@dataclass(frozen=True)
class Ears:
    """What has been heard so far."""

    last: Heard | None = None  # None: nothing yet; what is true at the start was no change
    calls: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # first heard ns, how often

    def step(self, now: Heard, now_ns: int) -> tuple[Ears, tuple[Sound, ...]]:
        """After this moment: what is due now, the most severe first."""
        due: set[Sound] = set()
        last = self.last or Heard(
            hold=now.hold, stopped=now.stopped, stale=now.stale, asked=False, count=None
        )
        if now.stopped and not last.stopped:
            due.add(Sound.STOPPED)
        if now.hold and not last.hold and not now.stopped:
            due.add(Sound.HOLD)
        if now.asked and not last.asked:
            due.add(Sound.ASKED)
        if now.stale and not last.stale:
            due.add(Sound.STALE)
        if now.count is not None and now.count != last.count:
            due.add(Sound.READY if now.count else Sound.GO)
        calls = {robot: heard for robot, heard in self.calls.items() if robot in now.calls}
        for robot in now.calls if not now.driving else ():
            first_ns, times = calls.get(robot, (now_ns, 0))
            passed = sum(now_ns - first_ns >= after * NS_PER_S for after in AGAIN_S)
            if times <= passed:
                due.add(Sound.CALL)
                calls[robot] = (first_ns, passed + 1)
        return Ears(now, calls), tuple(sound for sound in Sound if sound in due)


def sentence(before: Chip | None, now: Chip) -> str:
    """What is to be spoken when the readiness line changes; empty: nothing.

    Said as it stands there: "HOLD: Not moving: commands are late". Quiet words are spoken only when
    they end something worse; nothing is said of the first look.
    """
    if before is None or (before.word, before.look) == (now.word, now.look):
        return ""
    abnormal = now.look not in (Look.QUIET, Look.DIM)
    was_abnormal = before.look not in (Look.QUIET, Look.DIM)
    if not abnormal and not was_abnormal:
        return ""
    return f"{now.word.capitalize()}: {now.detail.removeprefix('Not moving: ')}"
