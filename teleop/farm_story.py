"""What is known of each robot of a farm, what just happened there, and how that reads. Pure.

Folded from the states that a robot publishes. A slow listener misses states, never the count of
calls: it is in the number of the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from teleop.farm_plan import Post
from transport.clock import NS_PER_S
from transport.messages import Mode, RobotState

SILENT_NS: Final = 2 * NS_PER_S  # without a state: it is not there
HEADINGS: Final = ("Robot", "Where", "Mode", "Call", "Since", "Calls", "Rescues", "Cores", "MB")

Happened = dict[str, Any]  # one event of `--json`


@dataclass(frozen=True)
class Standing:
    """One robot of the farm."""

    post: Post
    state: RobotState | None = None
    heard_ns: int = 0
    since_ns: int = 0  # what `mode_word` says began
    boots: frozenset[str] = frozenset()  # lives of its control process
    earlier_calls: int = 0  # of former lives of its control process
    newest_call: int = 0  # its number, in this life
    rescues: int = 0  # handed back by somebody
    ended: str = ""  # why it is gone; empty: it is not
    cores: float | None = None  # kept busy, on average since it was ready
    megabytes: int | None = None

    @property
    def calls(self) -> int:
        """How often it has called."""
        return self.earlier_calls + self.newest_call

    def heard(self, state: RobotState, now_ns: int) -> tuple[Standing, list[Happened]]:
        """After a state, and what happened since the one before."""
        before = self.state
        me = replace(self, state=state, heard_ns=now_ns, boots=self.boots | {state.boot_id})
        events: list[Happened] = []
        if before is not None and before.boot_id != state.boot_id:
            me = replace(me, earlier_calls=self.calls, newest_call=0)
            events.append({"event": "restarted"})
        if state.call is not None and state.call.call_id > me.newest_call:
            me = replace(me, newest_call=state.call.call_id)
            told = {"call": state.call.call_id, "reason": state.call.reason}
            events.append({"event": "call", **told})
        had = before.lease.operator if before is not None and before.lease.session else ""
        has = state.lease.operator if state.lease.session else ""
        if has and has != had:
            events.append({"event": "accepted", "by": has})
        elif had and not has and state.call is None:
            me = replace(me, rescues=me.rescues + 1)
            events.append({"event": "handed_back", "by": had, "outcome": str(state.outcome)})
        elif had and not has:
            events.append({"event": "left", "by": had})
        elif before is not None and before.call is not None and state.call is None and not has:
            events.append({"event": "timed_out", "call": before.call.call_id})
        if mode_word(state) != (mode_word(before) if before is not None else ""):
            me = replace(me, since_ns=now_ns)
        return me, [{**event, "robot": self.post.name} for event in events]

    def row(self, now_ns: int) -> tuple[str, ...]:
        """What the table says of it, one text for each of `HEADINGS`."""
        state, since = self.state, f"{(now_ns - self.since_ns) // NS_PER_S} s"
        call = ""
        if self.ended:
            mode, since = self.ended, ""
        elif state is None:
            mode, since = "starts", ""
        elif now_ns - self.heard_ns > SILENT_NS:
            mode, since = "silent", f"{(now_ns - self.heard_ns) // NS_PER_S} s"
        else:
            mode = mode_word(state)
            call = state.call.reason if state.call is not None else ""
        cores = "" if self.cores is None else f"{self.cores:.2f}"
        megabytes = "" if self.megabytes is None else str(self.megabytes)
        counts = (str(self.calls), str(self.rescues))
        return (self.post.name, self.post.site, mode, call, since, *counts, cores, megabytes)


def mode_word(state: RobotState) -> str:
    """Who or what moves it, in a word or two."""
    if state.stopped_by:
        return f"STOPPED by {state.stopped_by}"
    if state.lease.session:
        return f"{state.lease.operator} DRIVES"
    if state.call is not None:
        return "CALLS"
    return "AUTONOMY" if state.mode is Mode.AUTONOMY else str(state.mode)
