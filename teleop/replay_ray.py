"""Spreads replay jobs over the machines of a Ray cluster; without one, over this machine.

Only lines of JSON go to and fro, and every machine needs Unstick, the simulator and the episodes
under the same paths. A task whose worker dies is tried once more by Ray; what fails again is told.
The package `ray` is an extra of its own: pip install 'unstick[ray]'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from teleop.replay_jobs import ReplayAnswer, ReplayJob, answer_of, job_of, line_of
from teleop.safety import ConfigError

RETRIES: Final = 1
AHEAD: Final = 4  # jobs per processor that wait in the cluster; the others wait here


def judged_by_ray(
    jobs: Sequence[ReplayJob], workers: int, address: str = ""
) -> Iterator[ReplayAnswer]:
    """The answer to every job, in the order in which they come.

    `address` is that of a cluster ("auto" finds the one of this machine); empty: one is started
    here with `workers` processors and ended again.

    Raises:
        ConfigError: Ray is not installed, or the cluster does not answer.
    """
    ray = _ray()
    try:
        if address:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        else:
            ray.init(
                num_cpus=max(1, workers),
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(f"the Ray cluster {address or 'here'} does not answer: {error}") from None
    try:
        yield from _answers(ray, jobs)
    finally:
        ray.shutdown()


def _answers(ray: Any, jobs: Sequence[ReplayJob]) -> Iterator[ReplayAnswer]:
    task = ray.remote(max_retries=RETRIES, num_cpus=1)(_judged_line)
    at_once = max(1, AHEAD * int(ray.cluster_resources().get("CPU", 1)))
    waiting = list(reversed(jobs))
    running: dict[Any, ReplayJob] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            job = waiting.pop()
            running[task.remote(line_of(job))] = job
        done, _ = ray.wait(list(running), num_returns=1)
        for reference in done:
            job = running.pop(reference)
            try:
                yield answer_of(ray.get(reference))
            except ray.exceptions.RayError as error:
                why = f"{job.name}: its replay failed in the cluster ({type(error).__name__})."
                yield ReplayAnswer(job=job, error=why)


def _judged_line(line: bytes) -> bytes:
    """Runs in a worker of the cluster."""
    from teleop.replay_worker import judged

    return line_of(judged(job_of(line)))


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise ConfigError("Ray is not installed: pip install 'unstick[ray]'") from None
    return ray
