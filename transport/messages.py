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

PROTOCOL_VERSION: Final = 6

Unit = Annotated[float, Meta(ge=-1.0, le=1.0)]  # also rejects NaN, infinities and booleans
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Size = Annotated[float, Meta(gt=0.0, le=1e6)]
Place = Annotated[float, Meta(ge=-1e3, le=1e3)]
Stamp = Annotated[int, Meta(ge=0, lt=2**62)]
Count = Annotated[int, Meta(ge=0, lt=2**62)]
NAME_LENGTH: Final = 64
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
Text = Annotated[str, Meta(max_length=400)]
Key = Annotated[str, Meta(min_length=40, max_length=40)]  # a CURVE public key, Z85
SDP_LENGTH: Final = 30_000  # characters of a WebRTC description; two cameras take 3,400


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
    """Why a command had no effect, in the order of the gate's checks."""

    FLOOD = "flood"  # more than one key may send: not read
    MALFORMED = "malformed"  # too long, in parts, not in the schema, a number out of range
    ROLE = "role"  # its key is not on the robot's list (any more), or may only watch
    BOOT_ID = "boot_id"  # for the robot before its restart
    NO_LEASE = "no_lease"
    HELD_BY_OTHER = "held_by_other"
    OLD_EPOCH = "old_epoch"
    SEQUENCE = "sequence"  # older than one already obeyed
    ECHO = "echo"  # an echo this robot never sent, or from the future
    STALE = "stale"  # the newest state its sender knew is too old
    NOT_FINITE = "not_finite"
    MODE = "mode"  # the robot is in a mode that no command leaves


class HoldReason(StrEnum):
    """Why the robot does not move; the console turns each into plain words."""

    CALLING = "calling"
    NO_LEASE = "no_lease"
    DEADMAN = "deadman"  # after a latch: released, has to be pressed anew
    NOT_NEUTRAL = "not_neutral"
    GAP = "gap"  # value: ms since the last accepted command
    STALE = "stale"  # value: loop age in ms, limit in ms
    REFUSED = "refused"  # commands arrive, none counts: `Hold.refusal` says why
    NO_PICTURE = "no_picture"
    PICTURE_STALE = "picture_stale"  # value: age of the painted picture in ms, limit in ms
    POLICY_SILENT = "policy_silent"  # value: ms since the policy's last usable wish


class RobotKind(StrEnum):
    """What is driven, by which a console chooses its keys and its words."""

    ROVER = "rover"  # a base on the floor
    ARM = "arm"  # a hand with a gripper


class Profile(StrEnum):
    """What the operator's link is good for; chosen while standing."""

    NORMAL = "normal"
    HIGH_LATENCY = "high_latency"  # older commands count, at a fraction of the speed


class CapCause(StrEnum):
    """What limits the speed at present."""

    ROBOT = "robot"
    LATENCY = "latency"
    PICTURE = "picture"
    PROFILE = "profile"
    WORKSPACE = "workspace"  # the edge of the workspace is near


class Source(StrEnum):
    """Whose wish a control tick carried out."""

    POLICY = "policy"
    HUMAN = "human"
    HOLD = "hold"
    SAFETY = "safety"


class Phase(StrEnum):
    """What part of the work a control tick belongs to."""

    AUTONOMOUS = "autonomous"  # the policy works
    HANDOVER = "handover"  # called, nobody drives yet
    RECOVERY = "recovery"  # the operator brings the robot back to where the policy can go on
    CORRECTION = "correction"  # the operator does better what the policy did badly
    RESET = "reset"  # the operator puts the scene back; no part of the task
    PAUSED = "paused"  # nothing has moved for a minute


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


class Twist(Wire, frozen=True, omit_defaults=True):
    """Velocity of what is driven, a base or a hand, in the robot's frame.

    A robot names those it has in `Description.action_names`; the others stay zero.
    """

    forward_mps: float  # m/s
    turn_radps: float  # rad/s, + left, around the vertical
    left_mps: float = 0.0  # m/s
    up_mps: float = 0.0  # m/s
    grip_ps: float = 0.0  # of a gripper's stroke per second, + closes; zero keeps its force


STILL: Final = Twist(forward_mps=0.0, turn_radps=0.0)


# --- operator to robot: commands (latest wins, own socket) ---


