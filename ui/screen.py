"""What the window shows, part by part, as frozen values: no Qt, no time, no decisions.

`ui.view_state` fills them from what the robot reported; the widgets draw them and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from transport.messages import Outcome, Phase
from ui.path_arc import PathArc


class Look(StrEnum):
    """How a part looks. Colour never stands alone: a shape and a word go with it."""

    QUIET = "quiet"  # normal: grey
    DIM = "dim"  # unavailable, not known
    YOURS = "yours"  # blue fill: yours
    LIMITED = "limited"  # amber outline: less than normal, or waits for somebody
    HOLD = "hold"  # amber fill: holds, and it is you who drives it
    LATCHED = "latched"  # red fill: latched until somebody resets it
    FAILED = "failed"  # red outline: a failed proof, a link that is gone


class Act(StrEnum):
    """What a button or a key of the window does."""

    REQUEST = "request"
    RELEASE = "release"
    ARM = "arm"
    RESET = "reset"
    ACCEPT = "accept"
    HAND_BACK = "hand back"
    SUCCESS = "success"
    FAILURE = "failure"
    CLEAR = "clear"  # takes the outcome back
    MARKER = "marker"
    RECOVERY = "recovery"
    CORRECTION = "correction"
    SCENE_RESET = "scene_reset"
    REASON = "reason"  # why an episode went as it did
    NOTE = "note"
    TASK = "task"  # what was to be done, in words a policy is trained on
    DISCARD = "discard"
    RESTORE = "restore"
    LET_DRIVE = "let it drive"
    TAKE_OVER = "take over"
    GRANT = "grant"
    DENY = "deny"
    HIGH_LATENCY = "high latency"
    NORMAL = "normal"
    CLEAR_FAULT = "clear fault"
    DISMISS = "dismiss"
    STOP = "stop"


@dataclass(frozen=True)
class Chip:
    """Shape, word and reason."""

    icon: str
    word: str
    detail: str = ""
    look: Look = Look.QUIET


@dataclass(frozen=True)
class LeaseFace:
    """Who may drive, and the button beside it."""

    title: str
    detail: str
    button: str
    act: Act
    enabled: bool


@dataclass(frozen=True)
class ReasonRow:
    """One of the ten lines of the reasons pop-up."""

    name: str
    value: str
    note: str = ""
    look: Look = Look.QUIET


@dataclass(frozen=True)
class Tally:
    """How often something was refused, and why, in plain words."""

    count: int
    why: str


@dataclass(frozen=True)
class Reasons:
    """The reasons pop-up."""

    title: str
    reported: str
    rows: tuple[ReasonRow, ...]
    refused: tuple[Tally, ...]  # the most frequent first
    foot: str
    button: str = ""  # empty: nothing can be done here
    act: Act | None = None


@dataclass(frozen=True)
class Veil:
    """What lies over a picture that must not be taken for live."""

    title: str
    detail: str
    black: bool  # nothing of the picture is left to see


@dataclass(frozen=True)
class PictureFace:
    """One camera: its tag, its frame, what lies over it."""

    title: str
    tag: Chip
    fps: str
    frame: Look
    stale_ms: float  # an older picture is veiled
    veil: Veil | None = None


@dataclass(frozen=True)
class Banner:
    """Why it does not move and what to do about it, on the video."""

    icon: str
    title: str
    detail: str
    look: Look


@dataclass(frozen=True)
class Notice:
    """Something between people, or a question to this one; over the top of the picture."""

    icon: str
    title: str
    detail: str
    buttons: tuple[tuple[str, Act], ...] = ()
    look: Look = Look.QUIET


@dataclass(frozen=True)
class HandFace:
    """What a hand shows where a base shows its heading."""

    height: str  # "0.21"
    grip: str  # "Grip 66 %, 1.6 N"
    grip_fraction: float  # 0 open .. 1 closed, for the bar


@dataclass(frozen=True)
class Hud:
    """Numbers over the main picture; the ground ahead stays free."""

    speed: str
    asked: str
    speed_fraction: float  # of the robot's own limit, for the bar
    cap_fraction: float
    cap: str
    cap_look: Look
    bearing: str
    compass: str
    bearing_deg: float  # clockwise from north
    turn: str
    blind: str
    blind_look: Look
    hand: HandFace | None = None  # of an arm: instead of bearing and turn
    arc: PathArc | None = None  # where a base goes at the present command
    no_arc: str = ""  # why there is none although it goes somewhere


@dataclass(frozen=True)
class LabelBar:
    """What can be said about the running intervention."""

    enabled: bool
    phase: Phase
    outcome: Outcome
    can_label: bool = False  # success and failure are possible: of this one, or of the last
    hand_back: bool = False  # possible now
    let_drive: bool = False  # possible now


@dataclass(frozen=True)
class CallPanel:
    """The call that waits, or the one you answer."""

    title: str
    age: str
    heading: str
    detail: str
    rows: tuple[tuple[str, str], ...]
    accept: bool  # a call waits and may be accepted now
    look: Look
    take_over: bool = False  # a supervisor may take the robot from its driver


@dataclass(frozen=True)
class Rescue:
    """What the replay of the last intervention found."""

    title: str
    note: str
    chip: Chip | None
    sentence: str


@dataclass(frozen=True)
class LogLine:
    """Something that happened, for people."""

    clock: str
    kind: str  # as `ui.history.Mark.kind`
    text: str


@dataclass(frozen=True)
class TelemetryRow:
    """One number with its unit; the trace beside it comes from the history."""

    name: str
    value: str
    unit: str
    look: Look = Look.QUIET
    limit: float | None = None  # drawn across the trace


@dataclass(frozen=True)
class StatusBar:
    """The bottom line."""

    message: str
    message_look: Look
    device: str
    deadman: bool
    commands: str
    commands_look: Look
    disk: str


@dataclass(frozen=True)
class Screen:
    """Everything the window shows at one moment."""

    robot: str
    site: str
    mode: Chip
    lease: LeaseFace
    readiness: Chip
    reasons: Reasons
    link: Chip  # word and detail are its two lines
    recording: Chip
    stop: Chip
    pictures: tuple[PictureFace, ...]  # main view first
    banner: Banner | None
    notice: Notice | None
    hud: Hud | None
    labels: LabelBar
    call: CallPanel
    rescue: Rescue
    session: tuple[tuple[str, str], ...]
    log: tuple[LogLine, ...]
    telemetry: tuple[TelemetryRow, ...]
    latency: str
    latency_look: Look
    latency_limit_ms: float  # up to here speed is full
    self_test: Chip  # shape and figures of the session's self-test
    status: StatusBar
    who: str  # who this console is on the robot
    why_not: Mapping[Act, str]  # why an act cannot be done now; empty when it can

    def may(self, act: Act) -> bool:
        """Whether `act` can be done now."""
        return not self.why_not[act]
