"""Many robots, looked at by one thread over real sockets."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from teleop.control import Control
from teleop.fleet_watch import FleetWatch
from teleop.glimpse import RobotGlimpse
from teleop.key_files import CONSOLE_KEY, ROBOT_KEY, KnownRobot, load_or_make
from teleop.policy import Diagnosis, NeverStuck
from tests.console.fakes import media_state, robot_state
from tests.links.control_support import admitted, control
from tests.links.link_support import Robot, until
from transport.channels import MEDIA_STATE, STATE, WATCHES
from transport.control_link import LOOPBACK, Publisher, free_base_port
from transport.curve import new_key_pair
from transport.handshake import Trouble
from transport.messages import PassCall, SkipCall, encode

DAY = datetime.date(2026, 1, 1)


class Told:
    """A robot of which there is no more than what it publishes, when the test says so."""

    def __init__(self, robot: Robot, name: str, port: int) -> None:
        self.states = Publisher(STATE, robot.door, LOOPBACK, port)
        self.medias = Publisher(MEDIA_STATE, robot.door, LOOPBACK, port)
        self.state = replace(robot_state(), robot=name)
        self.known = KnownRobot(f"{LOOPBACK}:{port}", name, robot.keys.public, DAY)

    def tell(self) -> None:
        self.states.publish(encode(self.state), WATCHES)
        self.medias.publish(encode(media_state()))

    def close(self) -> None:
        self.states.close()
        self.medias.close()


@contextmanager
def watching(own: object = None) -> Iterator[FleetWatch]:
    fleet = FleetWatch(own or new_key_pair())  # type: ignore[arg-type]
    with closing(fleet):
        fleet.start()
        yield fleet


def glimpse(fleet: FleetWatch, paired: str) -> RobotGlimpse | None:
    return next((one for one in fleet.glimpses() if one.paired == paired), None)


def sees(fleet: FleetWatch, paired: str, what: Callable[[RobotGlimpse], object]) -> RobotGlimpse:
    """Wait until this is known of a robot."""

    def known() -> bool:
        found = glimpse(fleet, paired)
        return found is not None and bool(what(found))

    until(known, f"seen of {paired}", 30.0)
    found = glimpse(fleet, paired)
    assert found is not None
    return found


@pytest.fixture
def open_robot(closing: ExitStack) -> Callable[..., Told]:
    """Makes robots that admit everybody of the test."""

    def make(robot: Robot, name: str = "rover-1", port: int | None = None) -> Told:
        made = Told(robot, name, port or free_base_port())
        closing.callback(made.close)
        return made

    return make


def heard(fleet: FleetWatch, robot: Told) -> RobotGlimpse:
    def answers(found: RobotGlimpse) -> bool:
        robot.tell()
        return found.answers and found.media is not None

    return sees(fleet, robot.known.address, answers)


def test_every_robot_is_known_by_its_own_word_with_its_cameras(
    closing: ExitStack, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    told = []
    for name in ("rover-1", "rover-2", "rover-3"):
        robot = Robot()
        closing.callback(robot.door.close)
        robot.console(own)
        told.append(open_robot(robot, name))
    with watching(own) as fleet:
        fleet.watch(one.known for one in told)
        for one in told:
            found = heard(fleet, one)
            assert (found.name, found.key) == (one.known.name, one.known.key)
            assert (found.trouble, found.media) == (None, media_state())
        assert [one.paired for one in fleet.glimpses()] == [one.known.address for one in told]


def test_robots_come_and_go_while_it_looks(robot: Robot, open_robot: Callable[..., Told]) -> None:
    own = new_key_pair()
    robot.console(own)
    first, second = open_robot(robot, "rover-1"), open_robot(robot, "rover-2")
    with watching(own) as fleet:
        fleet.watch([first.known])
        heard(fleet, first)
        fleet.watch([first.known, second.known])
        heard(fleet, second)
        fleet.watch([second.known])
        until(lambda: [one.name for one in fleet.glimpses()] == ["rover-2"], "one has gone")
        fleet.watch([])
        until(lambda: fleet.glimpses() == (), "all have gone")


def test_a_robot_that_was_paired_anew_is_looked_at_with_its_new_key(
    closing: ExitStack, robot: Robot, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    robot.console(own)
    now = open_robot(robot)
    before = KnownRobot(now.known.address, "rover-1", new_key_pair().public, DAY)
    with watching(own) as fleet:
        fleet.watch([before])
        sees(fleet, before.address, lambda g: g.trouble is Trouble.WRONG_ROBOT_KEY)
        fleet.watch([now.known])
        assert heard(fleet, now).trouble is None


def test_a_robot_that_does_not_admit_this_console_says_so(
    robot: Robot, open_robot: Callable[..., Told]
) -> None:
    told = open_robot(robot)
    with watching() as fleet:
        fleet.watch([told.known])
        sees(fleet, told.known.address, lambda g: g.trouble is Trouble.NOT_PAIRED)


def test_a_robot_that_is_away_is_unreachable_and_keeps_nobody_from_the_others(
    robot: Robot, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    robot.console(own)
    there = open_robot(robot)
    away = KnownRobot(f"{LOOPBACK}:{free_base_port()}", "rover-9", robot.keys.public, DAY)
    nowhere = KnownRobot("no address at all", "rover-8", robot.keys.public, DAY)
    with watching(own) as fleet:
        fleet.watch([away, nowhere, there.known])
        heard(fleet, there)
        for robot_away in (away, nowhere):
            found = glimpse(fleet, robot_away.address)
            assert found is not None
            assert (found.name, found.state) == (robot_away.name, None)
            assert (found.trouble, found.answers) == (Trouble.UNREACHABLE, False)


def test_what_was_known_of_a_robot_that_falls_silent_stays_and_grows_old(
    robot: Robot, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    robot.console(own)
    told = open_robot(robot)
    with watching(own) as fleet:
        fleet.watch([told.known])
        heard(fleet, told)
        told.close()
        found = sees(fleet, told.known.address, lambda g: not g.answers)
        assert found.state == told.state
        back = open_robot(robot, port=int(told.known.address.rpartition(":")[2]))
        assert heard(fleet, back).trouble is None


def test_a_robot_of_another_version_is_told_apart_from_one_that_is_away(
    robot: Robot, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    robot.console(own)
    told = open_robot(robot)
    with watching(own) as fleet:
        fleet.watch([told.known])

        def unreadable(found: RobotGlimpse) -> bool:
            told.states.publish(b"of another version", WATCHES)
            return found.unreadable

        assert sees(fleet, told.known.address, unreadable).trouble is None
        assert not heard(fleet, told).unreadable


def test_a_robot_that_was_seen_elsewhere_is_followed_there_by_its_key(
    closing: ExitStack, robot: Robot, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    robot.console(own)
    impostor = Robot()
    closing.callback(impostor.door.close)
    impostor.console(own)
    lured = open_robot(impostor, "rover-1")
    moved = open_robot(robot)
    old = KnownRobot(f"{LOOPBACK}:{free_base_port()}", "rover-1", robot.keys.public, DAY)
    with watching(own) as fleet:
        fleet.watch([old], {old.address: (lured.known.address, moved.known.address)})

        def answers(found: RobotGlimpse) -> bool:
            lured.tell()
            moved.tell()
            return found.answers

        found = sees(fleet, old.address, answers)
        assert (found.paired, found.address) == (old.address, moved.known.address)


# --- its call ---


class Wedged(NeverStuck):
    """Stuck from the start."""

    def diagnosis(self, now_ns: int) -> Diagnosis | None:
        return Diagnosis("Wedged", "wheels turn")


@contextmanager
def calling_robot(folder: Path) -> Iterator[tuple[Control, KnownRobot, FleetWatch]]:
    with control(folder, stuck=Wedged()) as (loop, _):
        admitted(loop, "op-1")
        own = load_or_make(folder / "console-op-1" / CONSOLE_KEY)
        key = load_or_make(folder / ROBOT_KEY).public
        known = KnownRobot(f"{LOOPBACK}:{loop.port}", "toy-1", key, DAY)
        with watching(own) as fleet:
            fleet.watch([known])
            sees(fleet, known.address, lambda g: g.state and g.state.call)
            yield loop, known, fleet


def test_who_looks_at_a_call_is_told_to_the_robot_as_long_as_the_window_shows_it(
    tmp_path: Path,
) -> None:
    with calling_robot(tmp_path) as (_, known, fleet):

        def looks(found: RobotGlimpse) -> bool:
            fleet.look_at(known.address)
            assert found.state is not None
            assert found.state.call is not None
            return [one.name for one in found.state.call.looking] == ["op-1"]

        found = sees(fleet, known.address, looks)
        assert found.you == "op-1", "its answer says who this console is to it"
        sees(fleet, known.address, lambda g: not g.state.call.looking)


def test_a_call_is_skipped_and_passed_on_and_a_no_of_the_robot_is_told(tmp_path: Path) -> None:
    with calling_robot(tmp_path) as (_, known, fleet):
        fleet.answer(known.address, PassCall(call_id=1, to="op-2", note="your room"))
        found = sees(fleet, known.address, lambda g: g.state.call.passed)
        assert found.state is not None
        assert found.state.call is not None
        assert found.state.call.skipped == ("op-1",)
        assert found.refused is None
        fleet.answer(known.address, SkipCall(call_id=7))
        said = sees(fleet, known.address, lambda g: g.refused).refused
        assert said is not None
        assert (said.what, said.reason) == ("Skip the call", "this call is over")


def test_an_answer_to_a_robot_that_has_gone_is_given_up_and_told(
    robot: Robot, open_robot: Callable[..., Told]
) -> None:
    own = new_key_pair()
    robot.console(own)
    told = open_robot(robot)  # it listens to no requests
    with watching(own) as fleet:
        fleet.watch([told.known])
        heard(fleet, told)
        fleet.answer(told.known.address, SkipCall(call_id=1))
        said = sees(fleet, told.known.address, lambda g: g.refused).refused
        assert said is not None
        assert said.reason == "the robot does not answer"
        fleet.answer("nobody:7600", SkipCall(call_id=1))  # no robot of this fleet: no effect


def test_closing_twice_and_before_the_start_is_no_error() -> None:
    fleet = FleetWatch(new_key_pair())
    fleet.close()
    fleet.close()
