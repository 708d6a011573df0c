"""What the docks and the status bar say: call, last rescue, session, log, telemetry. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from teleop.operator_view import LinkView
from teleop.self_test import SILENT, TESTABLE, SelfTest, Stage
from transport.handshake import Trouble
from transport.messages import Hand, MediaState, Mode, RobotKind, RobotState
from ui import words
from ui.facts import Facts, heard
from ui.history import Mark
from ui.offers import why_not
from ui.reason_rows import LOW_BATTERY_PCT, MEDIA_TTL_MS, TILTED_DEG
from ui.screen import Act, CallPanel, Chip, LogLine, Look, Rescue, StatusBar, TelemetryRow

REFUSED_SHOWN_NS: Final = 6 * 10**9


def unreachable(link: LinkView) -> str:
    """Why there is no robot, and what to do."""
    silent = words.short(link.silent_ms / 1000)
    if not link.address:
        return (
            "No robot is known here yet. Pair with one (unstick pair), or start simulated ones: "
            "unstick farm"
        )
    if link.trouble is Trouble.WRONG_ROBOT_KEY:
        return (
            f"Another robot answers at {link.address}; do not drive. "
            "Pair again if the robot was replaced: unstick pair"
        )
    if link.trouble is Trouble.NOT_PAIRED:
        return f"The robot at {link.address} does not know this console. Pair them: unstick pair"
    if link.state is not None:
        return f"{link.state.robot} is unreachable for {silent}. Trying again"
    if link.silent_ms < 2000:
        return f"Searching for the robot at {link.address}"
    return f"{link.address} is unreachable for {silent}. Trying again"


def call_panel(link: LinkView, facts: Facts, now_ns: int, wall: datetime) -> CallPanel:
    """The call that waits, or the one you answer."""
    state = heard(link)
    if state is None:
        return CallPanel(
            "Calls", "", "Not known", "The robot cannot be heard.", (), False, Look.DIM
        )
    task = (("Task", state.task),) if state.task else ()
    call = facts.call
    if call is None or facts.call_ns is None:
        if link.yours:
            rows = (*_timing(facts, now_ns), *task)
            return CallPanel(
                "You drive", "", "Without a call", "You took the lease.", rows, False, Look.QUIET
            )
        detail = "A robot that gets stuck appears here."
        if not state.has_policy:
            detail = "It waits for whoever takes it."
        if state.lease.operator:
            detail = f"{state.lease.operator} drives."
        rows = (("Phase", state.phase.value), *task)
        take = not why_not(Act.TAKE_OVER, link)
        return CallPanel("Calls", "none", "Nobody calls", detail, rows, False, Look.QUIET, take)
    since = words.clock(wall - timedelta(seconds=(now_ns - facts.call_ns) / 1e9))
    age = words.minutes((now_ns - facts.call_ns) / 1e9)
    called = (("Called", since),)
    if link.yours:
        rows = (*called, *_timing(facts, now_ns), *task)
        return CallPanel("Your call", age, call.reason, call.detail, rows, False, Look.QUIET)
    if state.call is None:
        rows = (*called, ("Answered by", state.lease.operator or "nobody"), *task)
        take = not why_not(Act.TAKE_OVER, link)
        return CallPanel("Call", age, call.reason, call.detail, rows, False, Look.QUIET, take)
    rows = (*called, ("Waits", age), *task)
    may = not why_not(Act.ACCEPT, link)
    return CallPanel("Call waiting", age, call.reason, call.detail, rows, may, Look.LIMITED)


def _timing(facts: Facts, now_ns: int) -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    if facts.accepted_ns is not None:
        if facts.call_ns is not None:
            rows.append(("Waited", words.short((facts.accepted_ns - facts.call_ns) / 1e9)))
        moved = "not yet"
        if facts.first_motion_ns is not None:
            moved = words.short((facts.first_motion_ns - facts.accepted_ns) / 1e9)
        rows.append(("First motion", moved))
        rows.append(("You drive", words.minutes((now_ns - facts.accepted_ns) / 1e9)))
    return tuple(rows)


def rescue_of(link: LinkView) -> Rescue:
    """What the replay of the last intervention found."""
    media: MediaState | None = link.media
    if media is None:
        return Rescue("Last rescue", "", None, "Nothing from the recorder yet.")
    if media.validating:
        chip = Chip("dashed", "REPLAYING", look=Look.DIM)
        sentence = "The robot's actions are replayed from the same start."
        return Rescue("Last rescue", f"ep. {words.episode(media.validating)}", chip, sentence)
    if media.verdict is not None:
        note = f"ep. {words.episode(media.verdict.episode)}"
        return Rescue(
            "Last rescue", note, words.verdict(media.verdict.verdict), media.verdict.sentence
        )
    return Rescue("Last rescue", "", None, "A rescue that you hand back is replayed here.")


def session_of(facts: Facts) -> tuple[tuple[str, str], ...]:
    typical = facts.median_free_s
    return (
        ("Rescues", f"{facts.rescues}, freed {facts.freed}" if facts.rescues else "none yet"),
        ("Median to free", words.minutes(typical) if typical is not None else "–"),
        ("Verified", f"{facts.verified} of {facts.replayed}" if facts.replayed else "–"),
    )


def self_test_of(link: LinkView) -> Chip:
    """The figures of this session's self-test; `word` is short, `detail` says it whole."""
    test = link.self_test
    if not test.epoch or not link.yours:
        return Chip("dashed", "when you take the robot", "None in this session yet.", Look.DIM)
    if test.stop is Stage.FAILED:
        what = "The robot does not answer a test of STOP, so it is not driven."
        return Chip("fault", "STOP: no answer", what, Look.FAILED)
    stop = "…" if test.stop_ms is None else f"{test.stop_ms:.0f} ms"
    if test.loss is Stage.FAILED:
        what = "It did not report that it holds when commands ended, so it is not driven."
        return Chip("fault", f"STOP {stop}, link loss: no hold", what, Look.FAILED)
    if test.loss is not Stage.PASSED:
        when = "…" if test.losing or _testable(link) else "once it is armed"
        return Chip("dashed", f"STOP {stop}, link loss {when}", "The self-test goes on.", Look.DIM)
    return Chip("ready", f"STOP {stop}, link loss {_loss_ms(test):.0f} ms", _whole(test))