class Command(Wire, frozen=True, tag="command", omit_defaults=True):
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
    input_ns: Stamp  # the console's clock at the key event: for figures and the record only
    sent_ns: Stamp = 0  # the console's clock when this was sent: for the record only
    # Fractions like forward and turn. An axis that the robot lacks has no effect.
    left: Unit = 0.0
    up: Unit = 0.0
    grip: Unit = 0.0  # + closes


class StopRequest(Wire, frozen=True, tag="stop"):
    """STOP: obeyed from every key on the robot's list, latched, repeated until acknowledged.

    A `test` takes the same way through socket, thread and control tick and latches nothing.
    """

    session: Name
    request_id: Count
    test: bool = False


class StopAck(Wire, frozen=True, tag="stop_ack"):
    """The robot's answer once its set-point is zero and the disk remembers it."""

    request_id: Count


# --- operator to robot: requests (each gets one reply, own socket) ---


class Ping(Wire, frozen=True, tag="ping"):
    """Asks for nothing but the reply's stamp: round trip and clock offset, for display only."""


class RequestLease(Wire, frozen=True, tag="request_lease"):
    """Ask to be the one who drives; also how a call is accepted.

    A held lease is not granted: its holder is asked, see `RobotState.wanted`.
    """


class ForceLease(Wire, frozen=True, tag="force_lease"):
    """A supervisor takes the lease from whoever has it; the robot stops first."""

    reason: Annotated[str, Meta(min_length=3, max_length=400)]


class GrantLease(Wire, frozen=True, tag="grant_lease"):
    """The holder gives the lease to whoever asked for it."""

    epoch: Count
    session: Name  # of the one who asked


class DenyLease(Wire, frozen=True, tag="deny_lease"):
    """The holder keeps the lease; silence means the same after a while."""

    epoch: Count
    session: Name


class KeepLease(Wire, frozen=True, tag="keep_lease"):
    """Renew the lease; sent only while the window's own thread is alive.

    What the console has measured of the clocks goes into the record; no decision depends on it.
    """

    epoch: Count
    clock_offset_ns: int = 0  # the robot's clock minus the console's
    clock_error_ns: Annotated[int, Meta(ge=-1)] = -1  # of that, either way; -1: not measured


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
    """From here on the operator recovers, corrects, or puts the scene back."""

    epoch: Count
    phase: Phase


class MarkMoment(Wire, frozen=True, tag="mark_moment"):
    """A marker on the time line."""

    epoch: Count
    note: Text = ""


class AnnotationKind(StrEnum):
    """What is said about an episode."""

    OUTCOME = "outcome"  # text: success, failure, unlabelled
    REASON = "reason"  # why it went as it did
    TASK = "task"
    NOTE = "note"
    DISCARDED = "discarded"  # not to be used; text: why
    RESTORED = "restored"  # discarded no more


class LabelEpisode(Wire, frozen=True, tag="label_episode"):
    """Something about an episode, running or sealed; needs no lease."""

    episode: Name
    kind: AnnotationKind
    text: Text = ""


class ChooseProfile(Wire, frozen=True, tag="choose_profile"):
    """Another profile for the link; only while the robot stands."""

    epoch: Count
    profile: Profile


class StartPolicy(Wire, frozen=True, tag="start_policy"):
    """Let the policy work under the holder's lease; the deadman takes over again at once."""

    epoch: Count


class HandBack(Wire, frozen=True, tag="hand_back"):
    """End the intervention: the policy resumes and the lease is free."""

    epoch: Count


class ResetStop(Wire, frozen=True, tag="reset_stop"):
    """Clear a latched STOP or safe stop. Never moves the robot; refused without a reason."""

    epoch: Count
    reason: Text = ""


class ClearFault(Wire, frozen=True, tag="clear_fault"):
    """Maintenance has looked at the robot: it may be armed again. Never moves it."""

    reason: Annotated[str, Meta(min_length=3, max_length=400)]


class LookAtCall(Wire, frozen=True, tag="look_at_call"):
    """Say to the other consoles that somebody looks at a call; to be said again while it lasts."""

    call_id: Count  # the robot's present call, as for the two below


class SkipCall(Wire, frozen=True, tag="skip_call"):
    """Leave a call to the others."""

    call_id: Count


