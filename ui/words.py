"""The words on the screen for numbers, refusals and verdicts. Pure; tested as text.

A number keeps its unit and its count of decimals, so that it does not move sideways.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from teleop.idleness import NOTICE_S
from teleop.operator_view import LinkView
from transport.handshake import Trouble
from transport.messages import Hold, HoldReason, Phase, Refusal, RobotKind, RobotState, Role
from ui.screen import Chip, Look, Tally

COMPASS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
KEYBOARDS: Final = ("Keyboard", "no gamepad")  # without a pad the keys are what drives
MINUS: Final = "\N{MINUS SIGN}"


def clock(moment: datetime) -> str:
    """14:32:08"""
    return moment.strftime("%H:%M:%S")


def minutes(seconds: float) -> str:
    """2:41, or 1:02:41 from an hour on."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


def short(seconds: float) -> str:
    """6.2 s below ten seconds, 39 s below two minutes, then 2:41."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else minutes(seconds)


def age(ms: float) -> str:
    """62 ms below a second, 2.1 s below ten, then 12 s."""
    if ms < 1000:
        return f"{max(0.0, ms):.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 10_000 else short(ms / 1000)


def space(size_bytes: int) -> str:
    """41 GB, or 640 MB when it gets tight."""
    return f"{size_bytes / 1e9:.0f} GB" if size_bytes >= 10**9 else f"{size_bytes / 1e6:.0f} MB"


def idle(link: LinkView) -> str:
    """idle 12 s, from a minute on paused 75 s; empty while something moves."""
    state = link.state
    if state is None or state.idle_s < NOTICE_S:
        return ""
    if state.phase is Phase.PAUSED:
        return f"paused {short(state.idle_s)}"
    return f"idle {short(state.idle_s)}"


def camera(name: str) -> str:
    """Front"""
    return name.replace("_", " ").capitalize()


def episode(name: str) -> str:
    """The end of an episode's id: enough to tell one from another, short enough for a chip."""
    tail = name.rstrip("/").replace("_", "-").rsplit("-", 1)[-1]
    return (tail if tail else name)[-5:]


def signed(value: float, decimals: int = 2) -> str:
    """0.32, with a real minus sign, and none before a zero."""
    text = f"{abs(value):.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and float(text) > 0 else text


def speed(mps: float) -> str:
    """0.32, with a real minus sign."""
    return signed(mps)


def place(state: RobotState) -> str:
    """x 0.41 · y -0.10 m: where a hand is over the table, from its base."""
    return f"x {signed(state.x_m)} · y {signed(state.y_m)} m"


def bearing(heading_rad: float) -> float:
    """Degrees clockwise from north for an angle counted from +x (east) to the left."""
    return (90.0 - math.degrees(heading_rad)) % 360.0


def compass(bearing_deg: float) -> str:
    """The nearest of eight directions."""
    return COMPASS[round(bearing_deg / 45.0) % 8]


def turn(rate_radps: float) -> str:
    """Turn right 10 °/s"""
    deg = round(math.degrees(rate_radps))
    if deg == 0:
        return "Turn 0 °/s"
    return f"Turn {'left' if deg > 0 else 'right'} {abs(deg)} °/s"


def lever(link: LinkView) -> str:
    """What the hand lets go of."""
    return "keys" if link.input_device in KEYBOARDS else "stick"


def deadman(link: LinkView) -> str:
    """What must be held to move."""
    if link.input_device in KEYBOARDS:
        if link.state is not None and link.state.kind is RobotKind.ARM:
            return "Hold W A S D, R F, Q E, G or T to move"
        return "Hold W A S D or an arrow key to move"
    return "Hold the deadman (LB) to move"


def blocked_input(link: LinkView) -> tuple[str, str]:
    """Why the input device may not drive, and what to do; empty when it may."""
    if link.deadman or not link.focused:
        return "", ""
    what, _, remedy = link.input_problem.partition(": ")
    return what, remedy


def taking_over(link: LinkView) -> str:
    """How the policy is taken over from."""
    if link.input_device in KEYBOARDS:
        return "A driving key takes over"
    return "The deadman (LB) takes over"


def hold(reason: Hold, link: LinkView, state: RobotState) -> str:
    """Why it does not move, without the words "Not moving:" before it."""
    waited_s = 0.0 if state.call is None else (state.stamp_ns - state.call.stamp_ns) / 1e9
    match reason.reason:
        case HoldReason.CALLING:
            return f"it called for help {minutes(waited_s)} ago and waits for an operator"
        case HoldReason.NO_LEASE:
            return "nobody has the lease"
        case HoldReason.DEADMAN:
            return "deadman is released"
        case HoldReason.NOT_NEUTRAL:
            return f"let go of the {lever(link)} for {state.timing.neutral_ms / 1e3:.1f} s"
        case HoldReason.GAP:
            return f"no command for {age(reason.value)}"
        case HoldReason.STALE:
            return f"commands are {age(reason.value)} old, limit {age(reason.limit)}"
        case HoldReason.REFUSED if reason.refusal is not None:
            return f"commands are refused: {refusal(reason.refusal, state)}"
        case HoldReason.REFUSED:
            return f"commands are refused for {age(reason.value)}"
        case HoldReason.NO_PICTURE:
            return "no picture yet"
        case HoldReason.PICTURE_STALE:
            return f"picture is {age(reason.value)} old, limit {age(reason.limit)}"
        case HoldReason.POLICY_SILENT:
            return f"its policy is silent for {age(reason.value)}, limit {age(reason.limit)}"