def _testable(link: LinkView) -> bool:
    return link.state is not None and link.state.mode in TESTABLE


def _loss_ms(test: SelfTest) -> float:
    measured = test.robot_loss_ms if test.robot_loss_ms is not None else test.loss_ms
    return measured or 0.0


def _whole(test: SelfTest) -> str:
    here = f"the console saw it hold after {test.loss_ms or 0.0:.0f} ms"
    if test.robot_loss_ms is None:
        return f"STOP was answered after {test.stop_ms or 0.0:.0f} ms. Without commands {here}."
    return (
        f"STOP was answered after {test.stop_ms or 0.0:.0f} ms. Without commands the robot stood "
        f"after {test.robot_loss_ms:.0f} ms; {here}."
    )


_UNITS: Final = {
    RobotKind.ROVER: (("Speed", "m/s"), ("Motors", "A"), ("Tilt", "°"), ("Battery", "%")),
    RobotKind.ARM: (
        ("Speed", "m/s"),
        ("Height", "m"),
        ("Yaw", "°"),
        ("Grip", "%"),
        ("Force", "N"),
    ),
}


def telemetry_of(
    state: RobotState | None,
    latency: float | None,
    limit_ms: float,
    kind: RobotKind = RobotKind.ROVER,
) -> tuple[TelemetryRow, ...]:
    """The rows of a robot of this kind; without a state of it, their places."""
    late = latency is not None and latency > limit_ms
    first = TelemetryRow(
        "Latency",
        "–" if latency is None else f"{latency:.0f}",
        "ms",
        Look.LIMITED if late else Look.QUIET,
        limit_ms,
    )
    units = _UNITS[kind]
    if state is None:
        return (first, *(TelemetryRow(name, "–", unit, Look.DIM) for name, unit in units))
    tilt = math.degrees(state.tilt_rad)
    hand = state.hand or Hand(z_m=0.0, grip=0.0, grip_n=0.0)
    values = {
        "Height": (words.signed(hand.z_m), False),
        "Yaw": (words.signed(math.degrees(state.heading_rad), 0), False),
        "Grip": (f"{100 * hand.grip:.0f}", False),
        "Force": (f"{hand.grip_n:.1f}", False),
        "Speed": (words.speed(state.speed_mps), False),
        "Motors": (f"{state.motor_a:.1f}", False),
        "Tilt": (f"{tilt:.1f}", tilt > TILTED_DEG),
        "Battery": (f"{state.battery_pct:.0f}", state.battery_pct < LOW_BATTERY_PCT),
    }
    rows = []
    for name, unit in units:
        value, odd = values[name]
        rows.append(TelemetryRow(name, value, unit, Look.LIMITED if odd else Look.QUIET))
    return (first, *rows)