class PassCall(Wire, frozen=True, tag="pass_call"):
    """Leave a call to somebody, with a word about why."""

    call_id: Count
    to: Name  # by which the robot knows them
    note: Annotated[str, Meta(max_length=200)] = ""


RequestBody = (
    Ping
    | RequestLease
    | ForceLease
    | GrantLease
    | DenyLease
    | KeepLease
    | ReleaseLease
    | Arm
    | MarkOutcome
    | MarkPhase
    | MarkMoment
    | LabelEpisode
    | ChooseProfile
    | StartPolicy
    | HandBack
    | ResetStop
    | ClearFault
    | LookAtCall
    | SkipCall
    | PassCall
)


class Request(Wire, frozen=True, tag="request"):
    """A request; its reply carries the same `request_id`.

    Who asks is known from the key of the connection, not from anything in here.
    """

    request_id: Count
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
    name: str = ""  # by which the robot knows the sender
    role: Role | None = None  # what the robot lets the sender do


# --- robot to operators: state (latest wins) ---


class Looker(Wire, frozen=True):
    """Somebody who looks at a call."""

    name: Name
    until_ns: Stamp  # unless they say so again


class PassedOn(Wire, frozen=True):
    """Whom a call was left to, by whom and why."""

    to: Name
    by: Name
    note: Text
    stamp_ns: Stamp


class Call(Wire, frozen=True, omit_defaults=True):
    """A robot's call for help, and what people have done with it so far."""

    call_id: Count  # counts within one boot
    reason: Text  # "Wedged under furniture"
    detail: Text  # "Wheels turn 4 s, moved 0.01 m"
    stamp_ns: Stamp
    x_m: float = 0.0  # where the robot was when it called, as `RobotState.x_m`
    y_m: float = 0.0
    looking: tuple[Looker, ...] = ()  # who looks at it now, the newest last
    skipped: tuple[Name, ...] = ()  # who has left it to the others
    passed: PassedOn | None = None


class Lease(Wire, frozen=True):
    """Who may drive. `epoch` only ever grows, also across restarts."""

    epoch: Count = 0
    operator: str = ""  # name on the robot's list; empty: free
    key: str = ""  # the holder is a key and a session
    session: str = ""
    expires_ns: Stamp = 0


class LeaseWish(Wire, frozen=True):
    """Somebody wants a lease that is held; its holder decides until `until_ns`."""

    operator: Name
    key: Key
    session: Name
    until_ns: Stamp


class Hold(Wire, frozen=True):
    """Why the robot does not move, with what was measured and the limit it broke."""

    reason: HoldReason
    value: float = 0.0
    limit: float = 0.0
    refusal: Refusal | None = None  # of the newest command of the holder, for `REFUSED`


class Timing(Wire, frozen=True, array_like=True):
    """The limits in force on this robot, so that a console shows them instead of guessing."""

    max_age_ms: float  # of a command's loop, in the present profile
    hold_ms: float
    lost_ms: float
    neutral_ms: float
    picture_slow_ms: float
    picture_hold_ms: float
    normal_max_age_ms: float  # of a command's loop, in each profile
    high_latency_max_age_ms: float
    full_speed_ms: float  # latency up to which the speed is not capped


class Hand(Wire, frozen=True, array_like=True):
    """What an arm says of its hand beside `RobotState`'s x, y and heading."""

    z_m: float
    grip: float  # 0 open .. 1 closed
    grip_n: float  # force of the fingers


