"""The reasons pop-up: the same ten lines in the same order, so that the eye learns the place.

Pure. What blocks is marked (amber, red when latched), what limits has amber text, the rest is
quiet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from teleop.operator_view import LinkView, PictureView
from teleop.self_test import Stage
from transport.channels import MEDIA_STATE
from transport.messages import (
    CameraStatus,
    CapCause,
    Hold,
    HoldReason,
    Mode,
    Profile,
    RecorderPhase,
    Refusal,
    RobotState,
    Role,
)
from ui import words
from ui.facts import heard
from ui.offers import why_not
from ui.picture_cause import OF_CAMERA, cause_of, is_black, unrecorded
from ui.screen import Act, Look, ReasonRow, Reasons

ROWS: Final = (
    "STOP",
    "Lease",
    "Input",
    "Commands",
    "Picture",
    "Speed",
    "Robot",
    "Surroundings",
    "Recording",
    "Other pictures",
)

# Which line each reason stands in.
PLACE: Final = {
    HoldReason.CALLING: "Robot",
    HoldReason.NO_LEASE: "Lease",
    HoldReason.DEADMAN: "Input",
    HoldReason.NOT_NEUTRAL: "Input",
    HoldReason.GAP: "Commands",
    HoldReason.STALE: "Commands",
    HoldReason.REFUSED: "Commands",
    HoldReason.NO_PICTURE: "Picture",
    HoldReason.PICTURE_STALE: "Picture",
    HoldReason.POLICY_SILENT: "Robot",
}
# Refusals that are about the lease, and not about the way of the commands.
OF_LEASE: Final = frozenset(
    {Refusal.ROLE, Refusal.NO_LEASE, Refusal.HELD_BY_OTHER, Refusal.OLD_EPOCH}
)

BLACK: Final = "black, lens covered?"
MEDIA_TTL_MS: Final = float(MEDIA_STATE.ttl_ms)
TILTED_DEG: Final = 15.0
HELD_N: Final = 0.5  # less is friction of the fingers
LOW_BATTERY_PCT: Final = 15.0
LOW_DISK: Final = 5 * 10**9


def place_of(hold: Hold) -> str:
    """The line in which a reason stands."""
    if hold.reason is HoldReason.REFUSED and hold.refusal in OF_LEASE:
        return "Lease"
    return PLACE[hold.reason]


def reasons(
    link: LinkView, pictures: tuple[PictureView, ...], moving: bool, why_not: str
) -> Reasons:
    """The whole pop-up."""
    state = heard(link)
    causes = {picture.camera: cause_of(link, picture.camera) for picture in pictures}
    failing = {name: OF_CAMERA[cause] for name, cause in causes.items() if cause in OF_CAMERA}
    failing |= {name: BLACK for name in causes if is_black(link, name)}
    if state is None:
        rows = tuple(ReasonRow(name, "not known", look=Look.DIM) for name in ROWS)
        rows = tuple(
            replace(row, value=why_not, look=Look.HOLD) if row.name == "Robot" else row
            for row in rows
        )
        return Reasons(
            "Why the robot does not move",
            "The robot reports nothing",
            rows,
            (),
            "The console keeps trying",
        )
    makers: dict[str, Callable[[], ReasonRow]] = {
        "STOP": lambda: _stop(link, state),
        "Lease": lambda: _lease(link, state),
        "Input": lambda: _input(link),
        "Commands": lambda: _commands(link, state),
        "Picture": lambda: _picture(link, state, pictures, failing),
        "Speed": lambda: _speed(state),
        "Robot": lambda: _robot(state),
        "Surroundings": lambda: _surroundings(state),
        "Recording": lambda: _recording(link),
        "Other pictures": lambda: _others(state, pictures, failing),
    }
    foot, button, act = _foot(link, state)
    return Reasons(
        "What the robot reports" if moving else "Why the robot does not move",
        f"As the robot reported it {link.silent_ms / 1000:.1f} s ago",
        tuple(_blocked(makers[name](), link, state) for name in ROWS),
        words.refused(state),
        foot,
        button,
        act,
    )


def _blocked(row: ReasonRow, link: LinkView, state: RobotState) -> ReasonRow:
    """The line as it is when it is the one that prevents motion."""
    hold = state.hold
    if hold is None or place_of(hold) != row.name or link.self_test.losing:
        return row
    if row.look is Look.LATCHED or (row.name == "Input" and words.blocked_input(link)[0]):
        return row
    look = Look.LATCHED if state.mode is Mode.LINK_LOST else Look.HOLD
    if hold.reason is HoldReason.DEADMAN:
        look = Look.LIMITED  # letting go is no trouble
    sentence = words.hold(hold, link, state)
    value = sentence.removeprefix("commands are ").removeprefix("picture is ")
    return replace(row, value=value, look=look)


def _stop(link: LinkView, state: RobotState) -> ReasonRow:
    trip = link.stop.round_trip_ms if link.stop else None
    test = link.self_test
    note = f"self-test {test.stop_ms:.0f} ms" if test.stop_ms is not None else ""
    if trip is not None:
        note = f"last one answered in {trip:.0f} ms"
    if state.mode is Mode.ESTOP:
        return ReasonRow("STOP", f"pressed by {state.stopped_by or 'somebody'}", note, Look.LATCHED)
    if test.stop is Stage.FAILED:
        return ReasonRow(
            "STOP", "its test has no answer: the console does not drive", note, Look.HOLD
        )
    if state.disk_refuses:
        note = "a restart would forget it: disk refuses"
        return ReasonRow("STOP", "not pressed", note, Look.LIMITED)
    return ReasonRow("STOP", "not pressed", note)


def _lease(link: LinkView, state: RobotState) -> ReasonRow:
    left_s = (state.lease.expires_ns - state.stamp_ns) / 1e9
    if state.wanted is not None:
        asks = f"{state.wanted.operator} asks for it"
        return ReasonRow("Lease", f"{_holder(link, state)}, {asks}", look=Look.LIMITED)
    if link.yours:
        return ReasonRow("Lease", "yours", f"runs {max(0.0, left_s):.1f} s without a renewal")
    if state.lease.operator:
        return ReasonRow("Lease", f"{state.lease.operator} has it", look=Look.LIMITED)
    return ReasonRow("Lease", "free", words.watching(link) if link.role is Role.OBSERVER else "")


def _holder(link: LinkView, state: RobotState) -> str:
    return "yours" if link.yours else f"{state.lease.operator} has it"


def _input(link: LinkView) -> ReasonRow:
    problem, _ = words.blocked_input(link)
    if problem:
        return ReasonRow("Input", problem, look=Look.HOLD)
    held = f"{link.input_device}, deadman {'held' if link.deadman else 'released'}"
    if link.yours and link.deadman and not link.self_test.may_drive:
        return ReasonRow("Input", held, "not sent before the self-test", Look.LIMITED)
    return ReasonRow("Input", held)


def _commands(link: LinkView, state: RobotState) -> ReasonRow:
    refused = sum(state.commands_refused.values())
    note = f"{refused} of {state.commands_accepted + refused} refused" if refused else ""
    if not link.yours:
        return ReasonRow("Commands", "none sent", note)
    if link.self_test.loss is Stage.FAILED:
        return ReasonRow(
            "Commands", "without them it did not hold, in the self-test", note, Look.HOLD
        )
    if link.self_test.losing:
        return ReasonRow("Commands", "none sent: self-test of link loss", note)
    if state.command_age_ms < 0:
        return ReasonRow("Commands", "none arrived yet", note)
    if not note and state.loss_to_zero_ms >= 0:
        note = f"last loss: stood after {state.loss_to_zero_ms:.0f} ms"
    return ReasonRow(
        "Commands", f"{link.command_hz:.0f} Hz, {words.age(state.command_age_ms)} old", note
    )


def _shown(picture: PictureView, stale_ms: float, failing: dict[str, str]) -> tuple[str, bool]:
    """A camera in words, and whether it is fit to drive by."""
    name = words.camera(picture.camera)
    if picture.painted == 0:
        return f"{name}: no picture yet", False
    if picture.age_ms is None:
        return f"{name}: age not known", False
    if picture.age_ms > stale_ms and picture.camera in failing:
        return f"{name}: {failing[picture.camera]} for {words.age(picture.age_ms)}", False
    if picture.age_ms > stale_ms:
        return f"{name} {words.age(picture.age_ms)} old", False
    if failing.get(picture.camera) == BLACK:
        return f"{name}: {BLACK}", False
    return f"{name} live, {picture.fps:.0f} fps", True


def _picture(
    link: LinkView,
    state: RobotState,
    pictures: tuple[PictureView, ...],
    failing: dict[str, str],
) -> ReasonRow:
    timing = state.timing
    note = f"slows at {timing.picture_slow_ms:.0f} ms, stops at {timing.picture_hold_ms / 1e3:g} s"
    if not pictures:
        return ReasonRow("Picture", "no camera", note, Look.LIMITED)
    text, good = _shown(pictures[0], timing.picture_slow_ms, failing)
    if good and link.yours and state.picture_age_ms > timing.full_speed_ms:
        age_ms = pictures[0].ages_ms[-1] if pictures[0].ages_ms else pictures[0].age_ms or 0.0
        text, good = f"{words.camera(pictures[0].camera)} late, {words.age(age_ms)} old", False
    return ReasonRow("Picture", text, note, Look.QUIET if good else Look.LIMITED)


def _speed(state: RobotState) -> ReasonRow:
    value = f"capped at {state.cap_mps:.2f} of {state.max_mps:.2f} m/s"
    age = words.age(max(0.0, state.picture_age_ms))
    if state.cap_mps >= state.max_mps:
        return ReasonRow("Speed", f"up to {state.max_mps:.2f} m/s", "the robot's own limit")
    match state.cap_cause:
        case CapCause.ROBOT:
            return ReasonRow("Speed", f"up to {state.cap_mps:.2f} m/s", "the robot's own limit")
        case CapCause.LATENCY:
            note = f"latency {age}, full up to {state.timing.full_speed_ms:.0f} ms"
        case CapCause.PICTURE:
            note = f"picture is {age} old"
        case CapCause.PROFILE:
            note = f"HIGH LATENCY, commands up to {words.age(state.timing.max_age_ms)} old"
        case CapCause.WORKSPACE:
            note = "at the edge of its work area"
    return ReasonRow("Speed", value, note, Look.LIMITED)


def _robot(state: RobotState) -> ReasonRow:
    latched = {
        Mode.SAFE_STOP: "has stopped itself",
        Mode.FAULT: "reports a fault",
    }
    waiting = {
        Mode.BOOT: "checks itself",
        Mode.DISARMED: "motors are off",
    }
    note = f"battery {state.battery_pct:.0f} %, motors {state.motor_a:.1f} A"
    if state.hand is not None:
        note = f"hand at {words.place(state)}"
    if state.mode in latched:
        return ReasonRow("Robot", state.latched_for or latched[state.mode], note, Look.LATCHED)
    if state.mode in waiting:
        return ReasonRow("Robot", waiting[state.mode], note, Look.HOLD)
    if state.battery_pct < LOW_BATTERY_PCT:
        return ReasonRow("Robot", f"battery {state.battery_pct:.0f} %", "charge it", Look.LIMITED)
    if state.watchdog_trips:
        times = "once" if state.watchdog_trips == 1 else f"{state.watchdog_trips} times"
        return ReasonRow("Robot", note, f"its watchdog had to stop it {times}", Look.LIMITED)
    return ReasonRow("Robot", note)


def _surroundings(state: RobotState) -> ReasonRow:
    if state.hand is not None:
        held = state.hand.grip_n >= HELD_N
        what = f"fingers press with {state.hand.grip_n:.1f} N" if held else "fingers are free"
        return ReasonRow("Surroundings", what, f"{words.signed(state.hand.z_m)} m high")
    tilt = math.degrees(state.tilt_rad)
    note = f"tilt {tilt:.1f}°"
    if state.bumper:
        return ReasonRow("Surroundings", "bumper is pressed", note, Look.LIMITED)
    if tilt > TILTED_DEG:
        return ReasonRow("Surroundings", f"tilted by {tilt:.0f}°", look=Look.LIMITED)
    return ReasonRow("Surroundings", "bumper is free", note)


def _recording(link: LinkView) -> ReasonRow:
    media = link.media
    if media is None or link.media_silent_ms > MEDIA_TTL_MS:
        return ReasonRow("Recording", "recorder does not answer", look=Look.LIMITED)
    left = f"{words.space(media.disk_free_bytes)} left"
    if media.recorder is RecorderPhase.FAILED:
        return ReasonRow("Recording", media.recorder_detail or "failed", left, Look.LIMITED)
    on = "on" if media.recorder is RecorderPhase.RECORDING else "ready"
    if media.recorder is RecorderPhase.RECORDING and (idle := words.idle(link)):
        return ReasonRow("Recording", f"on, {idle}", left, Look.LIMITED)
    low = media.disk_free_bytes < LOW_DISK
    if without := unrecorded(link):
        note = left if low else ""
        return ReasonRow("Recording", f"{on}, {_without(without)}", note, Look.LIMITED)
    return ReasonRow("Recording", f"{on}, {left}", look=Look.LIMITED if low else Look.QUIET)


def _without(cameras: tuple[CameraStatus, ...]) -> str:
    """One with its sizes, which the robot's sentence has; of several, their names."""
    if len(cameras) == 1:
        sizes = cameras[0].problem.partition(":")[0].removeprefix(f"Camera {cameras[0].name} ")
        return f"not {words.camera(cameras[0].name)}: {sizes}"
    names = ", ".join(words.camera(each.name) for each in cameras)
    return f"not {names}: of another size"


