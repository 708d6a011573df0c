"""The one notice over the top of the picture: questions between people, and what waits for you.

Pure. It takes no focus and no driving key; Tab reaches its buttons, the menu Robot has them, too.
"""

from __future__ import annotations

from typing import Final

from teleop.attendance import UNATTENDED_S, WARNING_S
from teleop.idleness import PAUSE_S
from teleop.operator_view import LinkView
from transport.messages import Phase, RecorderPhase, RobotState
from ui import words
from ui.facts import Facts, heard
from ui.offers import wants_high_latency, wish_left_s
from ui.replay_words import replay_notice
from ui.screen import Act, Look, Notice

MINUTES: Final = round((UNATTENDED_S - WARNING_S) / 60)


def notice_of(link: LinkView, facts: Facts, now_ns: int) -> Notice | None:
    """The most urgent one; None when there is none."""
    state = heard(link)
    if state is None:
        return replay_notice(link.replay) if link.replay else _note(facts)
    left_s = wish_left_s(link, state)
    if state.wanted is not None and link.yours:
        return Notice(
            "hand",
            f"{state.wanted.operator} asks for the robot",
            f"{left_s} s left. Say nothing and you keep it.",
            (("Grant", Act.GRANT), ("Deny", Act.DENY)),
            Look.LIMITED,
        )
    if link.unattended_s is not None and link.unattended_s <= WARNING_S:
        return Notice(
            "clock",
            f"Nobody has used this console for {MINUTES} min",
            f"In {link.unattended_s:.0f} s the lease is released. Any key keeps it.",
            look=Look.LIMITED,
        )
    if state.wanted is not None and state.wanted.session == link.session:
        return Notice(
            "hand",
            f"You asked {state.lease.operator} for the robot",
            f"{left_s} s left; silence keeps it with {state.lease.operator}.",
        )
    if link.replay is not None:
        return replay_notice(link.replay)
    if facts.note:
        return _note(facts)
    if wants_high_latency(link, facts, now_ns):
        limit = words.age(state.timing.high_latency_max_age_ms)
        return Notice(
            "clock",
            "The link is too slow for full speed",
            f"High latency: slower, and commands up to {limit} old count.",
            (("Use high latency", Act.HIGH_LATENCY),),
            Look.LIMITED,
        )
    return _idle(link, state)


def _idle(link: LinkView, state: RobotState) -> Notice | None:
    """An episode runs, and nothing moves: people forget that it does."""
    recording = link.media is not None and link.media.recorder is RecorderPhase.RECORDING
    mine = link.yours or not state.lease.session
    if not (recording and mine and words.idle(link)):
        return None
    waits = "" if link.yours else "The robot has called and waits. "
    if state.phase is Phase.PAUSED:
        then = "The episode shows it as a pause."
    else:
        then = f"The episode goes on; after {PAUSE_S:.0f} s it shows a pause."
    title = f"Nothing has moved for {words.short(state.idle_s)}"
    return Notice("clock", title, waits + then, look=Look.LIMITED)


def _note(facts: Facts) -> Notice | None:
    if not facts.note:
        return None
    return Notice("person", facts.note, "", (("Dismiss", Act.DISMISS),))
