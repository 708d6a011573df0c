"""From what the robot reported to what the window shows: pure, no Qt, no clock, tested as text.

`screen_of` is the only entry. Everything on the screen comes from the robot's own report or from
what this console measured; what is too old to be true is shown as not known, never as last seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from teleop.operator_view import LinkView, PictureView, Reach
from transport.messages import Mode, Outcome, Phase, RecorderPhase, Refusal, RobotState
from ui import words
from ui.dock_state import (
    call_panel,
    log_of,
    rescue_of,
    session_of,
    status_of,
    telemetry_of,
    unreachable,
)
from ui.history import Facts, Mark, heard
from ui.picture_state import (
    GONE_MS,
    LATE_MS,
    banner_of,
    frame_of,
    hud_of,
    latency_ms,
    limited_by,
    picture_face,
    steady_age,
)
from ui.reason_rows import MEDIA_TTL_MS, STALE_MS, TILTED_DEG, reasons
from ui.screen import Act, Chip, LabelBar, LeaseFace, Look, Screen

ANSWER_MS: Final = 200.0  # STOP should be answered within
BLOCKED_NS: Final = 10**9  # told to move for so long without moving: something holds it


def screen_of(
    link: LinkView,
    pictures: Sequence[PictureView],
    facts: Facts,
    now_ns: int,
    wall: datetime,
    marks: Sequence[Mark] = (),
) -> Screen:
    """Everything the window shows. `pictures` has the main view first; `wall` is local time."""
    shown = tuple(pictures)
    state = heard(link)
    main = shown[0] if shown else None
    latency = latency_ms(link, main)
    readiness = readiness_of(link, facts, now_ns, wall)
    frame = frame_of(link, readiness)
    moving = state is not None and readiness.word in ("READY", "LIMITED")
    return Screen(
        robot=_name(link),
        site=state.site if state else link.address,
        mode=mode_of(link),
        lease=_lease(link, facts, now_ns),
        readiness=readiness,
        reasons=reasons(link, shown, moving, readiness.detail),
        link=link_chip(link, main, latency, wall),
        recording=recording_chip(link),
        stop=stop_face(link),
        pictures=tuple(
            picture_face(view, number, latency if number == 0 else None, frame)
            for number, view in enumerate(shown)
        ),
        banner=banner_of(link, readiness),
        hud=hud_of(state, latency) if state else None,
        labels=LabelBar(
            link.yours and state is not None,
            state.phase if state else Phase.PATROL,
            state.outcome if state and link.yours else Outcome.UNLABELLED,
        ),
        call=call_panel(link, facts, now_ns, wall),
        rescue=rescue_of(link),
        session=session_of(facts),
        log=log_of(marks, now_ns, wall),
        telemetry=telemetry_of(state, latency),
        latency="" if latency is None else f"{latency:.0f}",
        latency_look=Look.LIMITED if latency and latency > LATE_MS else Look.QUIET,
        status=status_of(link, facts, now_ns),
        can_arm=state is not None and link.yours and state.mode is Mode.DISARMED,
        can_reset=state is not None and link.yours and state.mode is Mode.ESTOP,
    )


# --- top bar --------------------------------------------------------------------------------------


def _name(link: LinkView) -> str:
    return link.state.robot if link.state else "No robot"


def mode_of(link: LinkView) -> Chip:
    """Who has control."""
    state = heard(link)
    if state is None:
        return Chip("dashed", "UNKNOWN", look=Look.DIM)
    if state.mode is Mode.ESTOP:
        return Chip("octagon", "STOPPED", look=Look.LATCHED)
    if link.yours:
        return Chip("wheel", "YOU DRIVE", look=Look.YOURS)
    if state.lease.operator:
        return Chip("person", f"{state.lease.operator} DRIVES")
    if state.call is not None:
        return Chip("hand", "CALLING", look=Look.LIMITED)
    if state.mode is Mode.AUTONOMY:
        return Chip("autonomy", "AUTONOMY")
    return Chip("dashed", "NOBODY")


def _lease(link: LinkView, facts: Facts, now_ns: int) -> LeaseFace:
    state = heard(link)
    if state is None:
        return LeaseFace("Lease: –", "not known", "Request", Act.REQUEST, False)
    held = "" if facts.lease_ns is None else f"for {words.minutes((now_ns - facts.lease_ns) / 1e9)}"
    if link.yours:
        return LeaseFace("Lease: yours", held, "Release", Act.RELEASE, True)
    if state.lease.operator:
        return LeaseFace(f"Lease: {state.lease.operator}", held, "Request", Act.REQUEST, False)
    policy = state.mode is Mode.AUTONOMY
    detail = "works by itself" if policy else "nobody drives"
    return LeaseFace("Lease: free", detail, "Request", Act.REQUEST, True)


def readiness_of(link: LinkView, facts: Facts, now_ns: int, wall: datetime) -> Chip:
    """One word, and the first reason."""
    state = heard(link)
    stop = link.stop
    if state is None:
        detail = unreachable(link)
        if stop is not None and stop.acked_ns is None:
            # It is repeated until it is answered, so it must stay in sight as long.
            detail = f"STOP waits for the robot: {detail}"
        return Chip("broken", "NO ROBOT", detail, Look.LIMITED)
    chip = _ready_word(link, state, facts, now_ns, wall)
    if stop is not None and stop.acked_ns is None and state.mode is not Mode.ESTOP:
        waited_ms = (now_ns - stop.sent_ns) / 1e6
        if waited_ms > ANSWER_MS:
            detail = f"STOP sent, no answer {waited_ms / 1000:.1f} s"
            return replace(chip, icon="octagon", detail=detail, look=Look.HOLD)
    return chip


def _ready_word(
    link: LinkView, state: RobotState, facts: Facts, now_ns: int, wall: datetime
) -> Chip:
    hold = state.hold
    because = words.refusal(hold, link, state) if hold else ""
    match state.mode:
        case Mode.BOOT:
            return Chip("dashed", "STARTING", "Not moving: robot checks itself")
        case Mode.DISARMED:
            how = "Arm with F5"
            if not link.yours:
                first = "Accept with Enter" if state.call else "Request the lease (F2)"
                how = f"{first}, then arm (F5)"
            return Chip("lock", "DISARMED", f"Not moving: motors are off. {how}")
        case Mode.ESTOP:
            return Chip(
                "octagon", "STOPPED", _stopped(link, state, facts, now_ns, wall), Look.LATCHED
            )
        case Mode.LINK_LOST:
            silent = words.age(hold.value) if hold and hold.reason is Refusal.GAP else "1.0 s"
            what = f"Let go of the {words.lever(link)}, then press the deadman"
            if not link.yours:
                what = "Request the lease (F2) to drive on"
            return Chip(
                "broken", "LINK LOST", f"Not moving: no command for {silent}. {what}", Look.LATCHED
            )
        case Mode.SAFE_STOP:
            why = because or _protective(state)
            return Chip("octagon", "SAFE STOP", f"Not moving: {why}", Look.LATCHED)
        case Mode.FAULT:
            why = because or "robot reports a fault"
            return Chip("fault", "FAULT", f"Not moving: {why}. Call the field team", Look.LATCHED)
        case Mode.HOLD:
            look = Look.HOLD if link.yours else Look.LIMITED
            return Chip("bars", "HOLD", f"Not moving: {because or 'it holds'}", look)
        case Mode.AUTONOMY:
            return Chip("ready", "READY", f"Works by itself: {state.phase.value}")
        case Mode.READY | Mode.TELEOP:
            return _driven(link, state, because, facts, now_ns)


def _driven(link: LinkView, state: RobotState, because: str, facts: Facts, now_ns: int) -> Chip:
    hold = state.hold
    if not link.yours:
        who = state.lease.operator or "Nobody"
        return Chip("ready", "READY", f"{who} drives. You watch")
    if hold is not None and hold.reason is not Refusal.DEADMAN:
        return Chip("bars", "HOLD", f"Not moving: {because}", Look.HOLD)
    if not link.focused:
        what = "Not moving: this window does not have the focus. Click into it"
        return Chip("bars", "HOLD", what, Look.HOLD)
    if facts.blocked_ns is not None and now_ns - facts.blocked_ns >= BLOCKED_NS:
        asked = abs(state.applied.forward_mps)
        what = f"Does not move: told {asked:.2f} m/s, motors {state.motor_a:.1f} A. {_free(state)}"
        return Chip("triangle", "LIMITED", what, Look.LIMITED)
    limited = limited_by(state)
    if limited:
        return Chip("triangle", "LIMITED", limited, Look.LIMITED)
    if state.mode is Mode.READY or hold is not None:
        return Chip("ready", "READY", words.deadman(link))
    return Chip("ready", "READY", "Moving. Full speed allowed, deadman held")


def _free(state: RobotState) -> str:
    """What an operator of a robot that is held by something tries next."""
    full = abs(state.asked.forward_mps) > 0.9 * state.max_mps
    return "Try turning to and fro" if full else "Shift gives full power"


def _protective(state: RobotState) -> str:
    if state.bumper:
        return "bumper is pressed. Free it, then reset"
    if math.degrees(state.tilt_rad) > TILTED_DEG:
        return f"robot is tilted by {math.degrees(state.tilt_rad):.0f}°. Put it upright, then reset"
    return "robot has stopped itself. Reset when its cause is gone"


def _stopped(link: LinkView, state: RobotState, facts: Facts, now_ns: int, wall: datetime) -> str:
    at = ""
    if facts.stopped_ns is not None:
        at = f" at {words.clock(wall - timedelta(seconds=(now_ns - facts.stopped_ns) / 1e9))}"
    if link.yours:
        how = "Reset: Robot, Reset STOP"
    elif state.lease.operator:
        how = f"Reset needs {state.lease.operator}: Robot, Reset STOP"
    else:
        how = "Reset needs the lease (F2): Robot, Reset STOP"
    return f"STOP by {state.stopped_by or 'somebody'}{at}. {how}"


def stop_face(link: LinkView) -> Chip:
    """The STOP button: at rest, sent, latched."""
    state = heard(link)
    if state is not None and state.mode is Mode.ESTOP:
        return Chip("octagon", "STOPPED", look=Look.LATCHED)
    if link.stop is not None and link.stop.acked_ns is None and state is not None:
        return Chip("octagon", "STOP sent", look=Look.HOLD)
    return Chip("octagon", "STOP", "Space")


def link_chip(
    link: LinkView, main: PictureView | None, latency: float | None, wall: datetime
) -> Chip:
    """Picture and link in two lines."""
    if link.reach is not Reach.CONNECTED:
        since = words.clock(wall - timedelta(milliseconds=link.silent_ms))
        return Chip("triangle", "No link", f"since {since}", Look.FAILED)
    answers = "robot answers"
    if link.yours and link.state is not None and link.state.command_age_ms >= 0:
        answers = f"commands arrive, {words.age(link.state.command_age_ms)}"
    elif link.round_trip_ms is not None:
        answers = f"robot answers, {words.age(link.round_trip_ms)}"
    if main is None or main.painted == 0:
        return Chip("triangle", "No picture", answers, Look.LIMITED)
    if main.age_ms is None:
        return Chip("dashed", "Picture, age ?", f"{main.fps:.0f} fps", Look.LIMITED)
    age = steady_age(main)
    if age > GONE_MS:
        return Chip("triangle", "No picture", answers, Look.LIMITED)
    late = age > STALE_MS or (latency is not None and latency > LATE_MS)
    detail = f"{main.fps:.0f} fps"
    if latency is not None:
        detail = f"latency {latency:.0f} · {detail}"
    return Chip(
        "triangle" if late else "",
        f"Picture {words.age(age)}",
        detail,
        Look.LIMITED if late else Look.QUIET,
    )


def recording_chip(link: LinkView) -> Chip:
    """What the recorder does. Recording is normal, so its dot is not red."""
    media = link.media
    if media is None or link.media_silent_ms > MEDIA_TTL_MS:
        return Chip("dashed", "REC ?", "no answer", Look.DIM)
    name = words.episode(media.episode) if media.episode else ""
    match media.recorder:
        case RecorderPhase.RECORDING:
            return Chip("disc", words.minutes(media.episode_s), f"REC ep. {name}")
        case RecorderPhase.PREROLL:
            return Chip("ring", "Pre-roll", "last 10 s")
        case RecorderPhase.FAILED:
            detail = media.recorder_detail or "recorder failed"
            return Chip("triangle", "Not recording", detail, Look.LIMITED)
        case RecorderPhase.SEALED:
            return Chip("ring", "Sealed", f"ep. {name}")
