"""An episode in which the actuator watchdog held the motors is proved like any other.

A simulated robot's time passes in `apply` only: a hold between two of them, or within one, is no
part of what was recorded, so the verdict is EXACT. The trips show as missed ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.driven import Driven
from recorder.episode_recorder import EpisodeRecorder
from recorder.library import Episode, open_episode
from recorder.validate import replay_episode, verdict_of
from recorder.verdict import Kind
from teleop.actuator_watchdog import LIMIT_MS, WatchedRobot
from teleop.patrol import Patrol
from teleop.sim_rover import MAX_MPS, SimRover
from tests.unit.recorder_support import CAMERAS, InlineDisk, feed
from transport.channels import TICK_HZ
from transport.clock import NS_PER_MS, NS_PER_S
from transport.messages import STILL, Event, Mode, Outcome, Phase, Source, Tick, Twist

SCENARIO = "wedged-under-sofa"
TICK_NS = NS_PER_S // TICK_HZ
GAP_NS = round(LIMIT_MS * NS_PER_MS) + NS_PER_MS
PATROL_TICKS = 15 * TICK_HZ  # it is wedged by then
BACK = Twist(forward_mps=-MAX_MPS, turn_radps=0.0)


class Rover(SimRover):
    """A rover whose `apply` can be held up after the wheels were told and before they turn."""

    hang: Callable[[], object] = staticmethod(lambda: None)

    def _turn_wheels(self, twist: Twist) -> None:
        super()._turn_wheels(twist)
        self.hang()


class Ride:
    """Patrol until wedged, be called out of there, hand back; trips where they are asked for."""

    def __init__(self, before: set[int], between: set[int], within: set[int]) -> None:
        self.rover = Rover(SCENARIO, 0)
        self.stamp_ns = NS_PER_S
        self.watched = WatchedRobot(self.rover, clock=lambda: self.stamp_ns)
        self.ticks: list[Tick] = []
        self._before, self._between, self._within = before, between, within
        self._solved = 0

    def run(self) -> list[Tick]:
        self.watched.start()
        patrol, driven, handed = Patrol(0), 0, 0
        try:
            while handed < 40:
                driving = len(self.ticks) >= PATROL_TICKS and self._solved < 20
                handed += self._solved >= 20
                action = BACK if driving else patrol.act(self.watched.observe())
                self._tick(driven if driving else -1, STILL if handed else action, handed)
                driven += driving
                assert driven < 15 * TICK_HZ, "it cannot be freed"
        finally:
            self.watched.close()
        return self.ticks

    def _tick(self, driven: int, action: Twist, handed: int) -> None:
        gap = driven in self._before
        self.stamp_ns += GAP_NS if gap else TICK_NS
        self.watched.look()
        events: tuple[Event, ...] = ()
        if driven == 0:
            events = (Event(kind="takeover", by="ada"),)
        elif handed == 1:
            events = (Event(kind="hand_back", text=Outcome.SUCCESS, by="ada"),)
        stamp_ns, seen, state = self.stamp_ns, self.watched.observe(), self.watched.snapshot()
        if driven in self._between:
            self._hold_up()
        self.rover.hang = self._hold_up if driven in self._within else lambda: None
        applied = self.watched.apply(action)
        self._solved += driven >= 0 and self.rover.solved()
        self.ticks.append(
            Tick(
                tick=len(self.ticks),
                stamp_ns=stamp_ns,
                boot_id="boot",
                mode=Mode.TELEOP if driven >= 0 else Mode.AUTONOMY,
                source=Source.HUMAN if driven >= 0 else Source.POLICY,
                phase=Phase.RECOVERY if driven >= 0 else Phase.AUTONOMOUS,
                intervention=0 if driven >= 0 or handed else -1,
                outcome=Outcome.SUCCESS if handed else Outcome.UNLABELLED,
                observation=seen.values(),
                policy=STILL,
                human=applied,
                requested=applied,
                applied=applied,
                deadman=driven >= 0,
                command_seq=driven,
                command_age_ms=12.5,
                picture_age_ms=31.25,
                observed_ns=stamp_ns,
                received_ns=0,
                applied_ns=stamp_ns,
                input_ns=0,
                sent_ns=0,
                clock_offset_ns=0,
                clock_error_ns=-1,
                missed_before=GAP_NS // TICK_NS if gap else 0,
                state=state,
                events=events,
            )
        )

    def _hold_up(self) -> None:
        self.stamp_ns += GAP_NS
        self.watched.look()


def recorded(root: Path, ticks: list[Tick]) -> Episode:
    recorder = EpisodeRecorder(
        root,
        SimRover(SCENARIO, 0).describe("boot"),
        CAMERAS,
        disk=InlineDisk(),
        min_free_bytes=0,
    )
    feed(recorder, iter(ticks))
    recorder.close(ticks[-1].stamp_ns + 60 * NS_PER_S)
    (path,) = recorder.sealed()
    return open_episode(path)


@pytest.mark.parametrize(
    ("where", "trips"),
    [
        ({"before": {30}}, 1),  # the loop was late: the hold lies before the recorded state
        ({"between": {30}}, 1),  # between the recorded state and the action applied to it
        ({"within": {30}}, 1),  # the driver hung
        ({"before": {10, 90}, "between": {40, 41}, "within": {70}}, 5),
    ],
    ids=["late tick", "state, then trip, then action", "apply hangs", "five of them"],
)
def test_an_episode_with_trips_in_it_replays_exactly(
    tmp_path: Path, where: dict[str, set[int]], trips: int
) -> None:
    none: dict[str, set[int]] = {"before": set(), "between": set(), "within": set()}
    ride = Ride(**{**none, **where})
    ticks = ride.run()
    assert ride.watched.trips == trips
    episode = recorded(tmp_path, ticks)
    assert episode.manifest.counts.missed_ticks == sum(tick.missed_before for tick in ticks)
    result = replay_episode(
        episode, lambda description: Driven(SimRover.from_description(description))
    )
    verdict = verdict_of(episode, result)
    assert verdict.verdict is Kind.EXACT, verdict.sentence
    assert result.evidence.observations is not None
    assert result.evidence.observations.max_deviation == 0.0
