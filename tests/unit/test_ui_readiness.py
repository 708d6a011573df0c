"""The readiness word and its first reason, as text: every mode, reason, refusal and trouble."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from msgspec import structs

from teleop.operator_view import LinkView, Reach, StopView
from teleop.self_test import SelfTest, Stage
from tests.console.fakes import (
    CALL,
    MINE,
    MS,
    OTHER,
    TESTED,
    TIMING,
    driven,
    link_view,
    robot_state,
)
from tests.unit.screen_support import CALLING, NOW, S, held, screen
from transport.handshake import Trouble
from transport.messages import (
    CapCause,
    Hold,
    HoldReason,
    Lease,
    Mode,
    Refusal,
    RobotState,
    Role,
    Twist,
)
from ui import words
from ui.facts import Facts
from ui.reason_rows import ROWS, place_of
from ui.screen import Look

STOPPED_FACTS = Facts(stopped_ns=NOW - 137 * S)
PAD = "Gamepad 1"


def test_a_console_that_knows_no_robot_says_how_to_get_one() -> None:
    chip = screen(replace(link_view(None), address="", trouble=None)).readiness
    assert (chip.word, chip.detail) == (
        "NO ROBOT",
        "No robot is known here yet. Pair with one (unstick pair), or start simulated ones: "
        "unstick farm",
    )


# --- every mode -----------------------------------------------------------------------------------

MODES: dict[Mode, tuple[LinkView, str, str, Look]] = {
    Mode.BOOT: (
        link_view(robot_state(mode=Mode.BOOT)),
        "STARTING",
        "Not moving: robot checks itself",
        Look.QUIET,
    ),
    Mode.DISARMED: (
        link_view(driven(mode=Mode.DISARMED)),
        "DISARMED",
        "Not moving: motors are off. Arm with F5",
        Look.QUIET,
    ),
    Mode.READY: (
        link_view(driven(mode=Mode.READY)),
        "READY",
        "Hold W A S D or an arrow key to move",
        Look.QUIET,
    ),
    Mode.TELEOP: (
        link_view(driven()),
        "READY",
        "Moving. Full speed allowed, deadman held",
        Look.QUIET,
    ),
    Mode.AUTONOMY: (
        link_view(robot_state()),
        "READY",
        "Works by itself: Reach open floor",
        Look.QUIET,
    ),
    Mode.HOLD: (
        held(HoldReason.STALE, 340.0, 300.0),
        "HOLD",
        "Not moving: commands are 340 ms old, limit 300 ms",
        Look.HOLD,
    ),
    Mode.LINK_LOST: (
        link_view(
            driven(mode=Mode.LINK_LOST, hold=Hold(reason=HoldReason.GAP, value=1000, limit=1000)),
            input_device=PAD,
        ),
        "LINK LOST",
        "Not moving: no command for 1.0 s. Let go of the stick, then press the deadman",
        Look.LATCHED,
    ),
    Mode.SAFE_STOP: (
        link_view(driven(mode=Mode.SAFE_STOP, bumper=True)),
        "SAFE STOP",
        "Not moving: bumper is pressed. Reset it when its cause is gone: Robot, Reset",
        Look.LATCHED,
    ),
    Mode.ESTOP: (
        link_view(driven(mode=Mode.ESTOP, stopped_by="op-3")),
        "STOPPED",
        "STOP by op-3 at 14:29:51. Reset: Robot, Reset STOP",
        Look.LATCHED,
    ),
    Mode.FAULT: (
        link_view(driven(mode=Mode.FAULT)),
        "FAULT",
        "Not moving: robot reports a fault. Call the field team",
        Look.LATCHED,
    ),
}


@pytest.mark.parametrize("mode", Mode)
def test_readiness_in_each_mode(mode: Mode) -> None:
    link, word, detail, look = MODES[mode]
    chip = screen(link, STOPPED_FACTS).readiness
    assert (chip.word, chip.detail, chip.look) == (word, detail, look)


def watched(state: RobotState) -> LinkView:
    """The same robot as an observer sees it."""
    return link_view(state, name="guest", role=Role.OBSERVER)


@pytest.mark.parametrize(
    ("link", "word", "detail"),
    [
        (
            link_view(driven(mode=Mode.READY), input_device=PAD),
            "READY",
            "Hold the deadman (LB) to move",
        ),
        (
            link_view(robot_state(mode=Mode.DISARMED)),
            "DISARMED",
            "Not moving: motors are off. Request the lease (F2), then arm (F5)",
        ),
        (
            link_view(robot_state(mode=Mode.DISARMED, call=CALL)),
            "DISARMED",
            "Not moving: motors are off. Accept with Enter, then arm (F5)",
        ),
        (
            link_view(robot_state(mode=Mode.DISARMED, lease=OTHER)),
            "DISARMED",
            "Not moving: motors are off. op-2 has the lease",
        ),
        (
            watched(robot_state(mode=Mode.DISARMED)),
            "DISARMED",
            "Not moving: motors are off. You watch (observer); an operator can arm it",
        ),
        (link_view(driven(lease=OTHER)), "READY", "op-2 drives. You watch"),
        (watched(driven(lease=OTHER)), "READY", "op-2 drives. You watch (observer)"),
        (
            link_view(driven(mode=Mode.AUTONOMY)),
            "READY",
            "Works under your lease. A driving key takes over",
        ),
        (
            link_view(driven(mode=Mode.AUTONOMY), input_device=PAD),
            "READY",
            "Works under your lease. The deadman (LB) takes over",
        ),
        (
            link_view(robot_state(mode=Mode.LINK_LOST, hold=None)),
            "LINK LOST",
            "Not moving: no commands. Request the lease (F2) to drive on",
        ),
        (
            watched(robot_state(mode=Mode.LINK_LOST, lease=OTHER, hold=None)),
            "LINK LOST",
            "Not moving: no commands. op-2 has the lease",
        ),
        (
            link_view(driven(mode=Mode.SAFE_STOP, tilt_rad=math.radians(31))),
            "SAFE STOP",
            "Not moving: robot is tilted by 31°. Reset it when its cause is gone: Robot, Reset",
        ),
        (
            link_view(robot_state(mode=Mode.SAFE_STOP, latched_for="battery 2 %")),
            "SAFE STOP",
            "Not moving: battery 2 %. Request the lease (F2) to reset it",
        ),
        (
            link_view(driven(mode=Mode.SAFE_STOP, lease=OTHER)),
            "SAFE STOP",
            "Not moving: robot has stopped itself. op-2 has the lease",
        ),
        (
            link_view(
                driven(mode=Mode.FAULT, latched_for="driver: no answer"), role=Role.MAINTENANCE
            ),
            "FAULT",
            "Not moving: driver: no answer. Look at it: Robot, Clear fault",
        ),
        (
            link_view(driven(mode=Mode.READY, hold=Hold(reason=HoldReason.NOT_NEUTRAL))),
            "HOLD",
            "Not moving: let go of the keys for 0.5 s",
        ),
    ],
)
def test_readiness_variants(link: LinkView, word: str, detail: str) -> None:
    chip = screen(link).readiness
    assert (chip.word, chip.detail) == (word, detail)


@pytest.mark.parametrize(
    ("lease", "role", "how"),
    [
        (OTHER, Role.OPERATOR, "Reset needs op-2: Robot, Reset STOP"),
        (Lease(), Role.OPERATOR, "Reset needs the lease (F2): Robot, Reset STOP"),
        (Lease(), Role.OBSERVER, "You watch (observer); a reset needs an operator"),
    ],
)
def test_a_stop_says_who_can_reset_it(lease: Lease, role: Role, how: str) -> None:
    link = link_view(driven(mode=Mode.ESTOP, stopped_by="op-3", lease=lease), role=role)
    assert screen(link, STOPPED_FACTS).readiness.detail == f"STOP by op-3 at 14:29:51. {how}"


# --- every reason for which it does not move ------------------------------------------------------

HOLDS: dict[HoldReason, tuple[Hold, str]] = {
    HoldReason.CALLING: (
        Hold(reason=HoldReason.CALLING),
        "it called for help 0:39 ago and waits for an operator",
    ),
    HoldReason.NO_LEASE: (Hold(reason=HoldReason.NO_LEASE), "nobody has the lease"),
    HoldReason.DEADMAN: (Hold(reason=HoldReason.DEADMAN), "deadman is released"),
    HoldReason.NOT_NEUTRAL: (
        Hold(reason=HoldReason.NOT_NEUTRAL),
        "let go of the stick for 0.5 s",
    ),
    HoldReason.GAP: (Hold(reason=HoldReason.GAP, value=240.0), "no command for 240 ms"),
    HoldReason.STALE: (
        Hold(reason=HoldReason.STALE, value=340.0, limit=300.0),
        "commands are 340 ms old, limit 300 ms",
    ),
    HoldReason.REFUSED: (
        Hold(reason=HoldReason.REFUSED, value=240.0),
        "commands are refused for 240 ms",
    ),
    HoldReason.NO_PICTURE: (Hold(reason=HoldReason.NO_PICTURE), "no picture yet"),
    HoldReason.PICTURE_STALE: (
        Hold(reason=HoldReason.PICTURE_STALE, value=2100.0, limit=2000.0),
        "picture is 2.1 s old, limit 2.0 s",
    ),
    HoldReason.POLICY_SILENT: (
        Hold(reason=HoldReason.POLICY_SILENT, value=240.0, limit=200.0),
        "its policy is silent for 240 ms, limit 200 ms",
    ),
}

REFUSALS: dict[Refusal, str] = {
    Refusal.FLOOD: "too many arrive at once",
    Refusal.MALFORMED: "the robot cannot read them",
    Refusal.ROLE: "this console may only watch",
    Refusal.BOOT_ID: "they are for the robot before its restart",
    Refusal.NO_LEASE: "nobody has the lease",
    Refusal.HELD_BY_OTHER: "op-2 has the lease",
    Refusal.OLD_EPOCH: "your lease has run out",
    Refusal.SEQUENCE: "they come out of order",
    Refusal.ECHO: "they echo what the robot never sent",
    Refusal.STALE: "they are older than 300 ms",
    Refusal.NOT_FINITE: "the input is not a number",
    Refusal.MODE: "the robot is latched or disarmed",
}


def holding(hold: Hold, lease: Lease = MINE) -> LinkView:
    state = driven(mode=Mode.HOLD, lease=lease, call=CALL, hold=hold)
    return link_view(state, input_device=PAD)


@pytest.mark.parametrize("reason", HoldReason)
def test_each_reason_in_plain_words(reason: HoldReason) -> None:
    chip = screen(holding(HOLDS[reason][0], OTHER)).readiness
    assert chip.word == "HOLD"
    assert chip.detail == f"Not moving: {HOLDS[reason][1]}"
    assert chip.look is Look.LIMITED  # outline: it is not you who drives it


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_in_plain_words(refusal: Refusal) -> None:
    hold = Hold(reason=HoldReason.REFUSED, value=240.0, limit=200.0, refusal=refusal)
    shown = screen(holding(hold, OTHER)).readiness
    assert shown.detail == f"Not moving: commands are refused: {REFUSALS[refusal]}"


@pytest.mark.parametrize("reason", HoldReason)
def test_each_reason_fills_the_chip_while_you_drive(reason: HoldReason) -> None:
    assert screen(holding(HOLDS[reason][0])).readiness.look is Look.HOLD


@pytest.mark.parametrize("reason", HoldReason)
def test_each_reason_has_its_place_in_the_pop_up(reason: HoldReason) -> None:
    rows = screen(holding(HOLDS[reason][0])).reasons.rows
    assert tuple(row.name for row in rows) == ROWS
    marked = [row.name for row in rows if row.look in (Look.HOLD, Look.LATCHED)]
    if reason is HoldReason.DEADMAN:  # letting go is no trouble: amber text only
        assert marked == []
    else:
        assert marked == [place_of(HOLDS[reason][0])]


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_has_its_place_in_the_pop_up(refusal: Refusal) -> None:
    hold = Hold(reason=HoldReason.REFUSED, value=240.0, limit=200.0, refusal=refusal)
    rows = screen(holding(hold)).reasons.rows
    of_lease = (Refusal.ROLE, Refusal.NO_LEASE, Refusal.HELD_BY_OTHER, Refusal.OLD_EPOCH)
    marked = [row.name for row in rows if row.look is Look.HOLD]
    assert marked == ["Lease" if refusal in of_lease else "Commands"]


@pytest.mark.parametrize("reason", HoldReason)
def test_each_reason_has_a_banner_with_what_to_do(reason: HoldReason) -> None:
    banner = screen(holding(HOLDS[reason][0])).banner
    assert banner is not None
    assert banner.detail.endswith(".")


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_has_a_banner_with_what_to_do(refusal: Refusal) -> None:
    hold = Hold(reason=HoldReason.REFUSED, value=240.0, limit=200.0, refusal=refusal)
    banner = screen(holding(hold)).banner
    assert banner is not None
    assert banner.title == f"Not moving: commands are refused: {refusal_for_you(refusal)}"
    assert banner.detail.endswith(".")


def refusal_for_you(refusal: Refusal) -> str:
    return words.refusal(refusal, driven())


def test_the_words_of_a_refusal_have_the_limits_that_this_robot_has() -> None:
    slow = driven(timing=structs.replace(TIMING, max_age_ms=800.0, neutral_ms=700.0))
    assert words.refusal(Refusal.STALE, slow) == "they are older than 800 ms"
    hold = Hold(reason=HoldReason.NOT_NEUTRAL)
    assert words.hold(hold, link_view(slow), slow) == "let go of the keys for 0.7 s"


STUCK = "left stick (up/down) stuck at 80 %: let go of it; if nobody touches it, use another pad"


def test_an_input_device_that_may_not_drive_is_why_it_does_not_move() -> None:
    link = link_view(driven(mode=Mode.READY), input_problem=STUCK)
    shown = screen(link)
    assert (shown.readiness.word, shown.readiness.detail) == ("HOLD", f"Not moving: {STUCK}")
    assert shown.banner is not None
    assert shown.banner.title == "Not moving: left stick (up/down) stuck at 80 %"
    assert shown.banner.detail == "Let go of it; if nobody touches it, use another pad."
    row = next(row for row in shown.reasons.rows if row.name == "Input")
    assert (row.value, row.look) == ("left stick (up/down) stuck at 80 %", Look.HOLD)


@pytest.mark.parametrize("changes", [{"deadman": True}, {"focused": False}])
def test_an_input_problem_is_no_reason_while_keys_drive_or_the_focus_is_elsewhere(
    changes: dict[str, bool],
) -> None:
    link = link_view(driven(), input_problem=STUCK, **changes)
    assert STUCK not in screen(link).readiness.detail


# --- caps, reach, trouble, STOP -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "cap", "age", "detail"),
    [
        (CapCause.LATENCY, 0.42, 240.0, "0.42 of 0.50 m/s: latency is 240 ms"),
        (CapCause.PICTURE, 0.15, 640.0, "0.15 m/s: picture is 640 ms old"),
        (CapCause.PROFILE, 0.15, 76.0, "0.15 m/s: HIGH LATENCY is on"),
        (CapCause.WORKSPACE, 0.2, 76.0, "0.20 m/s: the edge of its work area is near"),
        (
            CapCause.WORKSPACE,
            0.0,
            76.0,
            "At the edge of its work area. Drive away from it, or turn",
        ),
    ],
)
def test_limited_says_what_limits(cause: CapCause, cap: float, age: float, detail: str) -> None:
    link = link_view(driven(cap_cause=cause, cap_mps=cap, picture_age_ms=age))
    chip = screen(link).readiness
    assert (chip.word, chip.detail, chip.look) == ("LIMITED", detail, Look.LIMITED)


@pytest.mark.parametrize("cause", CapCause)
def test_each_cause_of_a_cap_stands_in_the_speed_row_and_beside_the_bar(cause: CapCause) -> None:
    shown = screen(link_view(driven(cap_cause=cause, cap_mps=0.2, picture_age_ms=640.0)))
    notes = {
        CapCause.ROBOT: ("the robot's own limit", "robot's own limit"),
        CapCause.LATENCY: ("latency 640 ms, full up to 200 ms", "latency 640 ms"),
        CapCause.PICTURE: ("picture is 640 ms old", "picture 640 ms old"),
        CapCause.PROFILE: ("HIGH LATENCY, commands up to 300 ms old", "high latency"),
        CapCause.WORKSPACE: ("at the edge of its work area", "edge of work area"),
    }
    row = next(row for row in shown.reasons.rows if row.name == "Speed")
    assert shown.hud is not None
    assert (row.note, shown.hud.cap.partition(": ")[2]) == notes[cause]


def test_the_robots_own_limit_is_no_limit() -> None:
    assert screen(link_view(driven(cap_cause=CapCause.ROBOT))).readiness.word == "READY"


@pytest.mark.parametrize(
    ("link", "detail"),
    [
        (link_view(None, silent_ms=300.0), "Searching for the robot at 127.0.0.1:7600"),
        (
            link_view(None, silent_ms=41_000.0),
            "127.0.0.1:7600 is unreachable for 41 s. Trying again",
        ),
        (
            link_view(driven(), reach=Reach.LOST, silent_ms=41_000.0),
            "rover-07 is unreachable for 41 s. Trying again",
        ),
        (
            link_view(None, silent_ms=41_000.0, trouble=Trouble.UNREACHABLE),
            "127.0.0.1:7600 is unreachable for 41 s. Trying again",
        ),
        (
            link_view(None, trouble=Trouble.NOT_PAIRED),
            "The robot at 127.0.0.1:7600 does not know this console. Pair them: unstick pair",
        ),
    ],
)
def test_no_robot_in_each_reach(link: LinkView, detail: str) -> None:
    shown = screen(link)
    assert (shown.readiness.word, shown.readiness.detail) == ("NO ROBOT", detail)
    assert shown.readiness.look is Look.LIMITED
    assert shown.banner is not None
    assert not shown.lease.enabled
    assert not shown.labels.enabled
    assert shown.hud is None
    assert {row.value for row in shown.reasons.rows} == {"not known", detail}
    assert all(row.value == "–" for row in shown.telemetry[1:])


def test_another_robot_at_the_address_is_a_failed_proof() -> None:
    shown = screen(link_view(None, trouble=Trouble.WRONG_ROBOT_KEY))
    assert (shown.readiness.look, shown.readiness.detail) == (
        Look.FAILED,
        "Another robot answers at 127.0.0.1:7600; do not drive. "
        "Pair again if the robot was replaced: unstick pair",
    )
    assert shown.banner is not None
    assert (shown.banner.title, shown.banner.look) == (
        "Another robot answers: do not drive",
        Look.LATCHED,
    )


def test_a_console_the_robot_does_not_know_says_so_in_the_corner_and_on_the_picture() -> None:
    shown = screen(link_view(None, trouble=Trouble.NOT_PAIRED))
    assert shown.who == "not known to the robot"
    assert shown.banner is not None
    assert shown.banner.title == "This robot does not know this console"


def test_connected_is_not_no_robot() -> None:
    assert screen(link_view(driven(), reach=Reach.CONNECTED)).readiness.word == "READY"


def test_stop_without_an_answer_is_said_and_counted() -> None:
    link = link_view(driven(), stop=StopView(sent_ns=NOW - 400 * MS))
    shown = screen(link)
    assert shown.readiness.detail == "STOP sent, no answer 0.4 s"
    assert (shown.stop.word, shown.stop.look) == ("STOP sent", Look.HOLD)


def test_stop_within_its_time_is_not_a_complaint() -> None:
    link = link_view(driven(), stop=StopView(sent_ns=NOW - 100 * MS))
    assert "no answer" not in screen(link).readiness.detail


def test_stop_without_a_robot() -> None:
    link = link_view(None, silent_ms=41_000.0, stop=StopView(sent_ns=NOW - S))
    assert screen(link).readiness.detail.startswith("STOP waits for the robot: ")


@pytest.mark.parametrize("trouble", [Trouble.NOT_PAIRED, Trouble.WRONG_ROBOT_KEY])
@pytest.mark.parametrize("own", [True, False])
def test_a_stop_that_is_not_obeyed_from_here_names_another_way(trouble: Trouble, own: bool) -> None:
    stop = StopView(sent_ns=NOW - 10 * MS, trouble=trouble if own else None)
    shown = screen(link_view(None, stop=stop, trouble=trouble))
    assert shown.readiness.detail.startswith("STOP is not obeyed, use the robot's own switch: ")


def test_a_stop_from_a_revoked_key_is_said_at_once_also_while_the_state_still_comes() -> None:
    stop = StopView(sent_ns=NOW - 10 * MS, trouble=Trouble.NOT_PAIRED)
    shown = screen(link_view(driven(lease=OTHER), stop=stop))
    assert shown.readiness.detail == (
        "STOP is not obeyed, use the robot's own switch: the robot does not know this console"
    )
    assert shown.readiness.look is Look.HOLD


def test_stop_button_at_rest_is_not_red() -> None:
    assert (screen(link_view(driven())).stop.word, screen(link_view(driven())).stop.look) == (
        "STOP",
        Look.QUIET,
    )


def test_stop_button_when_latched() -> None:
    chip = screen(link_view(driven(mode=Mode.ESTOP))).stop
    assert (chip.word, chip.look) == ("STOPPED", Look.LATCHED)


# --- self-test ------------------------------------------------------------------------------------

RUNNING = SelfTest(epoch=4, stop=Stage.RUNNING, loss=Stage.RUNNING, loss_began_ns=NOW - 100 * MS)
NO_STOP = SelfTest(epoch=4, stop=Stage.FAILED)
NO_HOLD = SelfTest(epoch=4, stop=Stage.PASSED, stop_ms=21.0, loss=Stage.FAILED)


def test_the_hold_that_the_self_test_asks_for_is_no_alarm() -> None:
    link = replace(held(HoldReason.GAP, 217.0, 200.0), self_test=RUNNING)
    shown = screen(link)
    assert (shown.readiness.word, shown.readiness.look) == ("SELF-TEST", Look.QUIET)
    assert shown.readiness.detail == "Hands off: STOP and link loss are tested"
    assert shown.banner is None
    assert [row.name for row in shown.reasons.rows if row.look is Look.HOLD] == []
    assert shown.status.message == "Self-test: STOP and link loss."


@pytest.mark.parametrize(
    ("test", "detail", "title"),
    [
        (
            NO_STOP,
            "Not moving: STOP is not answered, and what cannot be stopped is not driven. "
            "The test goes on",
            "Not moving: STOP is not answered, and what cannot be stopped is not driven",
        ),
        (
            NO_HOLD,
            "Not moving: it did not hold when commands ended, so it is not driven. "
            "The test is repeated while hands are off",
            "Not moving: it did not hold when commands ended, so it is not driven",
        ),
    ],
)
def test_a_failed_self_test_is_red_and_says_what_to_do(
    test: SelfTest, detail: str, title: str
) -> None:
    shown = screen(link_view(driven(mode=Mode.READY), self_test=test))
    assert (shown.readiness.word, shown.readiness.detail) == ("HOLD", detail)
    assert shown.banner is not None
    assert (shown.banner.title, shown.banner.look) == (title, Look.LATCHED)
    assert "release it (F2) and call the field team" in shown.banner.detail
    assert shown.self_test.look is Look.FAILED


def test_a_key_held_through_the_self_test_has_to_be_let_go_once() -> None:
    link = link_view(
        driven(mode=Mode.READY), self_test=replace(TESTED, released=False), deadman=True
    )
    assert screen(link).readiness.detail == (
        "Not moving: the self-test is over. Let go of the keys, then press again"
    )


def test_a_latched_stop_comes_before_a_self_test_that_waits() -> None:
    link = link_view(driven(mode=Mode.ESTOP), self_test=SelfTest(epoch=4, stop=Stage.RUNNING))
    assert screen(link).readiness.word == "STOPPED"


@pytest.mark.parametrize(
    ("mode", "test", "line"),
    [
        (Mode.READY, TESTED, "STOP 21 ms, link loss 214 ms"),
        (Mode.READY, replace(TESTED, robot_loss_ms=None), "STOP 21 ms, link loss 238 ms"),
        (Mode.READY, RUNNING, "STOP …, link loss …"),
        (
            Mode.DISARMED,
            SelfTest(epoch=4, stop=Stage.PASSED, stop_ms=21.0),
            "STOP 21 ms, link loss once it is armed",
        ),
        (Mode.READY, NO_STOP, "STOP: no answer"),
        (Mode.READY, NO_HOLD, "STOP 21 ms, link loss: no hold"),
    ],
)
def test_the_figures_of_the_self_test(mode: Mode, test: SelfTest, line: str) -> None:
    assert screen(link_view(driven(mode=mode), self_test=test)).self_test.word == line


def test_without_a_lease_there_is_no_self_test() -> None:
    assert screen(link_view(robot_state())).self_test.word == "when you take the robot"


# --- what else it says ----------------------------------------------------------------------------


def test_a_robot_that_is_told_to_move_and_does_not_is_never_called_moving() -> None:
    state = driven(applied=Twist(forward_mps=-0.3, turn_radps=0.0), speed_mps=0.0, motor_a=4.2)
    facts = Facts(blocked_ns=NOW - 2 * S)
    found = screen(link_view(state, deadman=True), facts=facts).readiness
    assert found.word == "LIMITED"
    assert found.detail == "Does not move: told 0.30 m/s, motors 4.2 A. Shift gives full power"


def test_a_window_without_the_focus_says_so() -> None:
    found = screen(link_view(driven(), focused=False))
    assert found.readiness.detail.startswith("Not moving: this window does not have the focus")
    assert found.banner is not None
    assert "Click" in found.banner.detail


def test_after_a_reset_the_banner_names_the_key_that_arms() -> None:
    found = screen(link_view(driven(mode=Mode.DISARMED)))
    assert found.banner is not None
    assert "F5" in found.banner.detail


def test_a_call_tells_an_observer_that_somebody_else_has_to_accept_it() -> None:
    banner = screen(watched(CALLING)).banner
    assert banner is not None
    assert banner.detail == (
        "Wedged under furniture. You watch (observer); an operator has to accept."
    )
