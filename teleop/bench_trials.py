"""STOP, a cut link and a blackout, tried again and again on a driving robot; the peer beside it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from teleop import bench_figures as figures
from teleop.bench_figures import Aftermath, Beat, Loss
from teleop.bench_operator import Operator
from teleop.bench_parts import Part
from teleop.bench_peer import PeerOperator
from teleop.bench_relay import ROUND_TRIP_MS, Relay
from teleop.bench_robot import BenchRobot
from teleop.safety import Limits
from transport.clock import NS_PER_MS, NS_PER_S, now_ns
from transport.messages import STILL

FULL: Final = 1.0  # the stick; from full speed the ramp is longest
WITHIN_S: Final = 3.0  # a robot that does not stand by then counts as one that does not stop
ANSWER_S: Final = 3.0
BLACKOUT_S: Final = 5.0
AFTER_S: Final = 4.0  # what is looked at once the wire is whole again
STICK_EVERY_S: Final = 0.01
PEER_CYCLES_S: Final = 1.0  # for the peer's robot to be driven at all
STEP_BACK_S: Final = 5.0

Told = list[tuple[int, int, float]]  # by the peer's robot: (told, event, forward)


@dataclass
class Stops:
    """STOP, once for each trial."""

    planned: int
    to_zero_ms: list[float] = field(default_factory=list)
    to_answer_ms: list[float] = field(default_factory=list)
    failed: int = 0  # trials in which the robot did not stand in time


def stop_trials(operator: Operator, robot: BenchRobot, stops: Stops) -> None:
    """Press STOP at full speed, reset and arm, again; as often as is planned.

    Raises:
        LinkError: the robot could not be driven any more.
    """
    dice = random.Random(2)
    for trial in range(stops.planned):
        operator.drive(FULL if trial % 2 else -FULL)
        time.sleep(dice.uniform(0.0, 0.05))  # anywhere within a control tick
        pressed_ns = now_ns()
        operator.link.stop()
        took_ms = robot.wait_for(pressed_ns, _stopped(pressed_ns), WITHIN_S)
        operator.push()
        if took_ms is None:
            stops.failed += 1
            continue
        stops.to_zero_ms.append(took_ms)
        if operator.wait(lambda: _answer_ms(operator) is not None, ANSWER_S):
            stops.to_answer_ms.append(_answer_ms(operator) or 0.0)


def _stopped(pressed_ns: int) -> Callable[[list[Beat]], float | None]:
    return lambda beats: figures.stop_after(beats, pressed_ns)


def _answer_ms(operator: Operator) -> float | None:
    stop = operator.view().stop
    return None if stop is None else stop.round_trip_ms


@dataclass
class Cuts:
    """A cut link, once for each trial."""

    planned: int
    losses: list[Loss] = field(default_factory=list)
    failed: int = 0  # trials in which the robot did not stand in time


def cut_trials(
    operator: Operator, robot: BenchRobot, relay: Relay, cuts: Cuts, limits: Limits
) -> None:
    """Cut the wire at full speed, wait for a set-point of zero, mend it; as often as is planned.

    Raises:
        LinkError: the robot could not be driven any more.
    """
    dice = random.Random(3)
    for trial in range(cuts.planned):
        operator.drive(FULL if trial % 2 else -FULL)
        time.sleep(dice.uniform(0.0, 0.05))
        driven_ns = now_ns() - NS_PER_S
        cut_ns = relay.cut()
        loss = robot.wait_for(driven_ns, _loss(cut_ns, limits), WITHIN_S)
        relay.mend()
        if loss is None:
            cuts.failed += 1
        else:
            cuts.losses.append(loss)
    operator.push()


def _loss(cut_ns: int, limits: Limits) -> Callable[[list[Beat]], Loss | None]:
    return lambda beats: figures.loss_after(beats, cut_ns, limits)


@dataclass(frozen=True)
class Blackout:
    """One blackout of both wires, with the stick moving all the time."""

    begin_ns: int  # of the stick's movement
    cut_ns: int
    back_ns: int
    ours: Aftermath


def black_out(
    operator: Operator, peer: PeerOperator, robot: BenchRobot, relay: Relay, limits: Limits
) -> Blackout:
    """Cut ours and the peer's for `BLACKOUT_S` and go on pushing, as somebody does who waits.

    Raises:
        LinkError: the robot could not be driven.
    """
    operator.drive(figures.STICK_START)
    begin_ns = now_ns()

    def push_for(seconds: float) -> None:
        end_ns = now_ns() + round(seconds * NS_PER_S)
        while (stamp_ns := now_ns()) < end_ns:
            stick = figures.stick_at(stamp_ns, begin_ns)
            operator.push(stick)
            operator.keep_lease()
            peer.push(stick, 0.0, stamp_ns)
            time.sleep(STICK_EVERY_S)

    push_for(PEER_CYCLES_S)
    cut_ns = relay.cut()
    push_for(BLACKOUT_S)
    back_ns = relay.mend(ROUND_TRIP_MS)
    push_for(AFTER_S)
    operator.push()
    peer.push(0.0, 0.0, now_ns())
    obeyed = [
        (beat.stamp_ns, beat.human.forward_mps / limits.max_mps)
        for beat in robot.beats(begin_ns)
        if beat.command_seq >= 0 and beat.human != STILL
    ]
    ours = figures.aftermath(obeyed, begin_ns, back_ns, limits.max_age_ms)
    return Blackout(begin_ns, cut_ns, back_ns, ours)


def peer_aftermath(told: Told, blackout: Blackout, limits: Limits) -> Aftermath:
    """What the peer's robot obeyed after the same blackout."""
    obeyed = [(at_ns, forward) for at_ns, event_ns, forward in told if event_ns and forward]
    obeyed = [(at_ns, forward) for at_ns, forward in obeyed if at_ns >= blackout.begin_ns]
    return figures.aftermath(obeyed, blackout.begin_ns, blackout.back_ns, limits.max_age_ms)


def peer_silence_ms(told: Told, cut_ns: int) -> float | None:
    """From the last command that the peer's robot obeyed around `cut_ns` to its standing; None:
    it did not stand."""
    last_ns = 0
    for at_ns, event_ns, _ in told:
        if event_ns and at_ns <= cut_ns + 100 * NS_PER_MS:
            last_ns = at_ns
        elif not event_ns and at_ns > cut_ns:
            return (at_ns - last_ns) / NS_PER_MS
    return None


def peer_clock_stepped_ms(robot: BenchRobot, port: int) -> float | None:
    """How long the peer's robot drives on when its wall clock is set back as the link is lost."""
    part = Part("peer-robot", port, robot.folder, "--step-back-s", str(STEP_BACK_S))
    with PeerOperator(port) as peer:
        peer.push(0.5, 0.0, now_ns())
        time.sleep(PEER_CYCLES_S)
        peer.fall_silent()
        cut_ns = now_ns()
        time.sleep(STEP_BACK_S + 1.0)
        told: Told = part.finish() or []
    return peer_silence_ms(told, cut_ns)
