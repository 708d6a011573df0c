"""The whole vocabulary of the wire and of the recording: frozen structs, closed schemas.

Units are in the names. Stamps are the robot's monotonic nanoseconds unless a name says otherwise.
A decoder raises `MalformedMessage` for anything that does not fit, whatever was wrong with it.
Numbers that move a robot are bounded here; the gate checks them once more.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

PROTOCOL_VERSION: Final = 1

Unit = Annotated[float, Meta(ge=-1.0, le=1.0)]  # also rejects NaN, infinities and booleans
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Stamp = Annotated[int, Meta(ge=0, lt=2**62)]
Count = Annotated[int, Meta(ge=0, lt=2**62)]
NAME_LENGTH: Final = 64
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
Text = Annotated[str, Meta(max_length=400)]


class MalformedMessage(ValueError):
    """A message that does not fit its schema: the peer is at fault, or is another version."""


class Mode(StrEnum):
    """What the robot is doing, as it reports it; the severity order stands in `teleop.mode`."""

    BOOT = "BOOT"
    DISARMED = "DISARMED"
    READY = "READY"
    TELEOP = "TELEOP"
    AUTONOMY = "AUTONOMY"
    HOLD = "HOLD"
    LINK_LOST = "LINK_LOST"
    SAFE_STOP = "SAFE_STOP"
    ESTOP = "ESTOP"
    FAULT = "FAULT"


class Refusal(StrEnum):
    """Why a command did not move the robot; the console turns each into plain words."""

    NO_LEASE = "no_lease"
    HELD_BY_OTHER = "held_by_other"
    OLD_EPOCH = "old_epoch"
    DEADMAN = "deadman"
    NOT_NEUTRAL = "not_neutral"
    STALE = "stale"  # value: loop age in ms, limit in ms
    GAP = "gap"  # value: ms since the last accepted command
    ECHO = "echo"  # an echo this robot never sent, or from the future
    BOOT_ID = "boot_id"
    SEQUENCE = "sequence"
    MALFORMED = "malformed"
    NO_PICTURE = "no_picture"
    PICTURE_STALE = "picture_stale"  # value: age of the painted picture in ms, limit in ms
    MODE = "mode"
    CALLING = "calling"


class CapCause(StrEnum):
    """What limits the speed at present."""

    ROBOT = "robot"
    LATENCY = "latency"
    PICTURE = "picture"


class Source(StrEnum):
    """Whose wish a control tick carried out."""

    POLICY = "policy"
    HUMAN = "human"
    HOLD = "hold"
    SAFETY = "safety"


class Phase(StrEnum):
    """What part of the work a control tick belongs to."""

    PATROL = "patrol"
    WAIT = "wait"  # called, nobody drives yet
    RECOVERY = "recovery"
    CORRECTION = "correction"
    PAUSED = "paused"


class Outcome(StrEnum):
    """The operator's judgement of an intervention."""

    UNLABELLED = "unlabelled"
    SUCCESS = "success"
    FAILURE = "failure"


class Role(StrEnum):
    """What the owner of a key may do; the robot's list of keys says who has which."""

    OBSERVER = "observer"  # sees, hears the state, may press STOP
    OPERATOR = "operator"  # may drive
    SUPERVISOR = "supervisor"  # may drive, and take the lease from somebody else
    MAINTENANCE = "maintenance"  # may clear a fault


