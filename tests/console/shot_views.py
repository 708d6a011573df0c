"""The states that `tests.console.shots` draws."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from recorder.episode_recorder import WAITS_FOR_LABEL
from teleop.hardware_replay import Stage as ReplayStage
from teleop.operator_view import LinkView, Reach, ReplayView
from teleop.self_test import SelfTest, Stage
from tests.console.fakes import (
    CALL,
    EXACT,
    OTHER,
    SESSION,
    SLOW_TIMING,
    arm_driven,
    arm_state,
    driven,
    link_view,
    media_state,
    robot_state,
    wish,
)
from transport.handshake import Trouble
from transport.messages import (
    STILL,
    CapCause,
    Hand,
    Hold,
    HoldReason,
    Mode,
    Phase,
    Profile,
    RecorderPhase,
    Refusal,
    Role,
)

STANDING = driven(mode=Mode.READY, applied=STILL, asked=STILL, speed_mps=0.0, turn_radps=0.0)


def calling() -> LinkView:
    state = robot_state(
        mode=Mode.HOLD,
        phase=Phase.HANDOVER,
        call=CALL,
        hold=Hold(reason=HoldReason.CALLING),
        motor_a=0.3,
    )
    return link_view(state)


def driving() -> LinkView:
    media = media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118", episode_s=179.0)
    return link_view(driven(), deadman=True, media=media)


def replaying(stage: ReplayStage = ReplayStage.PLAY, sentence: str = "") -> LinkView:
    replay = ReplayView(
        name="01M8XY2K9QABCDEFGHJKMNPQRS",
        stage=stage,
        played=214,
        actions=540,
        off=0.12 if stage is ReplayStage.APPROACH else 0.004,
        limit=0.05,
        unit="m",
        away_m=0.12,
        known=True,
        sentence=sentence,
    )
    return replace(driving(), replay=replay)


def replay_approaching() -> LinkView:
    return replaying(ReplayStage.APPROACH)


def replay_to_judge() -> LinkView:
    return replace(replaying(ReplayStage.JUDGE), state=STANDING, deadman=False)


def replay_ended() -> LinkView:
    sentence = (
        "Played 214 of 540 actions at 50% speed, tracked within 52 mm and 3.1°. It ended early: "
        "x_m is 0.0521 from the recording, limit 0.05; the robot's speed was capped at 40% "
        "meanwhile."
    )
    view = replaying(ReplayStage.ENDED, sentence)
    return replace(view, state=STANDING, deadman=False)


def arm_driving() -> LinkView:
    media = media_state(recorder=RecorderPhase.RECORDING, episode="arm-01-118", episode_s=19.0)
    return link_view(arm_driven(), deadman=True, media=media)


def arm_at_the_edge() -> LinkView:
    state = arm_driven(
        hand=Hand(z_m=-0.012, grip=1.0, grip_n=12.4),
        x_m=-0.418,
        y_m=-0.302,
        speed_mps=0.0,
        cap_mps=0.0,
        cap_cause=CapCause.WORKSPACE,
    )
    return link_view(state, deadman=True)


def arm_standing_by() -> LinkView:
    return link_view(arm_state())


def holding() -> LinkView:
    state = driven(
        mode=Mode.HOLD,
        hold=Hold(reason=HoldReason.STALE, value=340.0, limit=300.0),
        speed_mps=0.0,
        turn_radps=0.0,
        command_age_ms=340.0,
        picture_age_ms=240.0,
        cap_mps=0.42,
        cap_cause=CapCause.LATENCY,
        commands_refused={Refusal.STALE: 14},
    )
    media = media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118", episode_s=291.0)
    return link_view(state, deadman=True, media=media)


def stopped() -> LinkView:
    state = driven(mode=Mode.ESTOP, stopped_by="op-3", speed_mps=0.0, turn_radps=0.0)
    media = media_state(recorder=RecorderPhase.RECORDING, episode="rover-07-118", episode_s=291.0)
    return link_view(state, media=media)


def lost() -> LinkView:
    return replace(
        driving(),
        reach=Reach.LOST,
        silent_ms=41_000.0,
        media_silent_ms=41_000.0,
        yours=False,
        deadman=False,
        command_hz=0.0,
    )


def searching() -> LinkView:
    return link_view(None, silent_ms=4_000.0)


def proved() -> LinkView:
    media = media_state(recorder=RecorderPhase.SEALED, episode="rover-07-118", verdict=EXACT)
    return link_view(robot_state(speed_mps=0.24, motor_a=1.4), media=media)


def diverged() -> LinkView:
    verdict = msgspec.structs.replace(
        EXACT,
        verdict="DIVERGED",
        sentence="Replayed from its start, the robot leaves the recorded path at 4.2 s.",
    )
    media = media_state(
        recorder=RecorderPhase.FAILED, recorder_detail="robot disk full", verdict=verdict
    )
    state = driven(
        mode=Mode.READY,
        speed_mps=0.0,
        cap_mps=0.15,
        cap_cause=CapCause.PICTURE,
        picture_age_ms=640.0,
    )
    return link_view(state, media=media)


def asked() -> LinkView:
    return replace(driving(), state=driven(wanted=wish()))


def asking() -> LinkView:
    return link_view(driven(lease=OTHER, wanted=wish(operator="op-1", session=SESSION)))


def displaced() -> LinkView:
    """Together with a note that the window has kept."""
    return link_view(driven(lease=OTHER))


def observing() -> LinkView:
    return link_view(driven(lease=OTHER), name="guest", role=Role.OBSERVER)


def called_observing() -> LinkView:
    return replace(calling(), name="guest", role=Role.OBSERVER)


def supervising() -> LinkView:
    return link_view(driven(lease=OTHER), name="sup-1", role=Role.SUPERVISOR)


def unattended() -> LinkView:
    return link_view(STANDING, unattended_s=48.0)


def late() -> LinkView:
    state = msgspec.structs.replace(
        STANDING,
        mode=Mode.HOLD,
        hold=Hold(reason=HoldReason.STALE, value=340.0, limit=300.0),
        commands_refused={
            Refusal.STALE: 1412,
            Refusal.SEQUENCE: 12,
            Refusal.MALFORMED: 1,
            Refusal.HELD_BY_OTHER: 3,
            Refusal.ECHO: 2,
        },
        policy_refused=7,
    )
    return link_view(state, round_trip_p95_ms=320.0)


def slow() -> LinkView:
    state = msgspec.structs.replace(
        STANDING,
        profile=Profile.HIGH_LATENCY,
        timing=SLOW_TIMING,
        cap_mps=0.15,
        cap_cause=CapCause.PROFILE,
    )
    return link_view(state, round_trip_p95_ms=320.0)


def lent() -> LinkView:
    return link_view(driven(mode=Mode.AUTONOMY, phase=Phase.AUTONOMOUS))


def unlabelled() -> LinkView:
    media = media_state(
        recorder=RecorderPhase.RECORDING,
        episode="01M7X5TQF4X97FVW61ASFG03NT",
        episode_s=24.0,
        recorder_detail=WAITS_FOR_LABEL,
    )
    return link_view(robot_state(), media=media)


def idle() -> LinkView:
    media = media_state(
        recorder=RecorderPhase.RECORDING, episode="01M7X5TQF4X97FVW61ASFG03NT", episode_s=84.0
    )
    return link_view(msgspec.structs.replace(STANDING, idle_s=14.0), media=media)


def testing() -> LinkView:
    state = msgspec.structs.replace(
        STANDING, mode=Mode.HOLD, hold=Hold(reason=HoldReason.GAP, value=217.0, limit=200.0)
    )
    return link_view(state, self_test=SelfTest(epoch=4, loss=Stage.RUNNING))


def untestable() -> LinkView:
    return link_view(STANDING, self_test=SelfTest(epoch=4, stop=Stage.FAILED))


def safe_stop() -> LinkView:
    return link_view(msgspec.structs.replace(STANDING, mode=Mode.SAFE_STOP))


def faulty() -> LinkView:
    state = robot_state(mode=Mode.FAULT)
    return link_view(state, name="service", role=Role.MAINTENANCE)


def wrong_robot() -> LinkView:
    return link_view(None, silent_ms=4_000.0, trouble=Trouble.WRONG_ROBOT_KEY)


def not_paired() -> LinkView:
    return link_view(None, silent_ms=4_000.0, trouble=Trouble.NOT_PAIRED)
