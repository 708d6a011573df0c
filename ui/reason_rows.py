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
from teleop.safety import Limits
from transport.channels import MEDIA_STATE
from transport.messages import CapCause, Mode, RecorderPhase, Refusal, RobotState
from ui import words
from ui.history import heard
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

# Which line each refusal stands in.
PLACE: Final = {
    Refusal.NO_LEASE: "Lease",
    Refusal.HELD_BY_OTHER: "Lease",
    Refusal.OLD_EPOCH: "Lease",
    Refusal.DEADMAN: "Input",
    Refusal.NOT_NEUTRAL: "Input",
    Refusal.STALE: "Commands",
    Refusal.GAP: "Commands",
    Refusal.ECHO: "Commands",
    Refusal.BOOT_ID: "Commands",
    Refusal.SEQUENCE: "Commands",
    Refusal.MALFORMED: "Commands",
    Refusal.NO_PICTURE: "Picture",
    Refusal.PICTURE_STALE: "Picture",
    Refusal.MODE: "Robot",
    Refusal.CALLING: "Robot",
}

# The robot reports what it does; these are its defaults, for marks and notes on the screen.
LIMITS: Final = Limits()
MEDIA_TTL_MS: Final = float(MEDIA_STATE.ttl_ms)
STALE_MS: Final = LIMITS.picture_slow_ms  # an older picture is veiled; the robot slows
FULL_SPEED_MS: Final = LIMITS.full_speed_latency_s * 1e3  # full speed up to this latency
TILTED_DEG: Final = 15.0
LOW_BATTERY_PCT: Final = 15.0
LOW_DISK: Final = 5 * 10**9


def reasons(
    link: LinkView, pictures: tuple[PictureView, ...], moving: bool, why_not: str
) -> Reasons:
    """The whole pop-up."""
    state = heard(link)
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
            "The console keeps trying",
        )
    makers: dict[str, Callable[[], ReasonRow]] = {
        "STOP": lambda: _stop(link, state),
        "Lease": lambda: _lease(link, state),
        "Input": lambda: ReasonRow(
            "Input", f"{link.input_device}, deadman {'held' if link.deadman else 'released'}"
        ),
        "Commands": lambda: _commands(link, state),
        "Picture": lambda: _picture(link, state, pictures),
        "Speed": lambda: _speed(state),
        "Robot": lambda: _robot(state),
        "Surroundings": lambda: _surroundings(state),
        "Recording": lambda: _recording(link),
        "Other pictures": lambda: _others(pictures),
    }
    foot, button, act = _foot(link, state)
    return Reasons(
        "What the robot reports" if moving else "Why the robot does not move",
        f"As the robot reported it {link.silent_ms / 1000:.1f} s ago",
        tuple(_blocked(makers[name](), link, state) for name in ROWS),
        foot,
        button,
        act,
    )


def _blocked(row: ReasonRow, link: LinkView, state: RobotState) -> ReasonRow:
    """The line as it is when it is the one that prevents motion."""
    if state.hold is None or PLACE[state.hold.reason] != row.name:
        return row
    if row.look is Look.LATCHED:
        return row
    look = Look.LATCHED if state.mode is Mode.LINK_LOST else Look.HOLD
    if state.hold.reason is Refusal.DEADMAN:
        look = Look.LIMITED  # letting go is no trouble
    sentence = words.refusal(state.hold, link, state)
    value = sentence.removeprefix("commands are ").removeprefix("picture is ")
    return replace(row, value=value, look=look)


def _stop(link: LinkView, state: RobotState) -> ReasonRow:
    trip = link.stop.round_trip_ms if link.stop else None
    note = f"last one answered in {trip:.0f} ms" if trip is not None else ""
    if state.mode is Mode.ESTOP:
        return ReasonRow("STOP", f"pressed by {state.stopped_by or 'somebody'}", note, Look.LATCHED)
    return ReasonRow("STOP", "not pressed", note)


def _lease(link: LinkView, state: RobotState) -> ReasonRow:
    left_s = (state.lease.expires_ns - state.stamp_ns) / 1e9
    if link.yours:
        return ReasonRow("Lease", "yours", f"runs {max(0.0, left_s):.1f} s without a renewal")
    if state.lease.operator:
        return ReasonRow("Lease", f"{state.lease.operator} has it", look=Look.LIMITED)
    return ReasonRow("Lease", "free")


