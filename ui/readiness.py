"""One word for how ready the robot is, and the first reason. Pure; each sentence is tested as text.

Severe before mild: what is latched, what the self-test found, why it holds, what limits it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from teleop.axes import speed_mps
from teleop.operator_view import LinkView, StopView
from teleop.self_test import Stage
from transport.handshake import Trouble
from transport.messages import Mode, RobotKind, RobotState, Role
from ui import words
from ui.dock_state import unreachable
from ui.facts import Facts, heard
from ui.offers import why_not
from ui.picture_state import limited_by
from ui.reason_rows import TILTED_DEG
from ui.screen import Act, Chip, Look

ANSWER_MS: Final = 200.0  # STOP should be answered within
BLOCKED_NS: Final = 10**9  # told to move for so long without moving: something holds it


def readiness_of(link: LinkView, facts: Facts, now_ns: int, wall: datetime) -> Chip:
    """One word, and the first reason."""
    state = heard(link)
    stop = link.stop
    if state is None:
        wrong = link.trouble is Trouble.WRONG_ROBOT_KEY
        chip = Chip("broken", "NO ROBOT", unreachable(link), Look.FAILED if wrong else Look.LIMITED)
        if stop is None or stop.acked_ns is not None:
            return chip
        # It is repeated until it is answered, so it must stay in sight as long.
        return replace(chip, detail=f"{_stop_unheard(link, stop)}: {chip.detail}")
    chip = _ready_word(link, state, facts, now_ns, wall)
    if stop is not None and stop.acked_ns is None and state.mode is not Mode.ESTOP:
        waited_ms = (now_ns - stop.sent_ns) / 1e6
        if stop.trouble is Trouble.NOT_PAIRED:
            detail = f"{_stop_unheard(link, stop)}: the robot does not know this console"
            return replace(chip, icon="octagon", detail=detail, look=Look.HOLD)
        if waited_ms > ANSWER_MS:
            detail = f"STOP sent, no answer {waited_ms / 1000:.1f} s"
            return replace(chip, icon="octagon", detail=detail, look=Look.HOLD)
    return chip


def _stop_unheard(link: LinkView, stop: StopView) -> str:
    if {stop.trouble, link.trouble} & {Trouble.NOT_PAIRED, Trouble.WRONG_ROBOT_KEY}:
        return "STOP is not obeyed, use the robot's own switch"
    return "STOP waits for the robot"


def _ready_word(
    link: LinkView, state: RobotState, facts: Facts, now_ns: int, wall: datetime
) -> Chip:
    hold = state.hold
    because = words.hold(hold, link, state) if hold else ""
    match state.mode:
        case Mode.BOOT:
            return Chip("dashed", "STARTING", "Not moving: robot checks itself")
        case Mode.DISARMED:
            return Chip(
                "lock", "DISARMED", f"Not moving: motors are off. {_how_to_arm(link, state)}"
            )
        case Mode.ESTOP:
            detail = _stopped(link, state, facts, now_ns, wall)
            return Chip("octagon", "STOPPED", detail, Look.LATCHED)
        case Mode.LINK_LOST if not link.self_test.losing:
            what = f"Let go of the {words.lever(link)}, then press the deadman"
            if not link.yours:
                what = _needs_lease(link, state, "drive on")
            why = because if hold is not None else "no commands"
            return Chip("broken", "LINK LOST", f"Not moving: {why}. {what}", Look.LATCHED)
        case Mode.SAFE_STOP:
            detail = f"Not moving: {_protective(state)}. {_how_to_reset(link, state)}"
            return Chip("octagon", "SAFE STOP", detail, Look.LATCHED)
        case Mode.FAULT:
            what = "Call the field team"
            if not why_not(Act.CLEAR_FAULT, link):
                what = "Look at it: Robot, Clear fault"
            detail = f"Not moving: {state.latched_for or 'robot reports a fault'}. {what}"
            return Chip("fault", "FAULT", detail, Look.LATCHED)
        case Mode.AUTONOMY:
            does = "Works by itself" if state.has_policy else "Stands by"
            detail = f"{does}: {state.task}"
            if link.yours:
                detail = f"Works under your lease. {words.taking_over(link)}"
            return Chip("ready", "READY", detail)
        case Mode.HOLD | Mode.READY | Mode.TELEOP | Mode.LINK_LOST:
            return _driven(link, state, because, facts, now_ns)


def _driven(link: LinkView, state: RobotState, because: str, facts: Facts, now_ns: int) -> Chip:
    hold = state.hold
    if link.yours and not facts.page_drives:
        detail = "Standing: this page does not drive. Go back to Drive to move"
        return Chip("ready", "READY", detail)
    if link.yours:
        tested = _self_test(link)
        if tested is not None:
            return tested
    if state.mode is Mode.HOLD or (link.yours and hold is not None):
        look = Look.HOLD if link.yours else Look.LIMITED
        return Chip("bars", "HOLD", f"Not moving: {because or 'it holds'}", look)
    if not link.yours:
        who = state.lease.operator or "Nobody"
        return Chip("ready", "READY", f"{who} drives. {words.watching(link)}")
    if not link.focused:
        what = "Not moving: this window does not have the focus. Click into it"
        return Chip("bars", "HOLD", what, Look.HOLD)
    if words.blocked_input(link)[0]:
        return Chip("bars", "HOLD", f"Not moving: {link.input_problem}", Look.HOLD)
    if facts.blocked_ns is not None and now_ns - facts.blocked_ns >= BLOCKED_NS:
        what = f"Does not move: told {speed_mps(state.applied):.2f} m/s{_strain(state)}"
        return Chip("triangle", "LIMITED", what, Look.LIMITED)
    limited = limited_by(state)
    if limited:
        return Chip("triangle", "LIMITED", limited, Look.LIMITED)
    if state.mode is Mode.READY:
        return Chip("ready", "READY", words.deadman(link))
    return Chip("ready", "READY", "Moving. Full speed allowed, deadman held")


def _self_test(link: LinkView) -> Chip | None:
    """What the session's self-test has to say before anything moves."""
    test = link.self_test
    if test.stop is Stage.FAILED:
        why = "STOP is not answered, and what cannot be stopped is not driven"
        return Chip("fault", "HOLD", f"Not moving: {why}. The test goes on", Look.HOLD)
    if test.loss is Stage.FAILED:
        why = "it did not hold when commands ended, so it is not driven"
        detail = f"Not moving: {why}. The test is repeated while hands are off"
        return Chip("fault", "HOLD", detail, Look.HOLD)
    if test.stop is not Stage.PASSED or test.losing:
        return Chip("dashed", "SELF-TEST", "Hands off: STOP and link loss are tested")
    if link.deadman and not test.may_drive:
        what = f"the self-test is over. Let go of the {words.lever(link)}, then press again"
        return Chip("bars", "HOLD", f"Not moving: {what}", Look.HOLD)
    return None


