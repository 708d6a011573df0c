"""What the console says of an arm: its hand instead of a heading, its fingers instead of wheels."""

from __future__ import annotations

from dataclasses import replace

from teleop.operator_view import Reach
from tests.console.fakes import arm_driven, arm_state, driven, link_view
from tests.unit.screen_support import NOW, S, screen
from transport.messages import STILL, CapCause, Hand, Mode, RobotState, Twist
from ui import words
from ui.facts import Facts
from ui.history import History
from ui.offers import why_not
from ui.screen import Act, HandFace, Look, TelemetryRow


def rows(state: RobotState) -> dict[str, str]:
    shown = screen(link_view(state)).telemetry
    return {row.name: f"{row.value} {row.unit}" for row in shown}


def test_the_rows_of_an_arm() -> None:
    assert rows(arm_driven()) == {
        "Latency": "76 ms",
        "Speed": "0.12 m/s",
        "Height": "0.21 m",
        "Yaw": "−28 °",
        "Grip": "66 %",
        "Force": "1.6 N",
    }


def test_the_rows_of_a_rover_are_as_they_were() -> None:
    assert list(rows(driven())) == ["Latency", "Speed", "Motors", "Tilt", "Battery"]


def test_a_lost_arm_keeps_the_places_of_its_rows() -> None:
    lost = replace(link_view(arm_driven()), reach=Reach.LOST, silent_ms=60_000.0)
    shown = screen(lost).telemetry
    assert shown[2] == TelemetryRow("Height", "–", "m", Look.DIM)
    assert len(shown) == 6


def test_over_the_picture_stands_the_hand() -> None:
    hud = screen(link_view(arm_driven())).hud
    assert hud is not None
    assert hud.hand == HandFace(height="0.21", grip="Grip 66 %, 1.6 N", grip_fraction=0.66)
    assert hud.speed == "0.12"
    assert hud.cap == "Cap 0.25: robot's own limit"
    below = screen(link_view(arm_driven(hand=Hand(z_m=-0.012, grip=1.02, grip_n=12.44)))).hud
    assert below is not None
    assert below.hand == HandFace("−0.01", "Grip 102 %, 12.4 N", 1.0)
    rover = screen(link_view(driven())).hud
    assert rover is not None
    assert rover.hand is None


def test_what_a_hand_is_asked_for_is_told_by_its_speed_whichever_way() -> None:
    up = Twist(forward_mps=0.0, turn_radps=0.0, up_mps=0.2)
    hud = screen(link_view(arm_driven(asked=up, speed_mps=0.0))).hud
    assert hud is not None
    assert hud.asked == "asked 0.20"


def test_where_the_hand_is_over_the_table() -> None:
    assert words.place(arm_driven()) == "x 0.41 · y −0.10 m"
    named = {row.name: row for row in screen(link_view(arm_driven())).reasons.rows}
    assert named["Robot"].value == "hand at x 0.41 · y −0.10 m"
    assert named["Surroundings"].value == "fingers press with 1.6 N"
    assert named["Surroundings"].note == "0.21 m high"
    free = arm_driven(hand=Hand(z_m=0.3, grip=0.1, grip_n=0.2))
    named = {row.name: row for row in screen(link_view(free)).reasons.rows}
    assert named["Surroundings"].value == "fingers are free"


def test_an_arm_without_a_policy_stands_by() -> None:
    shown = screen(link_view(arm_state()))
    assert shown.mode.word == "STANDBY"
    assert (shown.lease.title, shown.lease.detail) == ("Lease: free", "nobody drives")
    assert shown.readiness.detail == "Stands by: Put the cube into the tray"
    assert not why_not(Act.REQUEST, link_view(arm_state()))
    assert shown.call.detail == "It waits for whoever takes it."
    works = screen(link_view(arm_state(has_policy=True)))
    assert works.mode.word == "AUTONOMY"
    assert works.readiness.detail == "Works by itself: Put the cube into the tray"


def test_what_has_no_policy_is_not_let_drive_but_handed_back() -> None:
    link = link_view(arm_driven())
    assert why_not(Act.LET_DRIVE, link) == "It has no policy that could drive it."
    assert not why_not(Act.HAND_BACK, link)
    assert screen(link).status.message == "Driving arm-01. Enter hands it back."


def test_the_keys_that_move_a_hand_are_named() -> None:
    ready = arm_driven(mode=Mode.READY, applied=STILL, asked=STILL)
    link = replace(link_view(ready), focused=True)
    assert screen(link).readiness.detail == "Hold W A S D, R F, Q E, G or T to move"
    pad = replace(link, input_device="Xbox")
    assert screen(pad).readiness.detail == "Hold the deadman (LB) to move"


def test_at_the_edge_of_its_workspace_a_hand_is_moved_back() -> None:
    state = arm_driven(cap_mps=0.0, cap_cause=CapCause.WORKSPACE)
    shown = screen(replace(link_view(state), focused=True, deadman=True))
    assert shown.readiness.detail == "At the edge of its work area: move the hand back"


def test_a_hand_that_is_told_to_move_and_does_not_is_noticed_whichever_way() -> None:
    down = Twist(forward_mps=0.0, turn_radps=0.0, up_mps=-0.2)
    link = replace(link_view(arm_driven(applied=down, speed_mps=0.0)), focused=True, deadman=True)
    history = History()
    for tenth in range(30):
        history.note(link, 60.0, NOW + tenth * S // 10)
    assert history.facts.blocked_ns == NOW
    shown = screen(link, Facts(blocked_ns=NOW), now_ns=NOW + 5 * S)
    assert shown.readiness.detail == (
        "Does not move: told 0.20 m/s. Something is in the way, or its reach ends here: "
        "go back a little"
    )
    assert set(history.traces) == {"Latency", "Speed", "Height", "Yaw", "Grip", "Force"}


def test_numbers_keep_their_sign_and_their_decimals() -> None:
    assert [words.signed(v) for v in (0.126, -0.126, -0.001, 0.0)] == [
        "0.13",
        "−0.13",
        "0.00",
        "0.00",
    ]
    assert words.signed(-28.4, 0) == "−28"