def _commands(link: LinkView, state: RobotState) -> ReasonRow:
    refused = sum(state.commands_refused.values())
    note = f"{refused} of {state.commands_accepted + refused} refused" if refused else ""
    if not link.yours:
        return ReasonRow("Commands", "none sent", note)
    if state.command_age_ms < 0:
        return ReasonRow("Commands", "none arrived yet", note)
    return ReasonRow(
        "Commands", f"{link.command_hz:.0f} Hz, {words.age(state.command_age_ms)} old", note
    )


def _shown(picture: PictureView) -> tuple[str, bool]:
    """A camera in words, and whether it is fit to drive by."""
    name = words.camera(picture.camera)
    if picture.painted == 0:
        return f"{name}: no picture yet", False
    if picture.age_ms is None:
        return f"{name}: age not known", False
    if picture.age_ms > STALE_MS:
        return f"{name} {words.age(picture.age_ms)} old", False
    return f"{name} live, {picture.fps:.0f} fps", True


def _picture(link: LinkView, state: RobotState, pictures: tuple[PictureView, ...]) -> ReasonRow:
    hold_s = LIMITS.picture_hold_ms / 1e3
    note = f"slows at {STALE_MS:.0f} ms, stops at {hold_s:g} s"
    if not pictures:
        return ReasonRow("Picture", "no camera", note, Look.LIMITED)
    text, good = _shown(pictures[0])
    if good and link.yours and state.picture_age_ms > FULL_SPEED_MS:
        age_ms = pictures[0].ages_ms[-1] if pictures[0].ages_ms else pictures[0].age_ms or 0.0
        text, good = f"{words.camera(pictures[0].camera)} late, {words.age(age_ms)} old", False
    return ReasonRow("Picture", text, note, Look.QUIET if good else Look.LIMITED)


def _speed(state: RobotState) -> ReasonRow:
    if state.cap_cause is CapCause.ROBOT or state.cap_mps >= state.max_mps:
        return ReasonRow("Speed", f"up to {state.max_mps:.2f} m/s", "the robot's own limit")
    value = f"capped at {state.cap_mps:.2f} of {state.max_mps:.2f} m/s"
    age = words.age(max(0.0, state.picture_age_ms))
    if state.cap_cause is CapCause.LATENCY:
        note = f"latency {age}, full up to {FULL_SPEED_MS:.0f} ms"
    else:
        note = f"picture is {age} old"
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
    if state.mode in latched:
        return ReasonRow("Robot", latched[state.mode], note, Look.LATCHED)
    if state.mode in waiting:
        return ReasonRow("Robot", waiting[state.mode], note, Look.HOLD)
    if state.battery_pct < LOW_BATTERY_PCT:
        return ReasonRow("Robot", f"battery {state.battery_pct:.0f} %", "charge it", Look.LIMITED)
    return ReasonRow("Robot", note)


def _surroundings(state: RobotState) -> ReasonRow:
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
    low = media.disk_free_bytes < LOW_DISK
    return ReasonRow("Recording", f"{on}, {left}", look=Look.LIMITED if low else Look.QUIET)


def _others(pictures: tuple[PictureView, ...]) -> ReasonRow:
    if len(pictures) < 2:
        return ReasonRow("Other pictures", "none")
    shown = [_shown(picture) for picture in pictures[1:]]
    good = all(fit for _, fit in shown)
    text = "; ".join(text for text, _ in shown)
    return ReasonRow(
        "Other pictures", text, "" if good else "veiled", Look.QUIET if good else Look.LIMITED
    )


def _foot(link: LinkView, state: RobotState) -> tuple[str, str, Act | None]:
    """The one thing that can be done here."""
    if state.mode is Mode.FAULT:
        return "Only the field team can clear a fault", "", None
    if not link.yours:
        if state.lease.operator:
            return f"{state.lease.operator} has the lease", "", None
        return "Whoever has the lease may drive", "Request lease", Act.REQUEST
    if state.mode is Mode.ESTOP:
        return "A reset never moves the robot", "Reset STOP", Act.RESET
    if state.mode is Mode.DISARMED:
        return "Arming switches the motors on; nothing moves", "Arm", Act.ARM
    return f"Speed is full up to {FULL_SPEED_MS:.0f} ms latency", "", None
