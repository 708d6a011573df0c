"""`unstick bench engines`: how long a large set takes to be judged, by processes and by Ray.

A few arm demonstrations are recorded as `unstick demo` records them and judged over and over, each
time from its files: opened, hashed, replayed. Both engines start from nothing, with as many
processes. `make test-ray` runs this where Ray is; elsewhere its row is not measured.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from teleop.bench import Row, row
from teleop.collecting import collect
from teleop.replay_jobs import ReplayAnswer, ReplayJob
from teleop.replay_pool import judged_by_processes
from teleop.replay_ray import judged_by_ray
from teleop.robot import RobotError
from teleop.scenarios import scenario
from transport.clock import NS_PER_S, now_ns

TASK: Final = "push"
RECORDED: Final = 10
JUDGED: Final = 1000
WORKERS: Final = 2
RAY_TIMES: Final = 1.3  # of the pool's time

Say = Callable[[str], None]
Engine = Callable[[Sequence[ReplayJob], int], Iterator[ReplayAnswer]]


def measure(say: Say) -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory(prefix="unstick-bench-") as name:
        library = Path(name)
        say(f"{RECORDED} demonstrations of {TASK}")
        made = [one.episode for one in collect(scenario(TASK), RECORDED, library)]
        recorded = [str(path) for path in made if path is not None]
        if not recorded:
            raise RobotError(f"no demonstration of {TASK} could be recorded here")
        jobs = [
            ReplayJob(path=recorded[i % len(recorded)], again=True, keep=False)
            for i in range(JUDGED)
        ]
        return list(engine_rows(jobs, WORKERS, say))


def engine_rows(jobs: Sequence[ReplayJob], workers: int, say: Say) -> Iterator[Row]:
    """How long `jobs` take with each engine, each with so many processes."""
    say(f"{len(jobs)} by {workers} processes")
    pool_s, judged = _took_s(judged_by_processes, jobs, workers)
    yield row(f"{len(jobs)} demonstrations, {workers} processes", pool_s, "s")
    yield row("judged", float(judged), "", at_least=float(len(jobs)))
    ray_s = None
    if importlib.util.find_spec("ray") is not None:
        say(f"{len(jobs)} by Ray")
        ray_s, judged = _took_s(judged_by_ray, jobs, workers)
        yield row("judged by Ray", float(judged), "", at_least=float(len(jobs)))
    times = ray_s / pool_s if ray_s is not None else None
    yield row("Ray with as many, by the time of processes", times, "x", at_most=RAY_TIMES)


def _took_s(engine: Engine, jobs: Sequence[ReplayJob], workers: int) -> tuple[float, int]:
    """The time for all of them, and how many got a verdict."""
    began_ns = now_ns()
    judged = sum(answer.verdict is not None for answer in engine(jobs, workers))
    return (now_ns() - began_ns) / NS_PER_S, judged
