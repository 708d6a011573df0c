"""`unstick bench replay`: how fast demonstrations are judged, and what is found of damaged labels.

The demonstrations are made in this run, by scripted operators in lockstep (`rehearsal`): the arm's
two tasks and a rover. Beside our detection stands what others do: replay and look at the success.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, product
from multiprocessing import get_context
from pathlib import Path
from typing import Final, cast

import numpy as np

from recorder.demonstration import Demonstration, NothingToReplay, demonstration_from
from recorder.judge import judge
from recorder.label_faults import FAULTS, LabelFault
from recorder.margin import solves
from recorder.replay import Wanted
from recorder.replay import replay as replayed
from recorder.replayable import Replayable
from recorder.stepping import run
from recorder.verdict import PASSING
from teleop.bench import Row, percentile, row
from teleop.bench_stale_camera import SHIFT, looked_at
from teleop.collecting import starts
from teleop.rehearsal import Rehearsal, RestorableRobot
from teleop.replay_robots import make_robot
from teleop.robot import CameraRig, Image
from teleop.scenarios import scenario
from transport.channels import TICK_HZ
from transport.clock import NS_PER_S, now_ns
from transport.messages import Description, Event, Outcome, Tick

TASKS: Final = ("pick-place", "push", "high-centred")
LIMIT_S: Final = 120.0  # simulated, of one session
TEN_SECONDS: Final = 10 * TICK_HZ


@dataclass(frozen=True, eq=False)
class Made:
    """One demonstration and how its robot is made."""

    task: str
    seed: int  # of its scene
    demonstration: Demonstration

    def robot(self, _: Description | None = None) -> Replayable:
        """A fresh robot like the one that made it."""
        return make_robot(self.demonstration.description)


def made(task: str, count: int, say: Callable[[str], None]) -> list[Made]:
    """`count` successful demonstrations of a task, each of another person."""
    asked = scenario(task)
    found: list[Made] = []
    rig: CameraRig | None = None
    drawn = -1
    for number in range(4 * count):
        if len(found) == count:
            break
        robot, seed = starts(asked, 0, number)
        try:
            if asked.kind == "arm" and drawn != seed:
                rig = asked.make_cameras(seed, None)
                rig.open()
                drawn = seed
            demonstration = _session(task, robot, number, seed, rig)
        finally:
            robot.close()
        if demonstration is not None:
            found.append(Made(task, seed, demonstration))
            if len(found) % 25 == 0:
                say(f"{len(found)} demonstrations of {task}")
    if rig is not None:
        rig.close()
    return found


def _session(
    task: str, robot: RestorableRobot, person: int, seed: int, rig: CameraRig | None
) -> Demonstration | None:
    ticks: list[Tick] = []
    asked = scenario(task)

    def look(state: bytes) -> Image | None:
        return cast(Image, rig.render(rig.names[0], state)) if rig is not None else None

    room = Rehearsal(
        asked,
        robot,
        asked.make_script(person),
        seed,
        look=look if rig is not None else None,
        heard=ticks.append,
    )
    for _ in range(round(LIMIT_S * TICK_HZ)):
        room.tick()
        if room.operator.done:
            break
    room.wait(0.5)
    start, end = _when(ticks, "takeover"), _when(ticks, "hand_back")
    if start < 0 or end < 0 or room.rescue.outcome is not Outcome.SUCCESS:
        return None
    try:
        return demonstration_from(
            ticks,
            name=f"{task}-{person}",
            description=robot.describe("boot"),
            label=room.rescue.outcome,
            start_tick=start,
            end_tick=end,
        )
    except NothingToReplay:
        return None


def _when(ticks: Sequence[Tick], kind: str) -> int:
    said: Iterator[tuple[int, Event]] = ((t.tick, e) for t in ticks for e in t.events)
    return next((tick for tick, event in said if event.kind == kind), -1)


@dataclass(frozen=True)
class Detection:
    """One kind of fault, tried on many demonstrations."""

    fault: str
    tried: int
    named: int  # found, and called by its name
    found: int  # found at all: the verdict is no pass
    by_success: int  # that a replay which only looks at the success would have found


def detections(all_made: Sequence[Made], say: Callable[[str], None]) -> tuple[list[Detection], int]:
    """What is found of each fault, and how many right demonstrations were not left in peace."""
    false_alarms = 0
    for one in all_made:
        evidence = replayed(one.demonstration, one.robot).evidence
        kind, _ = judge(evidence)
        false_alarms += kind not in PASSING or evidence.diagnosis is not None
    found = []
    for fault in FAULTS:
        found.append(_detect(fault, all_made))
        say(f"{fault.name}: {found[-1].named} of {found[-1].tried} named")
    return found, false_alarms


def _detect(fault: LabelFault, all_made: Sequence[Made]) -> Detection:
    named = noticed = missed = tried = 0
    for number, one in enumerate(all_made):
        same = [o for o in all_made if o.task == one.task]
        other = same[(same.index(one) + 1) % len(same)].demonstration
        damaged = fault.damage(one.demonstration, other)
        robot = one.robot()
        try:
            missed += not solves(robot, damaged, damaged.start, damaged.actions, (ValueError,))
        finally:
            robot.close()
        evidence = replayed(
            damaged,
            one.robot,
            others=[o.demonstration for o in same],
        ).evidence
        kind, _ = judge(evidence)
        tried = number + 1
        noticed += kind not in PASSING
        named += evidence.diagnosis is not None and evidence.diagnosis.fault is fault.expected
    return Detection(fault.name, tried, named, noticed, missed)


@dataclass(frozen=True)
class Filmed:
    """What was said of the videos of all demonstrations, each camera by itself."""

    tried: int  # videos; each is looked at late and early
    named: int  # of the late and the early ones
    alarms: int  # right videos that were not left in peace


def stale_cameras(all_made: Sequence[Made], say: Callable[[str], None]) -> Filmed:
    """Videos of every demonstration, beside the states of three rows earlier and later."""
    tried = named = alarms = 0
    for (task, seed), some in groupby(all_made, lambda one: (one.task, one.seed)):
        rig = scenario(task).make_cameras(seed, None)
        rig.open()
        for one, camera in product(some, rig.names):
            if (looked := looked_at(one.demonstration, rig, camera)) is not None:
                tried += 1
                named += looked.late + looked.early
                alarms += looked.alarm
        rig.close()
    say(f"video {SHIFT} rows late or early: {named} of {2 * tried} named")
    return Filmed(tried, named, alarms)


def _ten_seconds(one: Made) -> Demonstration:
    """Its actions, over again until ten seconds are full, or as far as that."""
    actions = one.demonstration.actions
    times = -(-TEN_SECONDS // len(actions))
    return replace(one.demonstration, actions=np.tile(actions, (times, 1))[:TEN_SECONDS])


def replays_a_second(one: Made, seconds: float) -> float:
    """Open-loop replays of ten seconds on one core, by processor time."""
    robot, long = one.robot(), _ten_seconds(one)
    try:
        run(robot, long.start, long.actions)
        began, done = _processor_s(), 0
        while _processor_s() - began < seconds:
            run(robot, long.start, long.actions)
            done += 1
        return done / (_processor_s() - began)
    finally:
        robot.close()


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rate_of(job: tuple[Made, float]) -> float:
    """In a process of its own: replays by the wall."""
    one, seconds = job
    robot, long = one.robot(), _ten_seconds(one)
    began_ns, done = now_ns(), 0
    while now_ns() - began_ns < seconds * NS_PER_S:
        run(robot, long.start, long.actions)
        done += 1
    return done / ((now_ns() - began_ns) / NS_PER_S)


def _efficiency(one: Made, seconds: float) -> float:
    """Replays of two processes at once, by twice those of one."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        alone = [pool.submit(_rate_of, (one, seconds)).result() for _ in range(2)]
        both = list(pool.map(_rate_of, [(one, seconds)] * 2))
    return sum(both) / (2 * max(alone))


