"""A link and a feed that are under the test's control, and the states a robot can be in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from teleop.operator_input import OperatorInput
from teleop.operator_view import LinkView, Reach, Refused, StopView
from teleop.safety import Limits
from teleop.self_test import SelfTest, Stage
from transport import clock
from transport.handshake import Trouble
from transport.mailbox import Mailbox
from transport.messages import (
    STILL,
    Call,
    CameraCondition,
    CameraStatus,
    CapCause,
    Hand,
    Lease,
    LeaseWish,
    MediaState,
    Mode,
    Outcome,
    Phase,
    Profile,
    RecorderPhase,
    RequestBody,
    RobotKind,
    RobotState,
    Role,
    Sight,
    Twist,
    VerdictNotice,
)
from transport.picture import Picture
from transport.video_figures import VideoFigures

MS = 1_000_000
ROBOT_NS = 900 * 10**9  # the robot's clock when a fake state is made
SESSION = "session-1"
KEY, OTHER_KEY = "a" * 40, "b" * 40
MINE = Lease(epoch=4, operator="op-1", key=KEY, session=SESSION, expires_ns=ROBOT_NS + 2_700 * MS)
OTHER = Lease(
    epoch=5, operator="op-2", key=OTHER_KEY, session="session-2", expires_ns=ROBOT_NS + 3_000 * MS
)
TIMING = Limits().timing(Profile.NORMAL)
SLOW_TIMING = Limits().timing(Profile.HIGH_LATENCY)
# No picture is veiled for its age, however slow the machine is.
PATIENT = msgspec.structs.replace(TIMING, picture_slow_ms=60_000.0)
TESTED = SelfTest(
    epoch=4,
    stop=Stage.PASSED,
    stop_ms=21.0,
    loss=Stage.PASSED,
    loss_ms=238.0,
    robot_loss_ms=214.0,
    released=True,
)
# The bundled rover's front camera.
SIGHT = Sight(
    focal_px=(376.7, 376.7),
    centre_px=(320.0, 240.0),
    position_m=(0.2, 0.0, 0.064),
    rotation_wxyz=(0.5377, 0.4592, -0.4592, -0.5377),
    width_px=640,
    body_m=0.336,
    front_m=0.194,
)
CALL = Call(
    call_id=3,
    reason="Wedged under furniture",
    detail="Wheels turn 4 s, moved 0.01 m",
    stamp_ns=ROBOT_NS - 39 * 10**9,
)


def robot_state(**changes: object) -> RobotState:
    """A robot that patrols by itself and has nothing to complain about."""
    state = RobotState(
        robot="rover-07",
        site="home-3 · living room",
        boot_id="boot-1",
        stamp_ns=ROBOT_NS,
        tick=54_000,
        mode=Mode.AUTONOMY,
        phase=Phase.AUTONOMOUS,
        lease=Lease(),
        wanted=None,
        lease_note="",
        profile=Profile.NORMAL,
        timing=TIMING,
        call=None,
        hold=None,
        stopped_by="",
        latched_for="",
        intervention=-1,
        outcome=Outcome.UNLABELLED,
        task="Reach open floor",
        x_m=1.2,
        y_m=0.4,
        heading_rad=math.radians(90 - 173),
        speed_mps=0.0,
        turn_radps=0.0,
        tilt_rad=math.radians(1.2),
        motor_a=1.8,
        battery_pct=64.0,
        bumper=False,
        asked=STILL,
        applied=STILL,
        cap_mps=0.5,
        max_mps=0.5,
        max_radps=1.5,
        cap_cause=CapCause.ROBOT,
        command_seq=-1,
        command_input_ns=0,
        command_applied_ns=0,
        command_age_ms=-1.0,
        picture_age_ms=-1.0,
        commands_accepted=0,
        commands_refused={},
        policy_refused=0,
        loss_to_zero_ms=-1.0,
        watchdog_trips=0,
        missed_ticks=0,
        disk_refuses=False,
        idle_s=0.0,
    )
    return msgspec.structs.replace(state, **changes)


def arm_state(**changes: object) -> RobotState:
    """An arm that nobody drives, its hand over the table."""
    values: dict[str, object] = {
        "robot": "arm-01",
        "site": "bench-2",
        "task": "Put the cube into the tray",
        "kind": RobotKind.ARM,
        "has_policy": False,
        "hand": Hand(z_m=0.21, grip=0.66, grip_n=1.6),
        "x_m": 0.41,
        "y_m": -0.1,
        "heading_rad": math.radians(-28),
        "max_mps": 0.25,
        "cap_mps": 0.25,
        "tilt_rad": 0.0,
        "motor_a": 0.0,
        "battery_pct": 100.0,
    }
    return robot_state(**{**values, **changes})


def arm_driven(**changes: object) -> RobotState:
    """An arm that this console drives, its hand on the way down."""
    told = Twist(forward_mps=0.1, left_mps=-0.04, up_mps=-0.08, turn_radps=0.3, grip_ps=0.4)
    values = {"speed_mps": 0.12, "turn_radps": 0.3, "asked": told, "applied": told}
    arm = arm_state()
    same = {name: getattr(arm, name) for name in ("kind", "hand", "has_policy", *_OF_AN_ARM)}
    return driven(**{**same, **values, **changes})


_OF_AN_ARM = ("robot", "site", "task", "x_m", "y_m", "heading_rad", "max_mps", "cap_mps")


def driven(**changes: object) -> RobotState:
    """A robot that this console drives, fast and fresh."""
    values: dict[str, object] = {
        "mode": Mode.TELEOP,
        "phase": Phase.RECOVERY,
        "lease": MINE,
        "intervention": 2,
        "speed_mps": 0.32,
        "turn_radps": -math.radians(10),
        "asked": Twist(forward_mps=0.32, turn_radps=-math.radians(10)),
        "applied": Twist(forward_mps=0.32, turn_radps=-math.radians(10)),
        "command_seq": 900,
        "command_age_ms": 14.0,
        "picture_age_ms": 76.0,
        "commands_accepted": 900,
    }
    return robot_state(**{**values, **changes})


def media_state(**changes: object) -> MediaState:
    """A recorder that waits for something worth recording."""
    camera = CameraStatus(
        name="front",
        width=640,
        height=480,
        fps=30.0,
        captured=900,
        encoded=900,
        skipped=0,
        viewers=1,
        sight=SIGHT,
    )
    media = MediaState(
        robot="rover-07",
        stamp_ns=ROBOT_NS,
        cameras=(camera, msgspec.structs.replace(camera, name="ceiling", sight=None)),
        recorder=RecorderPhase.PREROLL,
        episode="",
        episode_s=0.0,
        recorder_detail="",
        last=None,
        validating="",
        verdict=None,
        disk_free_bytes=41 * 10**9,
    )
    return msgspec.structs.replace(media, **changes)


def frozen(media: MediaState) -> MediaState:
    """The same, when each camera repeats its last picture."""
    said = "Camera {} repeats one picture since 3 s: restart it."
    cameras = tuple(
        msgspec.structs.replace(
            each, condition=CameraCondition.FROZEN, problem=said.format(each.name)
        )
        for each in media.cameras
    )
    return msgspec.structs.replace(media, cameras=cameras)


def dark(media: MediaState) -> MediaState:
    """The same, when the pictures of each camera are black."""
    cameras = tuple(
        msgspec.structs.replace(each, condition=CameraCondition.BLACK) for each in media.cameras
    )
    return msgspec.structs.replace(media, cameras=cameras)


def resized(media: MediaState, *names: str) -> MediaState:
    """The same, when these cameras have changed the size of their pictures."""
    said = "Camera {} gives 320x240, recorded are 640x480: its pictures are shown, not recorded."
    cameras = tuple(
        msgspec.structs.replace(each, width=320, height=240, problem=said.format(each.name))
        if each.name in names
        else each
        for each in media.cameras
    )
    return msgspec.structs.replace(media, cameras=cameras)


def wish(**changes: object) -> LeaseWish:
    """op-2 asks for the lease, 8 s before that lapses."""
    asked = LeaseWish(
        operator="op-2", key=OTHER_KEY, session="session-2", until_ns=ROBOT_NS + 8_000 * MS
    )
    return msgspec.structs.replace(asked, **changes)


EXACT = VerdictNotice(
    episode="rover-07-118",
    verdict="EXACT",
    sentence="Replayed from its start, the robot reached open floor; all states are equal.",
)


def link_view(state: RobotState | None, **changes: object) -> LinkView:
    """A link that is as it should be."""
    view = LinkView(
        address="127.0.0.1:7600",
        name="" if state is None else "op-1",
        role=None if state is None else Role.OPERATOR,
        session=SESSION,
        reach=Reach.SEARCHING if state is None else Reach.CONNECTED,
        silent_ms=20.0,
        trouble=None if state is not None else Trouble.UNREACHABLE,
        state=state,
        media=None if state is None else media_state(),
        media_silent_ms=100.0,
        round_trip_ms=None if state is None else 3.0,
        round_trip_p95_ms=None if state is None else 4.0,
        clock_offset_ns=None if state is None else 0,
        yours=state is not None and state.lease.session == SESSION,
        command_hz=60.0 if state is not None and state.lease.session == SESSION else 0.0,
        command_ms=(),
        stop=None,
        refused=None,
        self_test=TESTED if state is not None and state.lease.session == SESSION else SelfTest(),
        unattended_s=None,
        let_go_ns=None,
        input_device="Keyboard",
        deadman=False,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


@dataclass
class FakeLink:
    """Shows what it is given and remembers what it is asked."""

    shown: LinkView = field(default_factory=lambda: link_view(robot_state()))
    inputs: list[OperatorInput] = field(default_factory=list)
    requests: list[RequestBody] = field(default_factory=list)
    judged: list[Outcome] = field(default_factory=list)
    pads: list[OperatorInput | None] = field(default_factory=list)
    stops: int = 0
    let_go_count: int = 0
    focused: bool = False
    alive_at: list[int] = field(default_factory=list)
    painted_at: list[int] = field(default_factory=list)
    touched_at: list[int] = field(default_factory=list)
    closed: bool = False

    def view(self, now_ns: int) -> LinkView:
        return self.shown

    def set_pad(self, pad: OperatorInput | None) -> None:
        self.pads.append(pad)

    def set_focus(self, focused: bool) -> None:
        self.focused = focused

    def set_input(self, inp: OperatorInput) -> None:
        self.inputs.append(inp)

    def let_go(self) -> None:
        self.let_go_count += 1

    def request(self, body: RequestBody) -> None:
        self.requests.append(body)

    def judge(self, outcome: Outcome) -> None:
        self.judged.append(outcome)

    def stop(self) -> None:
        self.stops += 1

    def alive(self, now_ns: int) -> None:
        self.alive_at.append(now_ns)

    def touched(self, now_ns: int) -> None:
        self.touched_at.append(now_ns)

    def painted(self, captured_ns: int) -> None:
        self.painted_at.append(captured_ns)

    def close(self) -> None:
        self.closed = True


class FakeVideo:
    """A feed whose frames the test puts in itself."""

    def __init__(self, cameras: tuple[str, ...] = ("front", "ceiling")) -> None:
        self.mailboxes: dict[str, Mailbox[Picture]] = {name: Mailbox() for name in cameras}
        self.figures: dict[str, VideoFigures] = {name: VideoFigures() for name in cameras}
        self.on_wake: Callable[[], None] = lambda: None
        self.problem = ""
        self.way = "direct"
        self.server_trouble = ""
        self.expected: tuple[str, ...] = ()
        self.shown_px: dict[str, int] = {}
        self.started = False
        self.closed = False

    def expect(self, cameras: Sequence[str]) -> bool:
        self.expected = tuple(cameras)
        return False

    def subscribe(self, on_wake: Callable[[], None]) -> None:
        self.on_wake = on_wake

    def show_at(self, camera: str, width_px: int) -> None:
        self.shown_px[camera] = width_px

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True

    def put(self, picture: Picture) -> bool:
        """As the decoding thread does: one wake for each value that waits."""
        woke = self.mailboxes[picture.camera].put(picture)
        if woke:
            self.on_wake()
        return woke


def picture(
    camera: str = "front", number: int = 0, captured_ns: int | None = None, grey: int = 90
) -> Picture:
    """A plain frame, captured now unless said otherwise."""
    now_ns = clock.now_ns()
    frame = np.full((480, 640, 4), grey, dtype=np.uint8)
    return Picture(
        camera, number, now_ns if captured_ns is None else captured_ns, now_ns, now_ns, frame
    )


__all__ = [
    "CALL",
    "EXACT",
    "MINE",
    "MS",
    "OTHER",
    "PATIENT",
    "ROBOT_NS",
    "SESSION",
    "SLOW_TIMING",
    "TESTED",
    "TIMING",
    "FakeLink",
    "FakeVideo",
    "Refused",
    "StopView",
    "driven",
    "link_view",
    "media_state",
    "picture",
    "robot_state",
    "wish",
]