def _strain(state: RobotState) -> str:
    """With what effort it does not move, and what is to be done."""
    if state.kind is RobotKind.ARM:
        return ". Something is in the way, or its reach ends here: go back a little"
    return f", motors {state.motor_a:.1f} A. {_free(state)}"


def _free(state: RobotState) -> str:
    """What an operator of a rover that is held by something tries next."""
    full = abs(state.asked.forward_mps) > 0.9 * state.max_mps
    return "Try turning to and fro" if full else "Shift gives full power"


def _protective(state: RobotState) -> str:
    if state.latched_for:
        return state.latched_for
    if state.bumper:
        return "bumper is pressed"
    if math.degrees(state.tilt_rad) > TILTED_DEG:
        return f"robot is tilted by {math.degrees(state.tilt_rad):.0f}°"
    return "robot has stopped itself"


def _how_to_reset(link: LinkView, state: RobotState) -> str:
    if link.yours:
        return "Reset it when its cause is gone: Robot, Reset"
    return _needs_lease(link, state, "reset it")


def _how_to_arm(link: LinkView, state: RobotState) -> str:
    if link.yours:
        return "Arm with F5"
    if not why_not(Act.ACCEPT, link):
        return "Accept with Enter, then arm (F5)"
    if not why_not(Act.REQUEST, link) and not state.lease.operator:
        return "Request the lease (F2), then arm (F5)"
    return _needs_lease(link, state, "arm it")


def _needs_lease(link: LinkView, state: RobotState, what: str) -> str:
    """Who can do what needs the lease."""
    if state.lease.operator:
        return f"{state.lease.operator} has the lease"
    if link.role is Role.OBSERVER:
        return f"{words.watching(link)}; an operator can {what}"
    return f"Request the lease (F2) to {what}"


def _stopped(link: LinkView, state: RobotState, facts: Facts, now_ns: int, wall: datetime) -> str:
    at = ""
    if facts.stopped_ns is not None:
        at = f" at {words.clock(wall - timedelta(seconds=(now_ns - facts.stopped_ns) / 1e9))}"
    if link.yours:
        how = "Reset: Robot, Reset STOP"
    elif state.lease.operator:
        how = f"Reset needs {state.lease.operator}: Robot, Reset STOP"
    elif link.role is Role.OBSERVER:
        how = f"{words.watching(link)}; a reset needs an operator"
    else:
        how = "Reset needs the lease (F2): Robot, Reset STOP"
    return f"STOP by {state.stopped_by or 'somebody'}{at}. {how}"