class Wire(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of everything below: immutable, closed, fields by name."""


class Twist(Wire, frozen=True):
    """Planar velocity in the robot's frame: x forward, turn positive to the left."""

    forward_mps: float  # m/s
    turn_radps: float  # rad/s


STILL: Final = Twist(forward_mps=0.0, turn_radps=0.0)


# --- operator to robot: commands (latest wins, own socket) ---


class Command(Wire, frozen=True, tag="command"):
    """One command of the operator, sent at `channels.COMMAND_HZ` while a lease is held."""

    session: Name  # holder of the lease, made by the console at its start
    boot_id: Name  # the robot's, echoed; another boot refuses it
    epoch: Count  # the lease's
    seq: Count  # strictly increasing within one session
    echo_ns: Stamp  # newest RobotState.stamp_ns seen: freshness without comparing clocks
    painted_ns: Stamp  # capture stamp of the newest frame painted in the main view; 0: none yet
    deadman: bool  # an input that must be held is held, and the window has the focus
    forward: Unit  # fraction of the robot's own limit, + forward
    turn: Unit  # fraction of the robot's own limit, + left
    input_ns: Stamp  # the console's clock at the key event: for its own latency figures only


class StopRequest(Wire, frozen=True, tag="stop"):
    """STOP: obeyed from anyone, latched, repeated until acknowledged."""

    operator: Name
    session: Name
    request_id: Count


class StopAck(Wire, frozen=True, tag="stop_ack"):
    """The robot's answer once its set-point is zero."""

    request_id: Count
    stamp_ns: Stamp
    by: Name  # whose STOP stands


# --- operator to robot: requests (each gets one reply, own socket) ---


class Ping(Wire, frozen=True, tag="ping"):
    """Asks for nothing but the reply's stamp: round trip and clock offset, for display only."""


class RequestLease(Wire, frozen=True, tag="request_lease"):
    """Ask to be the one who drives; also how a call is accepted."""


class KeepLease(Wire, frozen=True, tag="keep_lease"):
    """Renew the lease; sent only while the window's own thread is alive."""

    epoch: Count


class ReleaseLease(Wire, frozen=True, tag="release_lease"):
    """Give the lease back; the robot holds."""

    epoch: Count


class Arm(Wire, frozen=True, tag="arm"):
    """Switch the motors on after a start or a reset; nothing moves."""

    epoch: Count


class MarkOutcome(Wire, frozen=True, tag="mark_outcome"):
    """Success or failure of the present intervention; the last one before hand-back counts."""

    epoch: Count
    outcome: Outcome


class MarkPhase(Wire, frozen=True, tag="mark_phase"):
    """From here on the operator recovers, or corrects."""

    epoch: Count
    phase: Phase


class MarkMoment(Wire, frozen=True, tag="mark_moment"):
    """A marker on the time line."""

    epoch: Count
    note: Text = ""


class HandBack(Wire, frozen=True, tag="hand_back"):
    """End the intervention: the policy resumes and the lease is free."""

    epoch: Count


class ResetStop(Wire, frozen=True, tag="reset_stop"):
    """Clear a latched STOP. Never moves the robot."""

    epoch: Count
    reason: Text = ""


RequestBody = (
    Ping
    | RequestLease
    | KeepLease
    | ReleaseLease
    | Arm
    | MarkOutcome
    | MarkPhase
    | MarkMoment
    | HandBack
    | ResetStop
)


class Request(Wire, frozen=True, tag="request"):
    """A request with who asks; its reply carries the same `request_id`."""

    request_id: Count
    operator: Name
    session: Name
    body: RequestBody
    version: Count = PROTOCOL_VERSION


class Reply(Wire, frozen=True, tag="reply"):
    """The answer to one request; `reason` is a sentence for the operator when not `ok`."""

    request_id: Count
    ok: bool
    reason: Text = ""
    epoch: Count = 0  # of the lease, when one was granted
    stamp_ns: Stamp = 0  # when the robot answered


# --- robot to operators: state (latest wins) ---


class Call(Wire, frozen=True):
    """A robot's call for help."""

    call_id: Count
    reason: Text  # "Wedged under furniture"
    detail: Text  # "Wheels turn 4 s, moved 0.01 m"
    stamp_ns: Stamp


class Lease(Wire, frozen=True):
    """Who may drive. `epoch` only ever grows, also across restarts."""

    epoch: Count = 0
    operator: str = ""  # empty: free
    session: str = ""
    expires_ns: Stamp = 0


class Hold(Wire, frozen=True):
    """Why the robot does not move, with what was measured and the limit it broke."""

    reason: Refusal
    value: float = 0.0
    limit: float = 0.0


class RobotState(Wire, frozen=True, tag="robot_state"):
    """Everything the robot says about itself, at `channels.STATE_HZ`."""

    robot: Name
    site: Text
    boot_id: Name
    stamp_ns: Stamp
    tick: Count
    mode: Mode
    phase: Phase
    lease: Lease
    call: Call | None
    hold: Hold | None  # None while nothing prevents motion
    stopped_by: str  # operator whose STOP is latched, else empty
    intervention: int  # number of the running or last intervention; -1: none yet
    outcome: Outcome  # of the running or last intervention
    task: Text  # what has to be achieved: "Reach open floor"
    x_m: float  # localised pose, world frame
    y_m: float
    heading_rad: float  # counter-clockwise from +x
    speed_mps: float  # measured, + forward
    turn_radps: float  # measured, + left
    tilt_rad: float  # angle between the robot's up and the world's
    motor_a: float  # drive motors, sum of magnitudes
    battery_pct: float
    bumper: bool
    asked: Twist  # what the source in control asked for, before limits
    applied: Twist  # what the motors were told
    cap_mps: float  # speed allowed now
    max_mps: float  # the robot's own limit
    max_radps: float
    cap_cause: CapCause
    command_seq: int  # last accepted; -1: none
    command_input_ns: Stamp  # Command.input_ns of the newest input accepted (the console's clock)
    command_applied_ns: Stamp  # when the motors were told first (the robot's clock)
    command_age_ms: float  # loop age of the last command received, accepted or not; -1: none
    picture_age_ms: float  # age of the operator's painted picture as the robot knows it; -1: none
    commands_accepted: Count
    commands_refused: dict[Refusal, int]
    missed_ticks: Count


# --- robot, inside: what each control tick was; also what is recorded ---


class Event(Wire, frozen=True):
    """Something that happened at a tick: call, takeover, outcome, marker, hand back, STOP …"""

    kind: Name
    text: Text = ""
    by: str = ""


class Tick(Wire, frozen=True, tag="tick"):
    """One control tick: the state before it, what was wished, what was applied.

    `state` is the complete state of the robot (of the simulation: MuJoCo's integration state) as
    little-endian float64; restoring it and applying `applied` gives the next tick's state.
    """

    tick: Count
    stamp_ns: Stamp
    boot_id: Name
    mode: Mode
    source: Source
    phase: Phase
    intervention: int  # -1: none
    outcome: Outcome
    observation: tuple[float, ...]  # in the order of Description.observation_names
    policy: Twist  # what the policy wished, also while it was not in control
    human: Twist  # what the operator wished, also while not in control
    applied: Twist
    deadman: bool
    command_seq: int  # -1: none in this tick
    command_age_ms: float  # loop age; -1: none
    picture_age_ms: float  # -1: none
    missed_before: Count  # ticks skipped just before this one
    state: bytes
    events: tuple[Event, ...] = ()


class Description(Wire, frozen=True, tag="description"):
    """What this robot is: enough to label its data and to build it again for a replay."""

    robot: Name
    robot_type: Name
    site: Text
    boot_id: Name
    scenario: Name
    seed: int
    scene_sha256: str  # of the compiled scene's XML
    task: Text
    tick_hz: Count
    observation_names: tuple[str, ...]
    action_names: tuple[str, ...]
    controller: dict[str, float]  # gains and limits by name, units in the names
    policy: Text  # name and version
    versions: dict[str, str]  # of everything that decides how actions become motion
    cameras: tuple[str, ...]
    limits: dict[str, float] = {}  # what the gate enforced, names as in teleop.safety.Limits


# --- robot to operators: pictures and recording ---


class CameraStatus(Wire, frozen=True):
    """One camera, as the robot sees it."""

    name: Name
    width: Count
    height: Count
    fps: float
    captured: Count
    encoded: Count
    skipped: Count  # newer ones came before the encoder, or the recorder, was free
    viewers: Count


class RecorderPhase(StrEnum):
    """What the recorder is doing."""

    PREROLL = "preroll"
    RECORDING = "recording"
    SEALED = "sealed"
    FAILED = "failed"


class VerdictNotice(Wire, frozen=True):
    """What the replay of an episode found; the whole verdict lies beside the episode."""

    episode: Name
    verdict: Name
    sentence: Text


class MediaState(Wire, frozen=True, tag="media_state"):
    """Cameras, recording and the last verdict, at `channels.MEDIA_STATE_HZ`."""

    robot: Name
    stamp_ns: Stamp
    cameras: tuple[CameraStatus, ...]
    recorder: RecorderPhase
    episode: str  # id of the running or last sealed episode, else empty
    episode_s: float  # its length so far
    recorder_detail: Text  # "robot disk full"; empty when all is well
    validating: str  # episode being replayed, else empty
    verdict: VerdictNotice | None
    disk_free_bytes: Count


class VideoOffer(Wire, frozen=True, tag="video_offer"):
    """A viewer's WebRTC offer for some cameras."""

    request_id: Count
    operator: Name
    session: Name
    sdp: Annotated[str, Meta(max_length=60_000)]
    cameras: tuple[str, ...]  # in the order of the offer's video sections


class VideoAnswer(Wire, frozen=True, tag="video_answer"):
    """The robot's WebRTC answer, or why there is none."""

    request_id: Count
    ok: bool
    sdp: Annotated[str, Meta(max_length=60_000)] = ""
    reason: Text = ""


RobotBus = Tick | Description

M = TypeVar("M")

_ENCODER = msgspec.msgpack.Encoder()


def encode(message: Wire) -> bytes:
    """The bytes of a message (msgpack)."""
    return _ENCODER.encode(message)


def decoder_of(kind: type[M]) -> Callable[[bytes], M]:
    """A decoder for one message type or union; it raises `MalformedMessage` and nothing else.

    msgspec raises `UnicodeDecodeError` and `RecursionError` beside its own errors for hostile
    bytes, so everything is caught here, at the edge, and nowhere else.
    """
    decoder = msgspec.msgpack.Decoder(kind)

    def decode(raw: bytes) -> M:
        try:
            return decoder.decode(raw)
        except Exception as error:  # noqa: BLE001
            raise MalformedMessage(str(error)[:200]) from None

    return decode