def remedy(reason: Hold, link: LinkView) -> str:
    """What to do about it."""
    match reason.reason:
        case HoldReason.CALLING:
            return "Enter accepts the call."
        case HoldReason.NO_LEASE:
            return "F2 requests the lease."
        case HoldReason.DEADMAN:
            return f"{deadman(link)}."
        case HoldReason.NOT_NEUTRAL:
            return f"Then press the {lever(link)} again; nothing moves before."
        case HoldReason.GAP | HoldReason.STALE:
            return "Keep the deadman held; motion resumes by itself."
        case HoldReason.REFUSED if reason.refusal is not None:
            return _REFUSED[reason.refusal].remedy
        case HoldReason.REFUSED:
            return "F3 counts them by reason."
        case HoldReason.NO_PICTURE:
            return f"Let go of the {lever(link)}; press again once there is a picture."
        case HoldReason.PICTURE_STALE:
            return f"Let go of the {lever(link)}; press again once it is live."
        case HoldReason.POLICY_SILENT:
            return f"{deadman(link)}, or let it drive again."


@dataclass(frozen=True)
class _Refused:
    why: str  # "commands are refused: …"
    counted: str  # "12  …", in the list of the reasons
    remedy: str


_RESTART: Final = "Close this console and open it again."
_REFUSED: Final = {
    Refusal.MALFORMED: _Refused(
        "the robot cannot read them",
        "could not be read",
        "Console and robot may be of different versions: update the older one.",
    ),
    Refusal.ROLE: _Refused(
        "this console may only watch",
        "from a key that may not drive",
        "Whoever runs the robot decides that: unstick keys list.",
    ),
    Refusal.BOOT_ID: _Refused(
        "they are for the robot before its restart",
        "for the robot before its restart",
        "F2 requests the lease again, F5 arms it.",
    ),
    Refusal.NO_LEASE: _Refused(
        "nobody has the lease", "while nobody had the lease", "F2 requests the lease."
    ),
    Refusal.HELD_BY_OTHER: _Refused(
        "somebody else has the lease", "from another than the driver", "F2 asks its holder for it."
    ),
    Refusal.OLD_EPOCH: _Refused(
        "your lease has run out", "under a lease that had ended", "F2 requests it again."
    ),
    Refusal.SEQUENCE: _Refused(
        "they come out of order", "out of order", "Motion resumes with the next one in order."
    ),
    Refusal.ECHO: _Refused(
        "they echo what the robot never sent", "with an echo that was never sent", _RESTART
    ),
    Refusal.STALE: _Refused(
        "they are too old", "too old", "Keep the deadman held; motion resumes by itself."
    ),
    Refusal.NOT_FINITE: _Refused(
        "the input is not a number", "with an input that is no number", _RESTART
    ),
    Refusal.MODE: _Refused(
        "the robot is latched or disarmed",
        "while latched or disarmed",
        "F3 says what has to be done first.",
    ),
}


def refusal(reason: Refusal, state: RobotState) -> str:
    """Why the robot does not obey commands."""
    if reason is Refusal.HELD_BY_OTHER and state.lease.operator:
        return f"{state.lease.operator} has the lease"
    if reason is Refusal.STALE:
        return f"they are older than {age(state.timing.max_age_ms)}"
    return _REFUSED[reason].why


def refused(state: RobotState) -> tuple[Tally, ...]:
    """What was refused since the robot started, the most frequent first."""
    found = [
        Tally(count, _REFUSED[reason].counted)
        for reason, count in state.commands_refused.items()
        if count
    ]
    if state.policy_refused:
        found.append(Tally(state.policy_refused, "of the policy, which were no use"))
    return tuple(sorted(found, key=lambda tally: -tally.count))


def role(link: LinkView) -> str:
    """op-1 (operator); who this console is on the robot."""
    if link.role is None:
        return "not known to the robot" if link.trouble is Trouble.NOT_PAIRED else ""
    return f"{link.name} ({link.role})"


def watching(link: LinkView) -> str:
    """You watch, or more for somebody who may do nothing else."""
    return "You watch (observer)" if link.role is Role.OBSERVER else "You watch"


_VERDICTS: Final = {
    "EXACT": Chip("tick", "EXACT"),
    "SEMANTIC": Chip("ready", "SEMANTIC"),
    "FRAGILE": Chip("triangle", "FRAGILE", look=Look.LIMITED),
    "LABEL_FAULT": Chip("fault", "LABEL_FAULT", look=Look.FAILED),
    "DIVERGED": Chip("fault", "DIVERGED", look=Look.FAILED),
    "PREDICATE_FAULT": Chip("fault", "PREDICATE_FAULT", look=Look.FAILED),
    "UNVERIFIABLE": Chip("dashed", "UNVERIFIABLE", look=Look.DIM),
    "NOT_APPLIED": Chip("cross", "NOT_APPLIED", look=Look.DIM),
}


def verdict(name: str) -> Chip:
    """The chip of a verdict; one that this console does not know is shown, not judged."""
    return _VERDICTS.get(name, Chip("dashed", name, look=Look.DIM))