def _memory_growth(all_made: Sequence[Made], rounds: int) -> float:
    """By how much the resident memory of this process grows from a tenth of the replays on, MB."""
    page_mb = os.sysconf("SC_PAGE_SIZE") / 1e6
    resident = []
    for number in range(rounds):
        one = all_made[number % len(all_made)]
        replayed(one.demonstration, one.robot)
        resident.append(int(Path("/proc/self/statm").read_text().split()[1]) * page_mb)
    return resident[-1] - resident[rounds // 10]


def _margins_s(all_made: Sequence[Made]) -> tuple[float, int]:
    """Processor time to judge all of them exactly and under perturbations, and replays of each."""
    began, replays = _processor_s(), 0
    for one in all_made:
        result = replayed(
            one.demonstration,
            one.robot,
            wanted=Wanted(margins=True),
        )
        replays += sum(margin.replays for margin in result.evidence.margins)
    return _processor_s() - began, replays // max(1, len(all_made))


def measure(demonstrations: int, seconds: float, say: Callable[[str], None]) -> list[Row]:
    """All rows; `demonstrations` are shared out over the tasks."""
    share = [demonstrations * part // 10 for part in (4, 4, 2)]
    sets = [made(task, count, say) for task, count in zip(TASKS, share, strict=True)]
    arm = sets[0]
    rows = [*_speed_rows(arm, seconds, say)]
    all_made = [one for some in sets for one in some]
    say(f"faults in the labels of {len(all_made)} demonstrations")
    found, false_alarms = detections(all_made, say)
    rows += [
        row("demonstrations, of three tasks", float(len(all_made)), ""),
        row("right demonstrations that were not left in peace", float(false_alarms), "", at_most=0),
    ]
    for one in found:
        rows.append(
            row(
                f"found and named: {one.fault}",
                100.0 * one.named / one.tried,
                "%",
                at_least=99.0,
                peer=100.0 * one.by_success / one.tried,
            )
        )
    return rows + _video_rows(stale_cameras(all_made, say))


def _video_rows(filmed: Filmed) -> list[Row]:
    name = f"found and named: video by {SHIFT} rows, late and early"
    return [
        row("videos, of all cameras", float(filmed.tried), ""),
        row("right videos that were not left in peace", float(filmed.alarms), "", at_most=0),
        row(name, 100.0 * filmed.named / (2 * filmed.tried), "%", at_least=99.0),
    ]


def _speed_rows(arm: Sequence[Made], seconds: float, say: Callable[[str], None]) -> Iterator[Row]:
    say("open-loop replays of ten seconds")
    rates = [replays_a_second(arm[i % len(arm)], seconds / 3) for i in range(3)]
    rate = cast(float, percentile(rates, 50))
    yield row("arm, 10 s, replays a second and core", rate, "1/s", at_least=50.0)
    yield row("the same, by real time", 10.0 * rate, "x", at_least=500.0)
    say("two processes")
    yield row("efficiency of two processes", _efficiency(arm[0], seconds), "", at_least=0.9)
    fifty = [arm[i % len(arm)] for i in range(50)]
    say("50 demonstrations with margins")
    took, each = _margins_s(fifty)
    yield row(f"50 demonstrations, exact and {each} perturbed, one core", took, "s", at_most=30.0)
    say("memory")
    yield row("memory, 50 to 500 replays", _memory_growth(arm, 500), "MB", at_most=5.0)
