"""What happens between people over one robot's lease: asked, granted, kept, taken. Pure.

The robot's own words for it (`RobotState.lease_note`) are passed on as they are; what this console
was a party to stays on its screen until it is dismissed or somebody else takes over.
"""

from __future__ import annotations

from dataclasses import replace

from teleop.attendance import UNATTENDED_S
from teleop.operator_view import LinkView
from transport.messages import Refusal, RobotState
from ui.facts import Facts, heard


def between_people(
    facts: Facts, last: LinkView | None, link: LinkView, now_ns: int
) -> tuple[Facts, tuple[str, ...]]:
    """The facts after this view, and lines for the log."""
    # What was heard before the link was lost still counts: who was displaced meanwhile is told.
    state, before = heard(link), last.state if last is not None else None
    lines: list[str] = []
    if last is not None and link.let_go_ns not in (None, last.let_go_ns):
        note = f"Nobody used this console for {UNATTENDED_S / 60:.0f} min: the lease was released"
        return replace(facts, note=note), ("lease released, nobody was here",)
    if state is None or before is None or state.boot_id != before.boot_id:
        return facts, ()
    if state.wanted is not None and _other_wish(state, before):
        lines.append(f"{state.wanted.operator} asks for it")
    passed = state.lease.session and state.lease.epoch != before.lease.epoch
    if passed:
        facts = replace(facts, note="")
    if state.lease_note and state.lease_note != before.lease_note:
        lines.append(state.lease_note)
        displaced = before.lease.session == link.session and passed and not _granted(state, before)
        asked = before.wanted is not None and before.wanted.session == link.session
        if (displaced or asked) and not link.yours:
            facts = replace(facts, note=state.lease_note)
    late = state.commands_refused.get(Refusal.STALE, 0)
    if link.yours and late > before.commands_refused.get(Refusal.STALE, 0):
        facts = replace(facts, stale_ns=now_ns)
    return facts, tuple(lines)


def _other_wish(state: RobotState, before: RobotState) -> bool:
    wanted, earlier = state.wanted, before.wanted
    return wanted is not None and (earlier is None or earlier.until_ns != wanted.until_ns)


def _granted(state: RobotState, before: RobotState) -> bool:
    """Whether the lease went to the one who had asked for it: no news for who gave it."""
    return before.wanted is not None and before.wanted.session == state.lease.session
