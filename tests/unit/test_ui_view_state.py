"""Each word on the screen, as text: every mode, refusal, reach, recorder phase and verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

import pytest

from teleop.operator_view import LinkView, PictureView, Reach, Refused, StopView
from tests.console.fakes import (
    CALL,
    EXACT,
    MS,
    ROBOT_NS,
    driven,
    link_view,
    media_state,
    robot_state,
)
from transport.messages import (
    CapCause,
    Hold,
    Lease,
    Mode,
    Outcome,
    Phase,
    RecorderPhase,
    Refusal,
    Twist,
    VerdictNotice,
)
from ui.history import Facts, Mark
from ui.reason_rows import PLACE, ROWS
from ui.screen import Act, Look, Screen
from ui.view_state import screen_of

NOW = 10**12
S = 10**9
WALL = datetime(2026, 3, 4, 14, 32, 8)  # noqa: DTZ001 - local time of the operator's wall
OTHER = Lease(epoch=5, operator="op-2", session="session-2", expires_ns=ROBOT_NS + 3 * S)


def camera(name: str = "front", age_ms: float | None = 62.0, **changes: object) -> PictureView:
    ages = () if age_ms is None else (age_ms,) * 5
    view = PictureView(name, age_ms, 100, 30.0, "14:32:05", ages)
    return replace(view, **changes)  # type: ignore[arg-type]


def screen(
    link: LinkView, facts: Facts | None = None, *pictures: PictureView, now_ns: int = NOW
) -> Screen:
    shown = pictures or (camera(), camera("ceiling", 71.0))
    return screen_of(link, shown, facts or Facts(), now_ns, WALL)


def held(reason: Refusal, value: float = 0.0, limit: float = 0.0, **changes: object) -> LinkView:
    hold = Hold(reason=reason, value=value, limit=limit)
    return link_view(driven(mode=Mode.HOLD, hold=hold, **changes))


CALLING = robot_state(
    mode=Mode.HOLD, phase=Phase.WAIT, call=CALL, hold=Hold(reason=Refusal.CALLING)
)

# --- mode chip -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "word", "icon", "look"),
    [
        (link_view(robot_state()), "AUTONOMY", "autonomy", Look.QUIET),
        (link_view(driven()), "YOU DRIVE", "wheel", Look.YOURS),
        (held(Refusal.STALE), "YOU DRIVE", "wheel", Look.YOURS),
        (link_view(driven(lease=OTHER)), "op-2 DRIVES", "person", Look.QUIET),
        (link_view(CALLING), "CALLING", "hand", Look.LIMITED),
        (link_view(driven(mode=Mode.ESTOP)), "STOPPED", "octagon", Look.LATCHED),
        (link_view(robot_state(mode=Mode.DISARMED)), "NOBODY", "dashed", Look.QUIET),
        (link_view(None), "UNKNOWN", "dashed", Look.DIM),
        (link_view(driven(), reach=Reach.LOST), "UNKNOWN", "dashed", Look.DIM),
    ],
)
def test_mode_chip_says_who_has_control(link: LinkView, word: str, icon: str, look: Look) -> None:
    chip = screen(link).mode
    assert (chip.word, chip.icon, chip.look) == (word, icon, look)


# --- readiness: every mode ------------------------------------------------------------------------

STOPPED_FACTS = Facts(stopped_ns=NOW - 137 * S)

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
    Mode.AUTONOMY: (link_view(robot_state()), "READY", "Works by itself: patrol", Look.QUIET),
    Mode.HOLD: (
        held(Refusal.STALE, 340.0, 300.0),
        "HOLD",
        "Not moving: commands are 340 ms old, limit 300 ms",
        Look.HOLD,
    ),
    Mode.LINK_LOST: (
        link_view(
            driven(mode=Mode.LINK_LOST, hold=Hold(reason=Refusal.GAP, value=1000.0, limit=1000.0)),
            input_device="Gamepad 1",
        ),
        "LINK LOST",
        "Not moving: no command for 1.0 s. Let go of the stick, then press the deadman",
        Look.LATCHED,
    ),
    Mode.SAFE_STOP: (
        link_view(driven(mode=Mode.SAFE_STOP, bumper=True)),
        "SAFE STOP",
        "Not moving: bumper is pressed. Free it, then reset",
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


@pytest.mark.parametrize(
    ("link", "word", "detail"),
    [
        (
            link_view(driven(mode=Mode.READY), input_device="Gamepad 1"),
            "READY",
            "Hold the deadman (LB) to move",
        ),
        (
            link_view(robot_state(mode=Mode.DISARMED)),
            "DISARMED",
            "Not moving: motors are off. Request the lease (F2), then arm (F5)",
        ),
        (link_view(driven(lease=OTHER)), "READY", "op-2 drives. You watch"),
        (
            link_view(driven(mode=Mode.SAFE_STOP, tilt_rad=math.radians(31))),
            "SAFE STOP",
            "Not moving: robot is tilted by 31°. Put it upright, then reset",
        ),
        (
            link_view(driven(mode=Mode.SAFE_STOP)),
            "SAFE STOP",
            "Not moving: robot has stopped itself. Reset when its cause is gone",
        ),
        (
            link_view(driven(mode=Mode.READY, hold=Hold(reason=Refusal.NOT_NEUTRAL))),
            "HOLD",
            "Not moving: let go of the keys for 0.5 s",
        ),
        (
            link_view(driven(mode=Mode.READY, hold=Hold(reason=Refusal.DEADMAN))),
            "READY",
            "Hold W A S D or an arrow key to move",
        ),
    ],
)
def test_readiness_variants(link: LinkView, word: str, detail: str) -> None:
    chip = screen(link).readiness
    assert (chip.word, chip.detail) == (word, detail)


@pytest.mark.parametrize(
    ("lease", "how"),
    [
        (OTHER, "Reset needs op-2: Robot, Reset STOP"),
        (Lease(), "Reset needs the lease (F2): Robot, Reset STOP"),
    ],
)
def test_a_stop_says_who_can_reset_it(lease: Lease, how: str) -> None:
    link = link_view(driven(mode=Mode.ESTOP, stopped_by="op-3", lease=lease))
    assert screen(link, STOPPED_FACTS).readiness.detail == f"STOP by op-3 at 14:29:51. {how}"


# --- readiness: every refusal ---------------------------------------------------------------------

REFUSALS: dict[Refusal, tuple[Hold, str]] = {
    Refusal.NO_LEASE: (Hold(reason=Refusal.NO_LEASE), "you do not have the lease"),
    Refusal.HELD_BY_OTHER: (Hold(reason=Refusal.HELD_BY_OTHER), "op-2 has the lease"),
    Refusal.OLD_EPOCH: (
        Hold(reason=Refusal.OLD_EPOCH),
        "your lease has run out, request it again",
    ),
    Refusal.DEADMAN: (Hold(reason=Refusal.DEADMAN), "deadman is released"),
    Refusal.NOT_NEUTRAL: (Hold(reason=Refusal.NOT_NEUTRAL), "let go of the stick for 0.5 s"),
    Refusal.STALE: (
        Hold(reason=Refusal.STALE, value=340.0, limit=300.0),
        "commands are 340 ms old, limit 300 ms",
    ),
    Refusal.GAP: (Hold(reason=Refusal.GAP, value=240.0), "no command for 240 ms"),
    Refusal.ECHO: (Hold(reason=Refusal.ECHO), "robot has restarted, arm again"),
    Refusal.BOOT_ID: (Hold(reason=Refusal.BOOT_ID), "robot has restarted, arm again"),
    Refusal.SEQUENCE: (
        Hold(reason=Refusal.SEQUENCE),
        "12 commands were damaged or out of order",
    ),
    Refusal.MALFORMED: (
        Hold(reason=Refusal.MALFORMED),
        "12 commands were damaged or out of order",
    ),
    Refusal.NO_PICTURE: (Hold(reason=Refusal.NO_PICTURE), "no picture yet"),
    Refusal.PICTURE_STALE: (
        Hold(reason=Refusal.PICTURE_STALE, value=2100.0, limit=2000.0),
        "picture is 2.1 s old, limit 2.0 s",
    ),
    Refusal.MODE: (
        Hold(reason=Refusal.MODE),
        "robot works by itself, hold the deadman to take over",
    ),
    Refusal.CALLING: (
        Hold(reason=Refusal.CALLING),
        "it called for help 0:39 ago and waits for an operator",
    ),
}


def refused(reason: Refusal, lease: Lease) -> LinkView:
    return link_view(
        driven(
            mode=Mode.HOLD,
            lease=lease,
            call=CALL,
            hold=REFUSALS[reason][0],
            commands_refused={Refusal.SEQUENCE: 5, Refusal.MALFORMED: 7},
        ),
        input_device="Gamepad 1",
    )


@pytest.mark.parametrize("reason", Refusal)
def test_each_refusal_in_plain_words(reason: Refusal) -> None:
    watched = screen(refused(reason, OTHER)).readiness
    assert watched.word == "HOLD"
    assert watched.detail == f"Not moving: {REFUSALS[reason][1]}"
    assert watched.look is Look.LIMITED  # outline: it is not you who drives it


@pytest.mark.parametrize("reason", Refusal)
def test_each_refusal_fills_the_chip_while_you_drive(reason: Refusal) -> None:
    assert screen(refused(reason, driven().lease)).readiness.look is Look.HOLD


@pytest.mark.parametrize("reason", Refusal)
def test_each_refusal_has_its_place_in_the_reasons(reason: Refusal) -> None:
    rows = screen(refused(reason, driven().lease)).reasons.rows
    assert tuple(row.name for row in rows) == ROWS
    marked = [row.name for row in rows if row.look in (Look.HOLD, Look.LATCHED)]
    if reason is Refusal.DEADMAN:  # letting go is no trouble: amber text only
        assert marked == []
    else:
        assert marked == [PLACE[reason]]


@pytest.mark.parametrize("reason", Refusal)
def test_each_refusal_has_a_banner_with_what_to_do(reason: Refusal) -> None:
    banner = screen(refused(reason, driven().lease)).banner
    assert banner is not None
    assert banner.detail.endswith(".")


def test_one_damaged_command_is_one() -> None:
    link = held(Refusal.MALFORMED, commands_refused={Refusal.MALFORMED: 1})
    assert screen(link).readiness.detail.endswith("1 command was damaged or out of order")


# --- readiness: caps, reach, STOP -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "cap", "age", "detail"),
    [
        (CapCause.LATENCY, 0.42, 240.0, "0.42 of 0.50 m/s: latency is 240 ms"),
        (CapCause.PICTURE, 0.15, 640.0, "0.15 m/s: picture is 640 ms old"),
    ],
)
def test_limited_says_what_limits(cause: CapCause, cap: float, age: float, detail: str) -> None:
    link = link_view(driven(cap_cause=cause, cap_mps=cap, picture_age_ms=age))
    chip = screen(link).readiness
    assert (chip.word, chip.detail, chip.look) == ("LIMITED", detail, Look.LIMITED)


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


def test_stop_button_at_rest_is_not_red() -> None:
    assert (screen(link_view(driven())).stop.word, screen(link_view(driven())).stop.look) == (
        "STOP",
        Look.QUIET,
    )


def test_stop_button_when_latched() -> None:
    chip = screen(link_view(driven(mode=Mode.ESTOP))).stop
    assert (chip.word, chip.look) == ("STOPPED", Look.LATCHED)


# --- lease ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "title", "detail", "button", "enabled"),
    [
        (link_view(driven()), "Lease: yours", "for 2:41", "Release", True),
        (link_view(driven(lease=OTHER)), "Lease: op-2", "for 2:41", "Request", False),
        (link_view(robot_state()), "Lease: free", "works by itself", "Request", True),
        (link_view(CALLING), "Lease: free", "nobody drives", "Request", True),
        (link_view(None), "Lease: –", "not known", "Request", False),
    ],
)
def test_lease(link: LinkView, title: str, detail: str, button: str, enabled: bool) -> None:
    face = screen(link, Facts(lease_ns=NOW - 161 * S)).lease
    assert (face.title, face.detail, face.button, face.enabled) == (title, detail, button, enabled)
    assert face.act is (Act.RELEASE if button == "Release" else Act.REQUEST)


# --- recorder -------------------------------------------------------------------------------------

RECORDERS = {
    RecorderPhase.PREROLL: (media_state(), "Pre-roll", "last 10 s", Look.QUIET),
    RecorderPhase.RECORDING: (
        media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118", episode_s=179.4),
        "2:59",
        "REC ep. 118",
        Look.QUIET,
    ),
    RecorderPhase.SEALED: (
        media_state(recorder=RecorderPhase.SEALED, episode="rover-07-118"),
        "Sealed",
        "ep. 118",
        Look.QUIET,
    ),
    RecorderPhase.FAILED: (
        media_state(recorder=RecorderPhase.FAILED, recorder_detail="robot disk full"),
        "Not recording",
        "robot disk full",
        Look.LIMITED,
    ),
}


@pytest.mark.parametrize("phase", RecorderPhase)
def test_recording_chip_in_each_phase(phase: RecorderPhase) -> None:
    media, word, detail, look = RECORDERS[phase]
    chip = screen(link_view(driven(), media=media)).recording
    assert (chip.word, chip.detail, chip.look) == (word, detail, look)


@pytest.mark.parametrize("phase", RecorderPhase)
def test_recording_reason_in_each_phase(phase: RecorderPhase) -> None:
    link = link_view(driven(), media=RECORDERS[phase][0])
    row = next(row for row in screen(link).reasons.rows if row.name == "Recording")
    expected = {
        RecorderPhase.RECORDING: "on, 41 GB left",
        RecorderPhase.FAILED: "robot disk full",
    }
    assert row.value == expected.get(phase, "ready, 41 GB left")


@pytest.mark.parametrize("changes", [{"media": None}, {"media_silent_ms": 3500.0}])
def test_a_silent_recorder_is_not_known(changes: dict[str, object]) -> None:
    shown = screen(link_view(driven(), **changes))
    assert (shown.recording.word, shown.recording.look) == ("REC ?", Look.DIM)
    assert shown.status.disk == "–"


# --- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "icon", "look"),
    [
        ("EXACT", "tick", Look.QUIET),
        ("SEMANTIC", "ready", Look.QUIET),
        ("FRAGILE", "triangle", Look.LIMITED),
        ("LABEL_FAULT", "fault", Look.FAILED),
        ("DIVERGED", "fault", Look.FAILED),
        ("PREDICATE_FAULT", "fault", Look.FAILED),
        ("UNVERIFIABLE", "dashed", Look.DIM),
        ("NOT_APPLIED", "cross", Look.DIM),
        ("SOMETHING_NEW", "dashed", Look.DIM),
    ],
)
def test_last_rescue_shows_each_verdict(verdict: str, icon: str, look: Look) -> None:
    notice = VerdictNotice(episode="rover-07-118", verdict=verdict, sentence="A sentence.")
    rescue = screen(link_view(robot_state(), media=media_state(verdict=notice))).rescue
    assert rescue.chip is not None
    assert (rescue.chip.word, rescue.chip.icon, rescue.chip.look) == (verdict, icon, look)
    assert (rescue.sentence, rescue.note) == ("A sentence.", "ep. 118")


def test_a_running_replay_is_shown_before_its_verdict() -> None:
    media = media_state(validating="rover-07-119", verdict=EXACT)
    rescue = screen(link_view(robot_state(), media=media)).rescue
    assert rescue.chip is not None
    assert (rescue.chip.word, rescue.note) == ("REPLAYING", "ep. 119")


def test_without_a_rescue_nothing_is_claimed() -> None:
    assert screen(link_view(robot_state())).rescue.chip is None


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "word", "detail", "look", "veil", "black"),
    [
        (camera(), "LIVE", "62 ms", Look.QUIET, None, False),
        (camera(age_ms=230.0), "LATE", "230 ms", Look.LIMITED, None, False),
        (camera(age_ms=2600.0), "STALE 2.6 s", "last 14:32:05", Look.HOLD, "STALE 2.6 s", False),
        (camera(age_ms=12_000.0), "NO PICTURE", "for 12 s", Look.HOLD, "NO PICTURE for 12 s", True),
        (camera(age_ms=None, painted=0), "NO PICTURE", "yet", Look.HOLD, "NO PICTURE", True),
        (camera(age_ms=None), "PICTURE", "age not known", Look.LIMITED, None, False),
    ],
)
def test_picture_tag(
    view: PictureView, word: str, detail: str, look: Look, veil: str | None, black: bool
) -> None:
    face = screen(link_view(robot_state()), None, view).pictures[0]
    assert (face.tag.word, face.tag.detail, face.tag.look) == (word, detail, look)
    assert (face.veil.title if face.veil else None) == veil
    assert (face.veil.black if face.veil else False) is black


def test_the_age_between_two_frames_does_not_jitter() -> None:
    view = camera(age_ms=95.0, ages_ms=(60.0, 62.0, 64.0))
    assert screen(link_view(robot_state()), None, view).pictures[0].tag.detail == "62 ms"


def test_a_frozen_picture_shows_its_true_age() -> None:
    view = camera(age_ms=380.0, ages_ms=(60.0, 62.0, 64.0))
    assert screen(link_view(robot_state()), None, view).pictures[0].tag.detail == "380 ms"


def test_late_is_by_the_whole_latency_and_not_by_the_picture_alone() -> None:
    face = screen(link_view(driven(picture_age_ms=240.0)), None, camera(age_ms=186.0)).pictures[0]
    assert (face.tag.word, face.tag.detail) == ("LATE", "186 ms")


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (link_view(robot_state()), Look.QUIET),
        (link_view(driven()), Look.YOURS),
        (held(Refusal.STALE), Look.HOLD),
        (link_view(driven(mode=Mode.ESTOP)), Look.LATCHED),
        (link_view(driven(mode=Mode.LINK_LOST)), Look.LATCHED),
        (link_view(driven(lease=OTHER)), Look.QUIET),
        (link_view(None), Look.QUIET),
    ],
)
def test_frame_of_the_main_picture(link: LinkView, frame: Look) -> None:
    assert screen(link).pictures[0].frame is frame


@pytest.mark.parametrize(
    ("link", "view", "word", "detail", "look"),
    [
        (link_view(driven()), camera(), "Picture 62 ms", "latency 76 · 30 fps", Look.QUIET),
        (
            link_view(driven(picture_age_ms=240.0)),
            camera(age_ms=186.0),
            "Picture 186 ms",
            "latency 240 · 30 fps",
            Look.LIMITED,
        ),
        (
            link_view(driven()),
            camera(age_ms=None, painted=0),
            "No picture",
            "commands arrive, 14 ms",
            Look.LIMITED,
        ),
        (
            link_view(robot_state()),
            camera(age_ms=None, painted=0),
            "No picture",
            "robot answers, 3 ms",
            Look.LIMITED,
        ),
        (
            link_view(driven(), reach=Reach.LOST, silent_ms=41_000.0),
            camera(),
            "No link",
            "since 14:31:27",
            Look.FAILED,
        ),
    ],
)
def test_link_chip(link: LinkView, view: PictureView, word: str, detail: str, look: Look) -> None:
    chip = screen(link, None, view).link
    assert (chip.word, chip.detail, chip.look) == (word, detail, look)


# --- banner and numbers ---------------------------------------------------------------------------


def test_banner_says_why_and_what_to_do() -> None:
    banner = screen(held(Refusal.STALE, 340.0, 300.0)).banner
    assert banner is not None
    assert banner.title == "Not moving: commands are 340 ms old"
    assert banner.detail == "Limit 300 ms. Keep the deadman held; motion resumes by itself."


def test_banner_of_a_call() -> None:
    banner = screen(link_view(CALLING)).banner
    assert banner is not None
    assert banner.title == "rover-07 asks for help"
    assert banner.detail == "Wedged under furniture. Enter accepts the call and you drive."


@pytest.mark.parametrize("state", [driven(), robot_state(), driven(mode=Mode.READY)])
def test_no_banner_when_all_is_well(state: object) -> None:
    assert screen(link_view(state)).banner is None  # type: ignore[arg-type]


def test_hud_numbers() -> None:
    hud = screen(link_view(driven())).hud
    assert hud is not None
    assert (hud.speed, hud.cap, hud.bearing, hud.compass) == (
        "0.32",
        "Cap 0.50: robot's own limit",
        "173°",
        "S",
    )
    assert (hud.turn, hud.blind, hud.asked) == ("Turn right 10 °/s", "2 cm", "")
    assert hud.speed_fraction == pytest.approx(0.64)


def test_hud_of_a_capped_robot() -> None:
    state = driven(
        speed_mps=-0.1,
        asked=Twist(forward_mps=0.42, turn_radps=0.0),
        cap_mps=0.42,
        cap_cause=CapCause.LATENCY,
        picture_age_ms=240.0,
    )
    hud = screen(link_view(state)).hud
    assert hud is not None
    assert (hud.speed, hud.asked, hud.cap) == ("−0.10", "asked 0.42", "Cap 0.42: latency 240 ms")
    assert hud.cap_look is Look.LIMITED


# --- docks and status bar -------------------------------------------------------------------------

CALL_FACTS = Facts(call=CALL, call_ns=NOW - 39 * S)


def test_a_waiting_call_can_be_accepted() -> None:
    call = screen(link_view(CALLING), CALL_FACTS).call
    assert (call.title, call.age, call.heading, call.accept) == (
        "Call waiting",
        "0:39",
        "Wedged under furniture",
        True,
    )
    assert call.rows == (("Called", "14:31:29"), ("Waits", "0:39"), ("Task", "Reach open floor"))


def test_your_call_shows_how_it_went() -> None:
    facts = replace(CALL_FACTS, accepted_ns=NOW - 20 * S, first_motion_ns=NOW - 13_800 * MS)
    call = screen(link_view(driven()), facts).call
    assert (call.title, call.accept) == ("Your call", False)
    assert dict(call.rows) == {
        "Called": "14:31:29",
        "Waited": "19 s",
        "First motion": "6.2 s",
        "You drive": "0:20",
        "Task": "Reach open floor",
    }


def test_somebody_elses_call_cannot_be_accepted() -> None:
    call = screen(link_view(driven(lease=OTHER)), CALL_FACTS).call
    assert not call.accept
    assert ("Answered by", "op-2") in call.rows


def test_nobody_calls() -> None:
    call = screen(link_view(robot_state())).call
    assert (call.heading, call.accept) == ("Nobody calls", False)


@pytest.mark.parametrize(
    ("link", "enabled"),
    [(link_view(driven()), True), (link_view(robot_state()), False), (link_view(None), False)],
)
def test_labels_belong_to_whoever_drives(link: LinkView, enabled: bool) -> None:
    assert screen(link).labels.enabled is enabled


def test_labels_show_phase_and_outcome() -> None:
    state = driven(phase=Phase.CORRECTION, outcome=Outcome.SUCCESS)
    labels = screen(link_view(state)).labels
    assert (labels.phase, labels.outcome) == (Phase.CORRECTION, Outcome.SUCCESS)


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (link_view(driven()), "Driving rover-07. Enter hands back to autonomy."),
        (link_view(CALLING), "rover-07 calls for help. Enter accepts."),
        (link_view(robot_state()), "Watching rover-07. F2 requests the lease."),
        (link_view(driven(lease=OTHER)), "op-2 drives rover-07. You watch."),
        (link_view(driven(mode=Mode.ESTOP)), "STOP is latched. A reset never moves the robot."),
        (
            link_view(driven(), refused=Refused("Request lease", "op-2 has the lease", NOW - S)),
            "Request lease refused: op-2 has the lease",
        ),
        (link_view(None, silent_ms=100.0), "Searching for the robot at 127.0.0.1:7600."),
    ],
)
def test_status_message(link: LinkView, message: str) -> None:
    assert screen(link).status.message == message


def test_an_old_refusal_is_forgotten() -> None:
    refused_long_ago = Refused("Request lease", "op-2 has the lease", NOW - 7 * S)
    assert "refused" not in screen(link_view(driven(), refused=refused_long_ago)).status.message


def test_status_cells() -> None:
    status = screen(link_view(driven(), deadman=True)).status
    assert (status.device, status.deadman, status.commands, status.disk) == (
        "Keyboard",
        True,
        "60 Hz · 14 ms",
        "41 GB",
    )
    assert screen(link_view(robot_state())).status.commands == "none sent"


def test_telemetry_rows_have_a_fixed_order_and_units() -> None:
    rows = screen(link_view(driven())).telemetry
    assert [(row.name, row.value, row.unit) for row in rows] == [
        ("Latency", "76", "ms"),
        ("Speed", "0.32", "m/s"),
        ("Motors", "1.8", "A"),
        ("Tilt", "1.2", "°"),
        ("Battery", "64", "%"),
    ]


@pytest.mark.parametrize(
    ("latency", "view", "value", "look"),
    [
        (76.0, camera(), "Front live, 30 fps", Look.QUIET),
        (240.0, camera(age_ms=186.0), "Front late, 186 ms old", Look.LIMITED),
        (640.0, camera(age_ms=640.0), "Front 640 ms old", Look.LIMITED),
        (76.0, camera(age_ms=None), "Front: age not known", Look.LIMITED),
        (76.0, camera(age_ms=None, painted=0), "Front: no picture yet", Look.LIMITED),
    ],
)
def test_picture_reason(latency: float, view: PictureView, value: str, look: Look) -> None:
    rows = screen(link_view(driven(picture_age_ms=latency)), None, view).reasons.rows
    row = next(row for row in rows if row.name == "Picture")
    assert (row.value, row.look) == (value, look)


@pytest.mark.parametrize(
    ("link", "button", "act"),
    [
        (link_view(robot_state()), "Request lease", Act.REQUEST),
        (link_view(driven(mode=Mode.DISARMED)), "Arm", Act.ARM),
        (link_view(driven(mode=Mode.ESTOP)), "Reset STOP", Act.RESET),
        (link_view(driven()), "", None),
        (link_view(driven(lease=OTHER)), "", None),
        (link_view(driven(mode=Mode.FAULT)), "", None),
    ],
)
def test_the_one_thing_that_can_be_done(link: LinkView, button: str, act: Act | None) -> None:
    reasons = screen(link).reasons
    assert (reasons.button, reasons.act) == (button, act)


def test_the_log_is_newest_first_with_the_operators_clock() -> None:
    marks = [Mark("call", "call: wedged", NOW - 60 * S), Mark("takeover", "you took over", NOW)]
    shown = screen_of(link_view(driven()), [camera()], Facts(), NOW, WALL, marks)
    assert [(line.clock, line.text) for line in shown.log] == [
        ("14:32:08", "you took over"),
        ("14:31:08", "call: wedged"),
    ]


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