class RobotState(Wire, frozen=True, tag="robot_state", array_like=True):
    """Everything the robot says about itself, at `channels.STATE_HZ`.

    On the wire a list in this order, as are `Timing` and `Hand`: the names alone would be half of
    what a narrow line has to carry thirty times a second.
    """

    robot: Name
    site: Text
    boot_id: Name
    stamp_ns: Stamp
    tick: Count
    mode: Mode
    phase: Phase
    lease: Lease
    wanted: LeaseWish | None  # somebody asks its holder for the lease
    lease_note: Text  # how the lease last changed hands, when not by its holder's wish
    profile: Profile
    timing: Timing
    call: Call | None
    hold: Hold | None  # None while nothing prevents motion
    stopped_by: str  # operator whose STOP is latched, else empty
    latched_for: Text  # why it is in a safe stop or a fault, else empty
    intervention: int  # number of the running or last intervention; -1: none yet
    outcome: Outcome  # of the running or last intervention
    task: Text  # what has to be achieved: "Reach open floor"
    x_m: float  # localised pose, world frame; of an arm: of its hand, frame of its base
    y_m: float
    heading_rad: float  # counter-clockwise from +x
    speed_mps: float  # measured, + forward; of a hand its magnitude
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
    policy_refused: Count  # wishes of the policy that were not numbers, or under an old sub-lease
    loss_to_zero_ms: float  # last loss of commands: last accepted one to zero set-point; -1: none
    watchdog_trips: Count  # times the driver's own watchdog had to zero the motors
    missed_ticks: Count
    disk_refuses: bool  # STOP and lease cannot be remembered across a restart
    idle_s: float  # somebody has the robot, or it has called, and nothing moved for so long
    kind: RobotKind = RobotKind.ROVER
    hand: Hand | None = None  # of an arm
    has_policy: bool = True  # whether something drives it in AUTONOMY; else it stands by


class Beat(Wire, frozen=True, tag="beat"):
    """That the robot lives and when: the stamp of a state, on a connection of its own."""

    boot_id: Name
    stamp_ns: Stamp


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
    requested: Twist  # what whoever was in control wished, before limits
    applied: Twist  # what the motors were told
    deadman: bool
    command_seq: int  # -1: none in this tick
    command_age_ms: float  # loop age; -1: none
    picture_age_ms: float  # -1: none
    observed_ns: Stamp  # when `observation` was read
    received_ns: Stamp  # when the newest accepted command was taken in; 0: none
    applied_ns: Stamp  # when the motors had been told
    input_ns: Stamp  # key event behind that command, on the operator's clock; 0: none
    sent_ns: Stamp  # when the console sent it, on the operator's clock; 0: none
    clock_offset_ns: int  # this clock minus the operator's, as the console measures it
    clock_error_ns: int  # of that, either way; -1: not measured
    missed_before: Count  # ticks skipped just before this one
    state: bytes
    events: tuple[Event, ...] = ()
    operator: str = ""  # who has the robot, as the robot's list names them; empty: nobody
    consent: str = ""  # under which they are recorded, as that list says; empty: none is noted
    epoch: Count = 0  # of the lease under which `command_seq` counts …
    operator_key: str = ""  # … and the public key of its holder; empty: nobody drives


class Success(Wire, frozen=True):
    """When the task counts as solved."""

    name: Name
    version: Count  # raised when the same state may be judged differently
    held_ticks: Count  # for so long it has to hold
    sentence: Text
    judge: Name  # what decides: the simulator, a sensor, a person


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
    units: dict[str, str] = {}  # of each name of observations and actions, with the frame
    success: Success | None = None
    policy_sha256: str = ""  # of the policy's source or checkpoint
    calibration: dict[str, float] = {}  # what was measured on this very robot, units in the names
    hardware: dict[str, str] = {}  # model, serial number, firmware
    assets_sha256: dict[str, str] = {}  # of each file that the scene or the robot's model loads
    randomness: dict[str, str] = {}  # who draws random numbers, and where their state is kept
    controller_type: Text = ""  # what turns an action into motion, filters included
    calibration_id: Text = ""  # which measurement `calibration` is from; empty: none was made
    reset: Text = ""  # how the scene is put back before the next attempt


# --- robot to operators: pictures and recording ---


class CameraCondition(StrEnum):
    """Whether a camera gives pictures, as the robot sees it; a lost link is something else."""

    LIVE = "live"
    MISSING = "missing"  # it fails, or gives nothing
    FROZEN = "frozen"  # it repeats itself, or its capture time stands still
    BLACK = "black"  # new pictures, but nothing on them


class Sight(Wire, frozen=True, array_like=True):
    """How a camera on a base sees the floor, a pinhole, and what of the base goes over that floor.

    The frame is the floor's: origin below the middle of the driven axle, x forward, y left, z up.
    """

    focal_px: tuple[Size, Size]  # of the full picture
    centre_px: tuple[Size, Size]  # (0, 0) is the corner of the first pixel
    position_m: tuple[Place, Place, Place]
    rotation_wxyz: tuple[Unit, Unit, Unit, Unit]  # it looks along its own -z with y up
    width_px: Annotated[int, Meta(ge=1, le=2**16)]  # of the full picture
    body_m: Size  # width of the base's widest part: what has to pass
    front_m: Place  # from the axle to the foremost point


