"""The words on the screen for numbers, refusals and verdicts. Pure; tested as text.

A number keeps its unit and its count of decimals, so that it does not move sideways.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from teleop.operator_view import LinkView
from transport.messages import Hold, Refusal, RobotState
from ui.screen import Chip, Look

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


def camera(name: str) -> str:
    """Front"""
    return name.replace("_", " ").capitalize()


def episode(name: str) -> str:
    """The end of an episode's id: enough to tell one from another, short enough for a chip."""
    tail = name.rstrip("/").replace("_", "-").rsplit("-", 1)[-1]
    return (tail if tail else name)[-5:]


def speed(mps: float) -> str:
    """0.32, with a real minus sign."""
    text = f"{abs(mps):.2f}"
    return f"{MINUS}{text}" if mps <= -0.005 else text


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
        return "Hold W A S D or an arrow key to move"
    return "Hold the deadman (LB) to move"


def refusal(hold: Hold, link: LinkView, state: RobotState) -> str:
    """Why it does not move, without the words "Not moving:" before it."""
    damaged = sum(
        state.commands_refused.get(reason, 0) for reason in (Refusal.SEQUENCE, Refusal.MALFORMED)
    )
    waited_s = 0.0 if state.call is None else (state.stamp_ns - state.call.stamp_ns) / 1e9
    count = "1 command was" if damaged == 1 else f"{damaged} commands were"
    words = {
        Refusal.NO_LEASE: "you do not have the lease",
        Refusal.HELD_BY_OTHER: f"{state.lease.operator or 'another operator'} has the lease",
        Refusal.OLD_EPOCH: "your lease has run out, request it again",
        Refusal.DEADMAN: "deadman is released",
        Refusal.NOT_NEUTRAL: f"let go of the {lever(link)} for 0.5 s",
        Refusal.STALE: f"commands are {age(hold.value)} old, limit {age(hold.limit)}",
        Refusal.GAP: f"no command for {age(hold.value)}",
        Refusal.ECHO: "robot has restarted, arm again",
        Refusal.BOOT_ID: "robot has restarted, arm again",
        Refusal.SEQUENCE: f"{count} damaged or out of order",
        Refusal.MALFORMED: f"{count} damaged or out of order",
        Refusal.NO_PICTURE: "no picture yet",
        Refusal.PICTURE_STALE: f"picture is {age(hold.value)} old, limit {age(hold.limit)}",
        Refusal.MODE: "robot works by itself, hold the deadman to take over",
        Refusal.CALLING: f"it called for help {minutes(waited_s)} ago and waits for an operator",
    }
    return words[hold.reason]


def remedy(hold: Hold, link: LinkView) -> str:
    """What to do about it."""
    words = {
        Refusal.NO_LEASE: "Request the lease with F2.",
        Refusal.HELD_BY_OTHER: "Watch; its holder can hand back or release it.",
        Refusal.OLD_EPOCH: "F2 requests it again.",
        Refusal.DEADMAN: f"{deadman(link)}.",
        Refusal.NOT_NEUTRAL: f"Then press the {lever(link)} again; nothing moves before.",
        Refusal.STALE: "Keep the deadman held; motion resumes by itself.",
        Refusal.GAP: "Keep the deadman held; motion resumes by itself.",
        Refusal.ECHO: "F5 arms it.",
        Refusal.BOOT_ID: "F5 arms it.",
        Refusal.SEQUENCE: "Motion resumes with the next good command.",
        Refusal.MALFORMED: "Motion resumes with the next good command.",
        Refusal.NO_PICTURE: f"Let go of the {lever(link)}; press again once there is a picture.",
        Refusal.PICTURE_STALE: f"Let go of the {lever(link)}; press again once it is live.",
        Refusal.MODE: "Nothing else is needed.",
        Refusal.CALLING: "Enter accepts the call.",
    }
    return words[hold.reason]


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
