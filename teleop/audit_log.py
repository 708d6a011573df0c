"""The audit log of a robot as a fold: what its inner bus says comes in, entries come out.

Pure: wall time is passed in. `Shift` hears what the media process hears on the robot's inner bus
and tells what a person would ask about later: who drove when and why, what the robot did meanwhile,
what went wrong. Durations come from the robot's monotonic stamps and never from wall time, which
may jump; stamps of two boots are never compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from teleop.audit_entry import AuditEntry, Driven, Kind
from teleop.turn import NOBODY, Turn
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import (
    Description,
    Event,
    Mode,
    Outcome,
    Phase,
    RobotBus,
    Said,
    Tick,
    VerdictNotice,
)

MINUTE_NS: Final = 60 * NS_PER_S
SETTLE_NS: Final = NS_PER_S  # after a call: the phase follows within a tick or two
LONGEST_GAP_S: Final = 10.0  # between two ticks; a longer silence is no time in any mode
UNDESCRIBED: Final = 2 * TICK_HZ  # ticks that wait for the description, which comes every second
FAULTS: Final = frozenset({Mode.FAULT, Mode.SAFE_STOP})
_DIPS: Final = frozenset({"gap", "stale", "refused", "picture stale"})  # as the gate names them
_NOTED: Final = {
    "stop": Kind.STOP,
    "stop_reset": Kind.STOP_RESET,
    "link_lost": Kind.LINK_LOST,
    "marker": Kind.MARKER,
    "outcome": Kind.OUTCOME,
    "watchdog": Kind.FAULT,
    "fault_cleared": Kind.FAULT_CLEARED,
}
_ENDS: Final = {
    "hand_back": Kind.HAND_BACK,
    "released": Kind.RELEASED,
    "lease_forced": Kind.REPLACED,
    "lease_passed": Kind.REPLACED,
}
# Told by the phase, by an entry of another kind, or for the recorder only.
_TOLD_OTHERWISE: Final = frozenset({"phase", "paused", "resumed", "policy_state"})


def _nobody_known(_name: str) -> str:
    return ""


@dataclass(frozen=True)
class Sealed:
    """What an episode shows."""

    episode: str
    boot_id: str
    intervention: int  # -1: none
    by: str  # who drove last; empty: nobody took over
    outcome: Outcome


class Shift:
    """Folds what is heard on one robot's bus into entries. One thread calls it."""

    def __init__(self, robot: str, key_of: Callable[[str], str] = _nobody_known) -> None:
        """`key_of` gives the public key of a name on the robot's list, empty for others."""
        self._robot = robot
        self._key_of = key_of
        self._about: Description | None = None
        self._undescribed: list[tuple[Tick, datetime]] = []
        self._n = 0
        self._last: Tick | None = None
        self._turn = NOBODY
        self._entries: list[AuditEntry] = []
        self._begin()

    def _begin(self) -> None:
        self._modes: dict[Mode, float] = {}
        self._minute_ns = 0
        self._call: str | None = None  # reason of the open call
        self._call_ns: int | None = None  # None: it called before the log began
        self._reason = ""  # of the call that the present turn answers
        self._dip: tuple[int, str] | None = None  # since when, and why
        self._last = None
        self._turn = NOBODY

    def heard(self, message: RobotBus, wall: datetime) -> tuple[AuditEntry, ...]:
        """What the log has to say after this message, in order."""
        self._entries = []
        match message:
            case Description():
                self._describe(message, wall)
            case Said():
                self._add(
                    Kind.LABEL,
                    wall,
                    by=message.by,
                    episode=message.episode,
                    label=message.kind.value,
                    text=message.text,
                )
            case Tick() if self._about is None or message.boot_id != self._about.boot_id:
                # Who this is comes within a second; a log without it would not name the site.
                self._undescribed = [*self._undescribed[-UNDESCRIBED + 1 :], (message, wall)]
            case Tick():
                self._tick(message, wall)
        return tuple(self._entries)

    def told(self, news: Sealed | VerdictNotice, wall: datetime) -> tuple[AuditEntry, ...]:
        """An episode lies on the disk, maybe of an earlier boot, or its replay has ended."""
        self._entries = []
        if isinstance(news, VerdictNotice):
            about = {"verdict": news.verdict, "text": news.sentence}
            self._add(Kind.VERDICT, wall, episode=news.episode, **about)
        else:
            whose = {"by": news.by, "key": self._key_of(news.by) if news.by else ""}
            shown = {"shown_boot_id": news.boot_id, "intervention": news.intervention}
            said = {"episode": news.episode, "text": news.outcome.value}
            self._add(Kind.EPISODE, wall, **said, **shown, **whose)
        return tuple(self._entries)

    def closed(self, wall: datetime) -> tuple[AuditEntry, ...]:
        """The log's process ends in order."""
        self._entries = []
        self._end(wall, "switched off")
        return tuple(self._entries)

    # --- one boot after the other -----------------------------------------------------------------

    def _describe(self, about: Description, wall: datetime) -> None:
        waiting, self._undescribed = self._undescribed, []
        if self._about is not None and self._about.boot_id != about.boot_id:
            self._end(waiting[0][1] if waiting else wall, "control started anew")
        self._about = about
        for tick, then in waiting:
            if tick.boot_id == about.boot_id:
                self._tick(tick, then)

    def _end(self, wall: datetime, text: str) -> None:
        if self._last is None:
            return
        self._minute(wall)
        self._add(Kind.ENDED, wall, text=text, **self._of_turn())
        self._begin()

    # --- one tick ---------------------------------------------------------------------------------

    def _tick(self, tick: Tick, wall: datetime) -> None:
        last = self._last
        if last is not None and (tick.tick <= last.tick or tick.stamp_ns <= last.stamp_ns):
            return  # heard before
        self._last = tick
        if last is None:
            self._minute_ns = tick.stamp_ns
            taken = any(event.kind == "takeover" for event in tick.events)
            self._turn = NOBODY if taken else Turn.of(tick)
            self._add(Kind.STARTED, wall, after_s=tick.tick / TICK_HZ)
            called = any(event.kind == "call" for event in tick.events)
            if tick.phase is Phase.HANDOVER and not called and not tick.operator:
                self._call, self._call_ns = "", None
                self._add(Kind.CALL, wall, text="it had called before the log began")
        else:
            gap_s = min((tick.stamp_ns - last.stamp_ns) / NS_PER_S, LONGEST_GAP_S)
            self._modes[last.mode] = self._modes.get(last.mode, 0.0) + gap_s
            self._turn = self._turn.went_on(tick, last, gap_s)
        for event in tick.events:
            self._event(tick, event, wall)
        if not tick.operator and self._turn.by:  # its last words were lost on the bus
            self._turn_ends(Kind.RELEASED, "", wall)
        self._watch(tick, last, wall)
        if tick.stamp_ns - self._minute_ns >= MINUTE_NS:
            self._minute(wall)

    def _event(self, tick: Tick, event: Event, wall: datetime) -> None:
        kind, text, by = event.kind, event.text, event.by
        if kind == "call":
            if self._call is None:
                self._call, self._call_ns = text.partition(". ")[0], tick.stamp_ns
                self._add(Kind.CALL, wall, reason=self._call, text=text.partition(". ")[2])
        elif kind == "call_withdrawn":
            self._add(Kind.NOTE, wall, text=f"{kind} {text}", reason=self._call or "")
            if self._call is not None:
                self._call_ends(tick, "withdrawn", wall)
        elif kind == "takeover":
            self._taken_over(tick, by, wall)
        elif kind in _ENDS:
            self._turn_ends(_ENDS[kind], text, wall)
        elif kind == "mode":
            self._mode(tick, text, wall)
        elif kind in _NOTED:
            self._add(_NOTED[kind], wall, text=text, **self._whose(by))
        elif kind not in _TOLD_OTHERWISE:
            self._add(Kind.NOTE, wall, text=f"{kind} {text}".strip(), **self._whose(by))

    def _taken_over(self, tick: Tick, by: str, wall: datetime) -> None:
        if self._turn.by:  # whoever had it; only a lost event leaves them there
            self._turn_ends(Kind.REPLACED, f"{by} has it now", wall)
        self._turn = Turn.begun(tick, by)
        self._reason = self._call or ""
        if self._call is not None:
            self._call_ends(tick, "accepted", wall)
        self._add(Kind.TAKEOVER, wall, reason=self._reason, **self._whose(by))

    def _call_ends(self, tick: Tick, how: str, wall: datetime) -> None:
        called_ns, by = self._call_ns, self._whose(self._turn.by)
        after_s = None if called_ns is None else _rounded((tick.stamp_ns - called_ns) / NS_PER_S)
        self._add(Kind.CALL_ENDED, wall, reason=self._call, text=how, after_s=after_s, **by)
        self._call = self._call_ns = None

    def _turn_ends(self, kind: Kind, text: str, wall: datetime) -> None:
        if self._last is not None:
            self._dip_ends(self._last.stamp_ns, wall)
        self._add(kind, wall, text=text, reason=self._reason, **self._of_turn())
        self._turn, self._reason = NOBODY, ""

    def _mode(self, tick: Tick, text: str, wall: datetime) -> None:
        """A change of mode in the gate's words: "TELEOP to HOLD: gap"."""
        change, _, cause = text.partition(": ")
        after = change.rpartition(" ")[2]
        if after in FAULTS:
            self._add(Kind.FAULT, wall, text=cause, **self._whose(self._turn.by))
        self._dip_ends(tick.stamp_ns, wall)
        # Before the first command of a drive there was nothing that could have stopped.
        if after == Mode.HOLD and cause in _DIPS and tick.received_ns:
            self._dip = tick.stamp_ns, cause

    def _dip_ends(self, now_ns: int, wall: datetime) -> None:
        if self._dip is None:
            return
        (since_ns, cause), self._dip = self._dip, None
        after_s = _rounded((now_ns - since_ns) / NS_PER_S)
        self._add(Kind.LINK_DIP, wall, text=cause, after_s=after_s, **self._whose(self._turn.by))

    def _watch(self, tick: Tick, last: Tick | None, wall: datetime) -> None:
        """What no event tells: the phase, the first motion, a call that is withdrawn."""
        if last is not None and tick.phase is not last.phase:
            marked = [event.by for event in tick.events if event.kind == "phase"]
            self._add(Kind.PHASE, wall, text=tick.phase.value, **self._whose("".join(marked[-1:])))
        first_s = self._turn.first_motion_s(tick)
        if first_s is not None:
            self._turn = self._turn.has_moved()
            of_turn = {**self._of_turn(), "after_s": first_s, "did": None}
            self._add(Kind.FIRST_MOTION, wall, reason=self._reason, **of_turn)
        works = tick.mode is Mode.AUTONOMY and tick.phase is Phase.AUTONOMOUS
        settled = self._call_ns is None or tick.stamp_ns - self._call_ns >= SETTLE_NS
        if self._call is not None and works and settled:
            self._call_ends(tick, "withdrawn", wall)

    def _minute(self, wall: datetime) -> None:
        assert self._last is not None
        modes = {mode: _rounded(seconds) for mode, seconds in self._modes.items()}
        of_turn = {**self._of_turn(), "after_s": None} if self._turn.by else {}
        self._add(Kind.MINUTE, wall, modes=modes, **of_turn)
        self._modes, self._minute_ns = {}, self._last.stamp_ns

    # --- one entry --------------------------------------------------------------------------------

    def _of_turn(self) -> dict[str, object]:
        turn, last = self._turn, self._last
        if not turn.by or last is None:
            return {}
        did = Driven(
            held_s=_rounded(turn.held_s),
            driven_s=_rounded(turn.driven_s),
            motion_rows=turn.motion_rows,
            inputs=turn.inputs,
        )
        after_s = None if turn.since_ns is None else (last.stamp_ns - turn.since_ns) / NS_PER_S
        told = None if after_s is None else _rounded(after_s)
        return {**self._whose(turn.by), "after_s": told, "did": did}

    def _whose(self, by: str) -> dict[str, object]:
        """Who it was, and in which drive if they have the robot."""
        turn = self._turn
        if by and by == turn.by:
            mine = {"session": turn.session, "intervention": turn.intervention}
            return {"by": by, "key": turn.key or self._key_of(by), **mine}
        return {"by": by, "key": self._key_of(by) if by else ""}

    def _add(self, kind: Kind, wall: datetime, **known: object) -> None:
        about, last = self._about, self._last
        entry = AuditEntry(
            wall=wall.replace(microsecond=wall.microsecond // 1000 * 1000),
            robot=self._robot,
            boot_id="",
            kind=kind,
            stamp_ns=0,
            n=self._n,
        )
        if about is not None:
            entry = replace(entry, boot_id=about.boot_id, site=about.site, task=about.task)
        if about is not None and last is not None:
            entry = replace(entry, stamp_ns=last.stamp_ns, **_place(about, last))
        self._n += 1
        self._entries.append(replace(entry, **known))


def _place(about: Description, tick: Tick) -> dict[str, float]:
    """Where the robot is, of those that measure it."""
    seen = dict(zip(about.observation_names, tick.observation, strict=False))
    found = {name: seen[name] for name in ("x_m", "y_m") if name in seen}
    return {name: _rounded(value) for name, value in found.items() if math.isfinite(value)}


def _rounded(value: float) -> float:
    """To a millisecond, or a millimetre."""
    return round(value, 3) + 0.0  # never -0.0