class CameraStatus(Wire, frozen=True):
    """One camera, as the robot sees it. Frames are counted from the camera to the viewers."""

    name: Name
    width: Count  # of the newest picture
    height: Count
    fps: float  # new pictures
    captured: Count
    encoded: Count
    skipped: Count  # newer ones came before the encoder was free
    viewers: Count
    condition: CameraCondition = CameraCondition.LIVE
    problem: Text = ""  # a sentence for the operator; of a live one: why it is not recorded
    since_s: float = 0.0  # since the newest new picture
    left_out: Count = 0  # not encoded: the viewers' lines carry no more
    unsent: Count = 0  # encoded, but not sent to single viewers
    unrecorded: Count = 0  # the recorder was late, or it is of another size than is recorded
    unusable: Count = 0  # no picture at all: wrong shape or type
    black: Count = 0
    repeated: Count = 0  # the camera gave them twice
    jumped: Count = 0  # its clock was set back; since then a picture is as old as its arrival
    bitrate_bps: Count = 0  # what the encoder keeps to
    stream_fps: float = 0.0  # the same
    sight: Sight | None = None  # of a calibrated camera on a base that drives


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


class LastEpisode(Wire, frozen=True):
    """What counts of the episode that was sealed last."""

    episode: Name
    outcome: Outcome
    reason: Text
    discarded: bool


class MediaState(Wire, frozen=True, tag="media_state"):
    """Cameras, recording and the last verdict, at `channels.MEDIA_STATE_HZ`."""

    robot: Name
    stamp_ns: Stamp
    cameras: tuple[CameraStatus, ...]
    recorder: RecorderPhase
    episode: str  # id of the running or last sealed episode, else empty
    episode_s: float  # its length so far
    recorder_detail: Text  # "robot disk full"; empty when all is well
    last: LastEpisode | None
    validating: str  # episode being replayed, else empty
    verdict: VerdictNotice | None
    disk_free_bytes: Count


class VideoOffer(Wire, frozen=True, tag="video_offer"):
    """A viewer's WebRTC offer for some cameras."""

    request_id: Count  # also names the connection that comes of it
    session: Name
    sdp: Annotated[str, Meta(max_length=SDP_LENGTH)]
    cameras: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=16)]  # order of sections


class VideoAnswer(Wire, frozen=True, tag="video_answer"):
    """The robot's WebRTC answer, or why there is none."""

    request_id: Count
    ok: bool
    sdp: Annotated[str, Meta(max_length=SDP_LENGTH)] = ""
    reason: Text = ""


class VideoConfirm(Wire, frozen=True, tag="video_confirm"):
    """The viewer's word that it is connected and has decoded a frame of each camera."""

    request_id: Count  # of the offer
    session: Name


class VideoConfirmed(Wire, frozen=True, tag="video_confirmed"):
    """The robot's word that its end is connected, too; not `ok`: the viewer has to offer again."""

    request_id: Count
    ok: bool
    reason: Text = ""


class Rendition(StrEnum):
    """How large a viewer wants one camera."""

    FULL = "full"
    SMALL = "small"  # half of width and height, at most 15 frames per second


class VideoChoose(Wire, frozen=True, tag="video_choose"):
    """A viewer's wish for one camera of its connection; it takes effect with a key frame."""

    request_id: Count
    session: Name
    camera: Name
    rendition: Rendition


class VideoChosen(Wire, frozen=True, tag="video_chosen"):
    """Whether the robot will do so; not `ok`: why not."""

    request_id: Count
    ok: bool
    reason: Text = ""


ViewerMessage = VideoOffer | VideoConfirm | VideoChoose


class Said(Wire, frozen=True, tag="said"):
    """Somebody on the robot's list said something about an episode."""

    episode: Name
    kind: AnnotationKind
    text: Text
    by: Name


class Calling(Wire, frozen=True, tag="calling"):
    """Whether the robot calls for help; sent when that changes, and now and then."""

    boot_id: Name
    call: Call | None


RobotBus = Tick | Description | Said | Calling

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
