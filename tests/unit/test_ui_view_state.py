"""Each word on the screen, as text: mode, lease, recorder, verdicts, pictures, docks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from teleop.operator_view import LinkView, PictureView, Reach, Refused
from tests.console.fakes import (
    CALL,
    EXACT,
    MS,
    OTHER,
    driven,
    link_view,
    media_state,
    robot_state,
    wish,
)
from tests.unit.screen_support import CALLING, NOW, WALL, S, camera, held, screen
from transport.messages import (
    CapCause,
    HoldReason,
    Mode,
    Outcome,
    Phase,
    RecorderPhase,
    Role,
    Twist,
    VerdictNotice,
)
from ui.facts import Facts
from ui.history import Mark
from ui.screen import Act, Look
from ui.view_state import screen_of

# --- mode chip -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "word", "icon", "look"),
    [
        (link_view(robot_state()), "AUTONOMY", "autonomy", Look.QUIET),
        (link_view(driven()), "YOU DRIVE", "wheel", Look.YOURS),
        (held(HoldReason.STALE), "YOU DRIVE", "wheel", Look.YOURS),
        (link_view(driven(lease=OTHER)), "op-2 DRIVES", "person", Look.QUIET),
        (link_view(CALLING), "CALLING", "hand", Look.LIMITED),
        (link_view(driven(mode=Mode.AUTONOMY)), "AUTONOMY", "autonomy", Look.QUIET),
        (link_view(driven(mode=Mode.AUTONOMY, lease=OTHER)), "AUTONOMY", "autonomy", Look.QUIET),
        (link_view(driven(mode=Mode.ESTOP)), "STOPPED", "octagon", Look.LATCHED),
        (link_view(robot_state(mode=Mode.DISARMED)), "NOBODY", "dashed", Look.QUIET),
        (link_view(None), "UNKNOWN", "dashed", Look.DIM),
        (link_view(driven(), reach=Reach.LOST), "UNKNOWN", "dashed", Look.DIM),
    ],
)
def test_mode_chip_says_who_has_control(link: LinkView, word: str, icon: str, look: Look) -> None:
    chip = screen(link).mode
    assert (chip.word, chip.icon, chip.look) == (word, icon, look)


# --- lease ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "title", "detail", "button", "enabled"),
    [
        (link_view(driven()), "Lease: yours", "for 2:41", "Release", True),
        (link_view(driven(lease=OTHER)), "Lease: op-2", "for 2:41", "Ask", True),
        (
            link_view(driven(lease=OTHER, wanted=wish(session="session-1"))),
            "Lease: op-2",
            "asked, 8 s",
            "Ask",
            False,
        ),
        (
            link_view(driven(lease=OTHER), role=Role.OBSERVER),
            "Lease: op-2",
            "for 2:41",
            "Ask",
            False,
        ),
        (link_view(robot_state(), role=None), "Lease: free", "works by itself", "Request", False),
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


@pytest.mark.parametrize(
    ("phase", "idle_s", "told"),
    [(Phase.RECOVERY, 12.4, "idle 12 s"), (Phase.PAUSED, 75.0, "paused 75 s")],
)
def test_a_recording_in_which_nothing_moves_is_told(phase: Phase, idle_s: float, told: str) -> None:
    recording = RECORDERS[RecorderPhase.RECORDING][0]
    shown = screen(link_view(driven(phase=phase, idle_s=idle_s), media=recording))
    assert (shown.recording.word, shown.recording.detail) == ("2:59", f"REC, {told}")
    row = next(row for row in shown.reasons.rows if row.name == "Recording")
    assert (row.value, row.note, row.look) == (f"on, {told}", "41 GB left", Look.LIMITED)


def test_a_pause_of_less_than_ten_seconds_is_not_worth_a_word() -> None:
    recording = RECORDERS[RecorderPhase.RECORDING][0]
    shown = screen(link_view(driven(idle_s=9.9), media=recording))
    assert shown.recording.detail == "REC ep. 118"


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
        (held(HoldReason.STALE), Look.HOLD),
        (link_view(driven(mode=Mode.ESTOP)), Look.LATCHED),
        (link_view(driven(mode=Mode.LINK_LOST)), Look.LATCHED),
        (link_view(driven(lease=OTHER)), Look.QUIET),
        (link_view(driven(mode=Mode.AUTONOMY)), Look.QUIET),
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
    banner = screen(held(HoldReason.STALE, 340.0, 300.0)).banner
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


@pytest.mark.parametrize("mode", [Mode.ESTOP, Mode.DISARMED, Mode.SAFE_STOP, Mode.FAULT])
def test_a_robot_that_takes_no_commands_does_not_know_the_age_of_the_picture(mode: Mode) -> None:
    state = driven(mode=mode, picture_age_ms=2100.0, cap_mps=0.05, cap_cause=CapCause.LATENCY)
    shown = screen(link_view(state))
    assert shown.latency == "64"  # the picture on the screen, and half a round trip
    assert shown.hud is not None
    assert (shown.hud.cap, shown.hud.cap_look) == ("Stands", Look.QUIET)


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
        (
            link_view(driven(mode=Mode.AUTONOMY)),
            "rover-07 works under your lease. Enter hands it back.",
        ),
        (
            link_view(driven(lease=OTHER), role=Role.OBSERVER),
            "op-2 drives rover-07. You watch (observer).",
        ),
        (
            link_view(CALLING, role=Role.OBSERVER),
            "rover-07 calls for help. You watch (observer).",
        ),
        (link_view(robot_state(), role=Role.OBSERVER), "You watch (observer): rover-07."),
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


def test_the_log_is_newest_first_with_the_operators_clock() -> None:
    marks = [Mark("call", "call: wedged", NOW - 60 * S), Mark("takeover", "you took over", NOW)]
    shown = screen_of(link_view(driven()), [camera()], Facts(), NOW, WALL, marks)
    assert [(line.clock, line.text) for line in shown.log] == [
        ("14:32:08", "you took over"),
        ("14:31:08", "call: wedged"),
    ]
