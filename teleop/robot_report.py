"""What the control process says of a tick: the state for operators, the record for the recorder.

Pure: everything is handed in. What is reported is what happened, not what was wished.
"""

from __future__ import annotations

from dataclasses import dataclass

from teleop.axes import kind_of
from teleop.gate import Decision
from teleop.gate_state import GateState
from teleop.policy import NO_POLICY
from teleop.robot import Gripping, Observation
from teleop.safety import Limits
from transport.messages import (
    CapCause,
    Description,
    Event,
    Hand,
    Phase,
    RobotState,
    Tick,
    Twist,
)


@dataclass(frozen=True)
class Ticked:
    """One control tick as it went."""

    tick: int
    stamp_ns: int
    state: GateState  # after it; the driver may have failed since it was decided
    decision: Decision
    observation: Observation  # before the tick was applied
    observed_ns: int
    policy: Twist  # what it wished, also while it was not in control
    applied: Twist  # what the motors were told
    applied_ns: int
    state_before: bytes
    events: tuple[Event, ...]
    missed_before: int


@dataclass(frozen=True)
class Running:
    """What the control process knows of itself."""

    missed_ticks: int
    applied_input: tuple[int, int]  # newest input_ns, and when the motors were told it first
    watchdog_trips: int
    disk_refuses: bool
    idle_s: float


def recorded(ticked: Ticked, boot_id: str) -> Tick:
    """The tick for the robot's inner bus."""
    state = ticked.state
    return Tick(
        tick=ticked.tick,
        stamp_ns=ticked.stamp_ns,
        boot_id=boot_id,
        mode=state.mode,
        source=ticked.decision.source,
        phase=state.phase,
        intervention=state.intervention if state.lease.session else -1,
        outcome=state.outcome,
        observation=ticked.observation.values(),
        policy=ticked.policy,
        human=state.human,
        requested=ticked.decision.asked,
        applied=ticked.applied,
        deadman=state.deadman,
        command_seq=ticked.decision.command_seq,
        command_age_ms=state.command_age_ms,
        picture_age_ms=state.picture_age_ms,
        observed_ns=ticked.observed_ns,
        received_ns=state.heard_ns if state.last_seq >= 0 else 0,
        applied_ns=ticked.applied_ns,
        input_ns=state.last_input_ns if state.last_seq >= 0 else 0,
        sent_ns=state.last_sent_ns,
        clock_offset_ns=state.clock_offset_ns,
        clock_error_ns=state.clock_error_ns,
        missed_before=ticked.missed_before,
        state=ticked.state_before,
        events=ticked.events,
    )


def reported(
    ticked: Ticked,
    seen: Observation,
    running: Running,
    description: Description,
    limits: Limits,
) -> RobotState:
    """The state for everybody who watches; `seen` is how the robot is after the tick."""
    state = ticked.state
    has_policy = description.policy != NO_POLICY
    works_itself = has_policy and state.phase is Phase.AUTONOMOUS
    return RobotState(
        robot=description.robot,
        site=description.site,
        boot_id=description.boot_id,
        stamp_ns=ticked.stamp_ns,
        tick=ticked.tick,
        mode=state.mode,
        phase=state.phase,
        lease=state.lease,
        wanted=state.wanted,
        lease_note=state.lease_note,
        profile=state.profile,
        timing=limits.timing(state.profile),
        call=state.call,
        hold=state.hold,
        stopped_by=state.stopped_by,
        latched_for=state.latched_for,
        intervention=state.intervention,
        outcome=state.outcome,
        task=description.policy if works_itself else description.task,
        x_m=seen.pose.x_m,
        y_m=seen.pose.y_m,
        heading_rad=seen.heading_rad,
        speed_mps=seen.speed_mps,
        turn_radps=seen.turn_radps,
        tilt_rad=seen.tilt_rad,
        motor_a=seen.motor_a,
        battery_pct=seen.battery_pct,
        bumper=seen.bumper,
        asked=ticked.decision.asked,
        applied=ticked.applied,
        cap_mps=state.cap.mps if state.cap else limits.max_mps,
        max_mps=limits.max_mps,
        max_radps=limits.max_radps,
        cap_cause=state.cap.cause if state.cap else CapCause.ROBOT,
        command_seq=state.last_seq,
        command_input_ns=running.applied_input[0],
        command_applied_ns=running.applied_input[1],
        command_age_ms=state.command_age_ms,
        picture_age_ms=state.picture_age_ms,
        commands_accepted=state.accepted,
        commands_refused=state.refused,
        policy_refused=state.policy_refused,
        loss_to_zero_ms=state.loss_to_zero_ms,
        watchdog_trips=running.watchdog_trips,
        missed_ticks=running.missed_ticks,
        disk_refuses=running.disk_refuses,
        idle_s=running.idle_s,
        kind=kind_of(description.action_names),
        hand=_hand(seen),
        has_policy=has_policy,
    )


def _hand(seen: Observation) -> Hand | None:
    if not isinstance(seen, Gripping):
        return None
    return Hand(z_m=seen.pose.z_m, grip=seen.grip, grip_n=seen.grip_n)