def _others(
    state: RobotState, pictures: tuple[PictureView, ...], failing: dict[str, str]
) -> ReasonRow:
    if len(pictures) < 2:
        return ReasonRow("Other pictures", "none")
    shown = [_shown(picture, state.timing.picture_slow_ms, failing) for picture in pictures[1:]]
    good = all(fit for _, fit in shown)
    bright = [p for p in pictures[1:] if failing.get(p.camera) != BLACK]
    veiled = "" if good or not bright else "veiled"
    text = "; ".join(text for text, _ in shown)
    return ReasonRow("Other pictures", text, veiled, Look.QUIET if good else Look.LIMITED)


def _foot(link: LinkView, state: RobotState) -> tuple[str, str, Act | None]:
    """The one thing that can be done here."""
    limit = words.age(state.timing.high_latency_max_age_ms)
    offers = (
        (Act.CLEAR_FAULT, "Look at the robot first", "Clear fault…"),
        (Act.TAKE_OVER, f"{state.lease.operator} has the lease", "Take over…"),
        (Act.REQUEST, "Whoever has the lease may drive", "Request lease"),
        (Act.RESET, "A reset never moves the robot", "Reset…"),
        (Act.ARM, "Arming switches the motors on; nothing moves", "Arm"),
        (Act.NORMAL, "HIGH LATENCY is on: slower", "Back to normal"),
        (Act.HIGH_LATENCY, f"Slow link: slower, by commands up to {limit} old", "High latency"),
    )
    for act, foot, button in offers:
        if not why_not(act, link):
            if act is Act.REQUEST and state.lease.operator:
                return f"{state.lease.operator} has the lease", "Ask for it", act
            return foot, button, act
    if state.mode is Mode.FAULT:
        return "Only maintenance can clear a fault", "", None
    if state.lease.operator and not link.yours:
        return f"{state.lease.operator} has the lease", "", None
    if link.role is Role.OBSERVER:
        return words.watching(link), "", None
    if state.profile is Profile.HIGH_LATENCY:
        return f"HIGH LATENCY is on: commands up to {limit} old count", "", None
    return f"Speed is full up to {state.timing.full_speed_ms:.0f} ms latency", "", None