@dataclass(frozen=True)
class _Line:
    text: str
    look: Look = Look.QUIET


def _message(link: LinkView, facts: Facts, now_ns: int) -> _Line:
    state = heard(link)
    refused = link.refused
    refused_ns = refused.stamp_ns if refused is not None else 0
    if facts.told and facts.told_ns >= refused_ns and now_ns - facts.told_ns < REFUSED_SHOWN_NS:
        return _Line(facts.told, Look.LIMITED)
    if refused is not None and now_ns - refused_ns < REFUSED_SHOWN_NS:
        return _Line(f"{refused.what} refused: {refused.reason}", Look.LIMITED)
    if state is None:
        return _Line(f"{unreachable(link)}.", Look.LIMITED)
    if state.mode is Mode.ESTOP:
        return _Line("STOP is latched. A reset never moves the robot.")
    if link.yours and state.mode is Mode.AUTONOMY:
        return _Line(f"{state.robot} works under your lease. Enter hands it back.")
    if link.yours and link.self_test.losing:
        return _Line("Self-test: STOP and link loss.")
    if link.yours and state.hold is not None and facts.held_ns is not None:
        held = words.short((now_ns - facts.held_ns) / 1e9)
        return _Line(f"Holding for {held}.")
    if link.yours:
        back = "back to autonomy" if state.has_policy else "it back"
        return _Line(f"Driving {state.robot}. Enter hands {back}.")
    watching = words.watching(link)
    if state.lease.operator:
        return _Line(f"{state.lease.operator} drives {state.robot}. {watching}.")
    if state.call is not None and not why_not(Act.ACCEPT, link):
        return _Line(f"{state.robot} calls for help. Enter accepts.")
    if state.call is not None:
        return _Line(f"{state.robot} calls for help. {watching}.")
    if why_not(Act.REQUEST, link):
        return _Line(f"{watching}: {state.robot}.")
    return _Line(f"Watching {state.robot}. F2 requests the lease.")


def status_of(link: LinkView, facts: Facts, now_ns: int) -> StatusBar:
    state = heard(link)
    line = _message(link, facts, now_ns)
    commands, look = "none sent", Look.QUIET
    if state is not None and link.yours and link.command_hz > 0:
        age = state.command_age_ms
        commands = f"{link.command_hz:.0f} Hz"
        if age >= 0:
            commands += f" · {words.age(age)}"
        hold = state.hold
        if hold is not None and hold.reason in SILENT and not link.self_test.losing:
            look = Look.LIMITED
    media = link.media
    disk = "–"
    if media is not None and link.media_silent_ms <= MEDIA_TTL_MS:
        disk = words.space(media.disk_free_bytes)
    return StatusBar(line.text, line.look, link.input_device, link.deadman, commands, look, disk)


def log_of(marks: Sequence[Mark], now_ns: int, wall: datetime) -> tuple[LogLine, ...]:
    """What happened, newest first."""
    return tuple(
        LogLine(
            words.clock(wall - timedelta(seconds=(now_ns - mark.stamp_ns) / 1e9)),
            mark.kind,
            mark.text,
        )
        for mark in reversed(marks)
    )
