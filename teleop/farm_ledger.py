"""What became of every call of a farm: the robots' record against the operators' lists. Pure.

The robots' side is what they have recorded, one episode for each call. It is the truth; a list that
says something else is a fault. `balance` finds calls that were lost, served twice, or labelled
otherwise than they ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from recorder.episode import EndedBy
from teleop.shift import CallId, End, Served
from transport.messages import Outcome

# Ends of an episode with a call that is still open, or that goes on as another one.
CALLS_AGAIN: Final = frozenset({EndedBy.RELEASED, EndedBy.LINK_LOST})
STOPPED: Final = frozenset({EndedBy.STOP, EndedBy.RESTART, EndedBy.CRASH, EndedBy.LIMIT})


@dataclass(frozen=True)
class Recorded:
    """One episode of one robot."""

    robot: str
    boot_id: str
    episode: str
    calls: int  # the robot called so often in it: 1, or 0 when somebody took it uncalled
    drivers: tuple[str, ...]  # who took over, in order
    ended_by: EndedBy
    outcome: Outcome
    intervention: int  # -1: nobody took over
    solved: bool | None  # whether the goal held at the hand-back; None: there was none


@dataclass(frozen=True)
class Balance:
    """The whole farm in numbers, and everything that is wrong."""

    calls: int = 0  # as the robots count
    recorded: int = 0  # of them
    accepted: dict[str, int] = field(default_factory=dict)  # by operator
    freed: int = 0
    not_freed: int = 0  # handed back as a failure
    unlabelled: int = 0  # handed back without a word
    timed_out: int = 0  # nobody came
    again: int = 0  # its driver went away: the robot called anew
    stopped: int = 0  # ended by STOP, a restart, a crash or the longest episode
    open: int = 0  # when the farm was ended
    uncalled: int = 0  # somebody took a robot that did not call
    faults: tuple[str, ...] = ()


def balance(
    made: Mapping[str, int],
    episodes: Sequence[Recorded],
    lists: Mapping[str, Sequence[Served]],
) -> Balance:
    """Settle it.

    Args:
        made: calls of each robot, as its state counted them.
        episodes: everything they recorded meanwhile.
        lists: by name, what each scripted operator says it did.
    """
    called = [one for one in episodes if one.calls]
    ends = [one.ended_by for one in called]
    back = [one for one in episodes if one.ended_by is EndedBy.HAND_BACK]
    accepted: dict[str, int] = {}
    for one in episodes:
        for driver in one.drivers:
            accepted[driver] = accepted.get(driver, 0) + 1
    return Balance(
        calls=sum(made.values()),
        recorded=sum(one.calls for one in called),
        accepted=dict(sorted(accepted.items())),
        freed=sum(one.outcome is Outcome.SUCCESS for one in back),
        not_freed=sum(one.outcome is Outcome.FAILURE for one in back),
        unlabelled=sum(one.outcome is Outcome.UNLABELLED for one in back),
        timed_out=ends.count(EndedBy.WITHDRAWN),
        again=sum(end in CALLS_AGAIN for end in ends),
        stopped=sum(end in STOPPED for end in ends),
        open=ends.count(EndedBy.SHUTDOWN),
        uncalled=len(episodes) - len(called),
        faults=(*_lost(made, called), *_twice(episodes, lists), *_labels(episodes, lists)),
    )


def _lost(made: Mapping[str, int], called: Iterable[Recorded]) -> Iterable[str]:
    recorded = dict.fromkeys(made, 0)
    for one in called:
        recorded[one.robot] = recorded.get(one.robot, 0) + one.calls
    for robot, calls in made.items():
        if recorded[robot] < calls:
            yield f"{robot} called {calls} times, and recorded {recorded[robot]}: calls are lost"


def _twice(episodes: Iterable[Recorded], lists: Mapping[str, Sequence[Served]]) -> Iterable[str]:
    for one in episodes:
        if len(set(one.drivers)) > 1:
            yield f"{one.robot} was driven by {' and '.join(one.drivers)} in {one.episode}"
    seen: dict[CallId, str] = {}
    for name, served in lists.items():
        for entry in served:
            if entry.end is not End.SERVED:
                continue
            if entry.call in seen:
                both = f"{seen[entry.call]} and {name}"
                yield f"call {entry.call.number} of {entry.call.robot} was served by {both}"
            seen[entry.call] = name


def _labels(episodes: Iterable[Recorded], lists: Mapping[str, Sequence[Served]]) -> Iterable[str]:
    """Each list against the record, and each label against what the robot came to."""
    record = {
        (one.robot, one.boot_id, one.intervention): one for one in episodes if one.intervention >= 0
    }
    for name, served in lists.items():
        for entry in served:
            if entry.end is not End.SERVED:
                continue
            what = f"call {entry.call.number} of {entry.call.robot}"
            one = record.get((entry.call.robot, entry.call.boot_id, entry.intervention))
            if one is None:
                yield f"{name} served {what}, and the robot has no record of it"
            elif one.drivers[-1:] != (name,):
                yield f"{name} says it served {what}, the robot says {', '.join(one.drivers)}"
            elif (one.ended_by, one.outcome) != (EndedBy.HAND_BACK, entry.outcome):
                yield (
                    f"{name} marked {what} {entry.outcome} and handed it back; "
                    f"the robot has {one.outcome}, {one.ended_by}"
                )
    for one in episodes:
        marked = {Outcome.SUCCESS: True, Outcome.FAILURE: False}.get(one.outcome)
        if one.solved is not None and marked is not None and one.solved is not marked:
            really = "free" if one.solved else "not free"
            yield f"{one.robot} is marked {one.outcome} in {one.episode}, and was {really}"
