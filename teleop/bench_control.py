"""Commands, STOP and the control tick under full load, beside the way the field does it today.

The load is the product itself, on two cores: the real agent with the simulated robot, two cameras
drawn, encoded and streamed to a viewer that decodes both, and an episode being recorded. The peer
(`transport.command_peer`) gets the same keys and the same cuts at the same moments, next to it.
Everything is stamped by the one monotonic clock of the machine; what the robot did is taken from
its inner bus. How each figure is taken:

wire        `teleop.bench_wire`
key         from the event to the moment after `robot.apply`, as the robot reports it; the peer's
            motors are a note in a list, so that it pays for neither gate nor simulation
tick        from one stamp of a control tick to the next, against the period
STOP        from the press to the stamp of the first tick that stands in ESTOP
link cut    a relay (`teleop.bench_relay`) stops passing; to the stamp of the first tick whose
            set-point is zero. The promise counts from the last command that the robot obeyed
blackout    the same for 5 s, with the stick moving, so that each set-point tells when it was wished
wall clock  the peer's is set back by 5 s as its link is lost; ours reads none, so that its row is
            the link cut's
observers   the driver's loop age (state, console, command, tick) and its key events, while others
            hear robot and cameras, each with sockets of its own, all in one more process
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from teleop import bench_figures as figures
from teleop.bench import Row
from teleop.bench_control_rows import (
    Crowd,
    blackout_rows,
    cut_rows,
    key_rows,
    load_rows,
    observer_rows,
    observers,
    stop_rows,
    tick_rows,
    wire_rows,
)
from teleop.bench_keys import Stretch, press_keys
from teleop.bench_load import keep_to, tell_disturbance
from teleop.bench_operator import Operator
from teleop.bench_parts import Part
from teleop.bench_peer import PeerOperator
from teleop.bench_relay import Relay
from teleop.bench_robot import BenchRobot
from teleop.bench_trials import (
    Blackout,
    Cuts,
    Stops,
    Told,
    black_out,
    cut_trials,
    peer_aftermath,
    peer_clock_stepped_ms,
    peer_silence_ms,
    stop_trials,
)
from teleop.bench_wire import Wire, WireSender
from teleop.safety import Limits
from transport.channels import BUS, CHANNELS
from transport.control_link import free_base_port
from transport.errors import LinkError

CORES: Final = 2
OBSERVERS: Final = (0, 1, 10, 50)
WARM_UP_S: Final = 1.0  # connections are made, caches are warm

Say = Callable[[str], None]


def measure(seconds: float, trials: int, say: Say) -> list[Row]:
    """All rows of the control bench: `seconds` for each stretch, `trials` for STOP and cuts."""
    keep_to(CORES)
    os.environ.setdefault("UNSTICK_LOG", "ERROR")  # each STOP is a warning of its robot
    limits, stops, cuts = Limits(), Stops(trials), Cuts(trials)
    blackout: Blackout | None = None
    with BenchRobot(max(OBSERVERS)) as robot, ExitStack() as stack:
        peer_port = free_base_port()
        peer_robot = Part("peer-robot", peer_port, robot.folder)
        stack.callback(peer_robot.close)
        with Operator(robot.sockets.link(robot.port)) as operator:
            operator.take_over()
            say(f"keys, wire and control ticks for {seconds:g} s")
            alone, wire, peer_wire = _keys_and_wire(robot, operator, peer_port, seconds)
            tell_disturbance(alone.cores, say)
            crowds: dict[int, Crowd] = {}
            for count in OBSERVERS:
                say(f"keys for {seconds:g} s, {observers(count)}")
                crowds[count] = _watched(robot, operator, seconds, count)
            say(f"STOP, {trials} times")
            with _as_far_as_it_goes(say):
                stop_trials(operator, robot, stops)
        near = free_base_port()
        ports = {near + c.offset: robot.port + c.offset for c in CHANNELS if c is not BUS}
        relay = Relay({**ports, near + BUS.offset: peer_port})
        stack.callback(relay.close)
        with Operator(robot.sockets.link(near)) as operator:
            operator.take_over()
            say(f"link cut, {trials} times")
            with _as_far_as_it_goes(say):
                cut_trials(operator, robot, relay, cuts, limits)
            say("a blackout")
            with PeerOperator(near + BUS.offset) as peer, _as_far_as_it_goes(say):
                blackout = black_out(operator, peer, robot, relay, limits)
        told: Told = peer_robot.finish() or []
        say("the peer's wall clock")
        stepped_ms = peer_clock_stepped_ms(robot, peer_port)
    ours = peers = silence_ms = None
    if blackout is not None:
        ours, peers = blackout.ours, peer_aftermath(told, blackout, limits)
        silence_ms = peer_silence_ms(told, blackout.cut_ns)
    return [
        *wire_rows(wire, peer_wire),
        *key_rows(alone.keys_ms, _peer_keys(told, alone)),
        *tick_rows(alone),
        *stop_rows(stops),
        *cut_rows(cuts, limits, silence_ms, stepped_ms),
        *blackout_rows(ours, peers),
        *observer_rows(crowds),
        *load_rows(alone),
    ]


@contextmanager
def _as_far_as_it_goes(say: Say) -> Iterator[None]:
    """A robot that cannot be driven any more spoils no figure taken before."""
    try:
        yield
    except LinkError as error:
        say(f"cut short: {error}")


def _keys_and_wire(
    robot: BenchRobot, operator: Operator, peer_port: int, seconds: float
) -> tuple[Stretch, Wire, Wire]:
    """(keys, our wire, the peer's wire), all at the same time."""
    port, peer_wire_port = free_base_port(), free_base_port()
    wire = Part("wire", port, robot.folder)
    peer_wire = Part("peer-wire", peer_wire_port, robot.folder)
    try:
        sender = WireSender(robot.sockets, port, peer_wire_port)
        with PeerOperator(peer_port) as peer, sender:
            time.sleep(WARM_UP_S)
            stretch = press_keys(robot, operator, seconds, peer)
        ours, theirs = wire.finish() or [], peer_wire.finish() or []
    finally:
        wire.close()
        peer_wire.close()
    begin_ns, end_ns = stretch.begin_ns, stretch.end_ns
    return (
        stretch,
        Wire.of(sender.sent, ours, begin_ns, end_ns),
        Wire.of(sender.peer_sent, theirs, begin_ns, end_ns),
    )


def _watched(robot: BenchRobot, operator: Operator, seconds: float, count: int) -> Crowd:
    """The keys once more, with `count` observers and without the peer."""
    if not count:
        return Crowd(press_keys(robot, operator, seconds), None)
    part = Part("observers", robot.port, robot.folder, "--count", str(count))
    try:
        stretch = press_keys(robot, operator, seconds)
        heard = part.finish() or {}
    finally:
        part.close()
    return Crowd(stretch, heard.get("states_hz"))


def _peer_keys(told: Told, stretch: Stretch) -> list[float]:
    events = [(event_ns, at_ns) for at_ns, event_ns, _ in told]
    return figures.first_of_each(events, stretch.begin_ns, stretch.end_ns)
