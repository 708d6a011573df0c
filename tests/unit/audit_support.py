"""Shifts for tests: whole logs as the fold writes them, and single entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from recorder.verdict import Kind as Verdict
from teleop.audit_entry import AuditEntry, Driven, Kind
from teleop.audit_log import Sealed, Shift
from tests.unit.recorder_support import description, session
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S
from transport.messages import Mode, Outcome, VerdictNotice

MONDAY = datetime(2026, 5, 4, 9, tzinfo=UTC)  # of week 19
KEYS = {"ada": "a" * 40, "eve": "e" * 40}


def rescue(
    robot: str = "rover-1",
    boot_id: str = "boot",
    began: datetime = MONDAY,
    verdict: str = Verdict.EXACT,
    **changes: Any,
) -> list[AuditEntry]:
    """One boot in which one call is answered; `changes` as in `session`, lengths in ticks."""
    shift = Shift(robot, lambda name: KEYS.get(name, ""))
    entries = list(shift.heard(description(boot_id=boot_id, robot=robot), began))
    operator, outcome = changes.get("operator", "ada"), changes.get("outcome", Outcome.SUCCESS)
    for tick in session(boot_id=boot_id, **changes):
        held = tick.mode is Mode.TELEOP
        tick = structs.replace(
            tick, operator_key=KEYS[operator] if held else "", epoch=7 if held else 0
        )
        entries += shift.heard(tick, began + timedelta(seconds=tick.tick / TICK_HZ))
    ended = entries[-1].wall
    episode = f"episode of {robot} {boot_id}"
    entries += shift.told(Sealed(episode, boot_id, 0, operator, outcome), ended)
    if verdict:
        notice = VerdictNotice(episode=episode, verdict=verdict, sentence="As recorded")
        entries += shift.told(notice, ended)
    return [*entries, *shift.closed(ended)]


def entry(kind: Kind, at_s: float = 0.0, **known: Any) -> AuditEntry:
    """One entry so many seconds after nine on Monday."""
    base = AuditEntry(
        wall=MONDAY + timedelta(seconds=at_s),
        robot="rover-1",
        boot_id="boot",
        kind=kind,
        stamp_ns=int((100 + at_s) * NS_PER_S),
    )
    return structs.replace(base, **known)


def driven(minutes: float = 1.0, rows: int = 300) -> Driven:
    """What was done in a turn."""
    return Driven(held_s=60 * minutes, driven_s=30 * minutes, motion_rows=rows, inputs=rows // 10)
