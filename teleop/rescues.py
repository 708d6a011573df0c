"""What happened, put together from the entries of many robots' audit logs.

Pure. Entries may come in any order, from several copies and with any of them missing: what is not
known is None, and nothing is invented. Whatever belongs together does so within one boot of one
robot; times are differences of that boot's own stamps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from teleop.audit_entry import ENDS_TURN, AuditEntry, Driven, Kind, line_of
from transport.clock import NS_PER_S
from transport.messages import AnnotationKind, Mode, Outcome

Boot = tuple[str, str]  # robot, boot id
Place = tuple[float, float]  # m, as in `AuditEntry`

_TROUBLES: Final = frozenset({Kind.STOP, Kind.FAULT, Kind.LINK_LOST, Kind.LINK_DIP})
_CAUSES: Final = frozenset({"success", "failure"})


@dataclass(frozen=True)
class Call:
    """A robot asked for help."""

    robot: str
    site: str
    task: str
    reason: str
    wall: datetime
    place: Place | None = None
    ended: str = ""  # accepted, withdrawn; empty: it is open, or the log ends before
    by: str = ""  # who accepted
    waited_s: float | None = None  # of an open one: so far


@dataclass(frozen=True)
class Drive:
    """One operator had one robot, from getting it to giving it up."""

    robot: str
    site: str
    boot_id: str
    session: int  # consecutive number, also across restarts
    by: str
    key: str
    intervention: int
    reason: str  # of the call that was answered; empty: nobody had called
    began: datetime
    ended: datetime | None = None  # None: it goes on, or the log ends before
    how: str = ""  # hand_back, released, replaced, ended
    text: str = ""  # outcome of a hand-back, who took or got the robot
    did: Driven = field(default_factory=Driven)
    troubles: tuple[AuditEntry, ...] = ()  # STOPs, faults, losses and dips of the link meanwhile


@dataclass(frozen=True)
class Intervention:
    """From a takeover to the hand-back, by one operator or by several one after the other."""

    robot: str
    site: str
    task: str
    boot_id: str
    number: int
    wall: datetime  # of the takeover
    by: str  # who had the robot last
    reason: str = ""
    place: Place | None = None  # at the takeover
    first_motion_s: float | None = None  # from the takeover
    free_s: float | None = None  # from the takeover to the hand-back
    outcome: Outcome = Outcome.UNLABELLED
    did: Driven = field(default_factory=Driven)  # of all who drove
    episode: str = ""
    verdict: str = ""  # the last one; empty: not replayed


@dataclass(frozen=True)
class Worked:
    """A stretch of at most a minute."""

    robot: str
    task: str
    wall: datetime  # its end
    modes: Mapping[Mode, float]  # seconds in each


@dataclass(frozen=True)
class Judged:
    """The last verdict on an episode."""

    robot: str
    task: str
    by: str  # who drove; empty: not known
    wall: datetime
    verdict: str


Told = Call | Intervention | Worked | Judged


@dataclass(frozen=True)
class History:
    """All of it, each list by time."""

    calls: tuple[Call, ...] = ()
    drives: tuple[Drive, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    worked: tuple[Worked, ...] = ()
    judged: tuple[Judged, ...] = ()
    lost: int = 0  # entries that the robots could not write


def in_order(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """Each entry once: robot by robot, boot by boot, in the order in which it happened."""
    once = {line_of(entry): entry for entry in entries}
    found = sorted(once.items(), key=lambda o: (o[1].robot, o[1].boot_id, *_stamp(o[1]), o[0]))
    return [entry for _, entry in found]


def _stamp(entry: AuditEntry) -> tuple[int, int]:
    return entry.stamp_ns, entry.n


def history_of(entries: Iterable[AuditEntry]) -> History:
    """What the entries of any number of robots come to, however they are mixed."""
    boots: dict[Boot, list[AuditEntry]] = defaultdict(list)
    ordered = in_order(entries)
    for entry in ordered:
        boots[entry.robot, entry.boot_id].append(entry)
    episodes = _episodes(ordered)
    calls, drives, interventions = [], [], []
    for boot in boots.values():
        calls += _calls(boot)
        drives += _drives(boot)
        interventions += _interventions(boot, episodes)
    return History(
        calls=tuple(sorted(calls, key=lambda c: (c.wall, c.robot, c.reason))),
        drives=tuple(sorted(drives, key=lambda d: (d.began, d.robot, d.session, d.by))),
        interventions=tuple(sorted(interventions, key=lambda i: (i.wall, i.robot, i.number))),
        worked=tuple(
            Worked(one.robot, one.task, one.wall, one.modes) for one in ordered if one.modes
        ),
        judged=_judged(ordered, interventions),
        lost=sum(one.lost for one in ordered),
    )


# --- calls ----------------------------------------------------------------------------------------


def _calls(boot: Sequence[AuditEntry]) -> list[Call]:
    found: list[Call] = []
    called_ns: int | None = None  # of the call that is open
    for entry in boot:
        if entry.kind is Kind.CALL:
            found.append(_call(entry, entry.wall))
            called_ns = entry.stamp_ns
        elif entry.kind is Kind.CALL_ENDED:
            if called_ns is None:  # its beginning is missing
                found.append(_call(entry, _began(entry)))
            whose = replace(found[-1], ended=entry.text, by=entry.by)
            found[-1] = replace(whose, waited_s=entry.after_s)
            called_ns = None
    if called_ns is not None:
        found[-1] = replace(found[-1], waited_s=(boot[-1].stamp_ns - called_ns) / NS_PER_S)
    return found


def _call(entry: AuditEntry, wall: datetime) -> Call:
    about = (entry.robot, entry.site, entry.task, entry.reason)
    return Call(*about, wall, place=_place(entry))


def _began(entry: AuditEntry) -> datetime:
    """When that began which the entry ends, as far as it says."""
    return entry.wall - timedelta(seconds=entry.after_s or 0.0)


def _place(entry: AuditEntry) -> Place | None:
    return None if entry.x_m is None or entry.y_m is None else (entry.x_m, entry.y_m)


# --- drives ---------------------------------------------------------------------------------------


def _is_of_turn(entry: AuditEntry) -> bool:
    told = entry.kind is Kind.TAKEOVER or entry.kind in ENDS_TURN or entry.did is not None
    return bool(entry.by) and told


def _drives(boot: Sequence[AuditEntry]) -> list[Drive]:
    turns: dict[tuple[int, str], list[AuditEntry]] = defaultdict(list)
    for entry in boot:
        if _is_of_turn(entry):
            turns[entry.session, entry.by].append(entry)
    return [_drive(turn, boot) for turn in turns.values()]


def _drive(turn: Sequence[AuditEntry], boot: Sequence[AuditEntry]) -> Drive:
    first, last = turn[0], turn[-1]
    over = last.kind in ENDS_TURN
    until = _stamp(last) if over else _stamp(boot[-1])
    return Drive(
        *(first.robot, first.site, first.boot_id, first.session, first.by),
        key=next((one.key for one in turn if one.key), ""),
        intervention=first.intervention,
        reason=next((one.reason for one in turn if one.reason), ""),
        began=_began(first),
        ended=last.wall if over else None,
        how=last.kind.value if over else "",
        text=last.text if over else "",
        did=_most(turn),
        troubles=tuple(
            one for one in boot if one.kind in _TROUBLES and _stamp(first) <= _stamp(one) <= until
        ),
    )


def _most(turn: Sequence[AuditEntry]) -> Driven:
    """What was done in a turn: each entry says how much so far."""
    told = [entry.did for entry in turn if entry.did is not None]
    return Driven(
        held_s=max((did.held_s for did in told), default=0.0),
        driven_s=max((did.driven_s for did in told), default=0.0),
        motion_rows=max((did.motion_rows for did in told), default=0),
        inputs=max((did.inputs for did in told), default=0),
    )


# --- interventions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Episodes:
    """What is known of episodes, whichever boot's log says so."""

    shows: Mapping[tuple[str, str, int], AuditEntry]  # by robot, boot and intervention
    outcomes: Mapping[str, Outcome]  # as somebody said last
    verdicts: Mapping[str, AuditEntry]  # the last on each


def _episodes(ordered: Sequence[AuditEntry]) -> _Episodes:
    shows, outcomes, verdicts = {}, {}, {}
    for entry in sorted(ordered, key=lambda one: (one.wall, one.n)):
        if entry.kind is Kind.EPISODE and entry.intervention >= 0:
            shows[entry.robot, entry.shown_boot_id, entry.intervention] = entry
        elif entry.kind is Kind.LABEL and entry.label == AnnotationKind.OUTCOME:
            outcomes[entry.episode] = _outcome(entry.text)
        elif entry.kind is Kind.VERDICT:
            verdicts[entry.episode] = entry
    return _Episodes(shows, outcomes, verdicts)


def _interventions(boot: Sequence[AuditEntry], episodes: _Episodes) -> list[Intervention]:
    numbered: dict[int, list[AuditEntry]] = defaultdict(list)
    for entry in boot:
        if entry.intervention >= 0 and (_is_of_turn(entry) or entry.kind in _TOLD_OF):
            numbered[entry.intervention].append(entry)
    return [
        _intervention(told, episodes)
        for told in numbered.values()
        if any(_is_of_turn(entry) for entry in told)
    ]


_TOLD_OF: Final = frozenset({Kind.FIRST_MOTION, Kind.OUTCOME})


def _intervention(told: Sequence[AuditEntry], episodes: _Episodes) -> Intervention:
    turns: dict[tuple[int, str], list[AuditEntry]] = defaultdict(list)
    for entry in told:
        if _is_of_turn(entry):
            turns[entry.session, entry.by].append(entry)
    first = next(iter(turns.values()))[0]
    back = next((one for one in reversed(told) if one.kind is Kind.HAND_BACK), None)
    moved = next((one.after_s for one in told if one.kind is Kind.FIRST_MOTION), None)
    free_s = None
    if back is not None:
        began_ns = first.stamp_ns if first.kind is Kind.TAKEOVER else None
        free_s = back.after_s if began_ns is None else (back.stamp_ns - began_ns) / NS_PER_S
    shown = episodes.shows.get((first.robot, first.boot_id, first.intervention))
    verdict = episodes.verdicts.get(shown.episode) if shown is not None else None
    said = [one.text for one in told if one.kind in (Kind.OUTCOME, Kind.HAND_BACK)]
    said += [shown.text] if shown is not None else []
    outcome = _outcome(next((text for text in reversed(said) if text in _CAUSES), ""))
    if shown is not None:
        outcome = episodes.outcomes.get(shown.episode, outcome)
    did = [_most(turn) for turn in turns.values()]
    return Intervention(
        *(first.robot, first.site, first.task, first.boot_id, first.intervention),
        wall=_began(first),
        by=[entry.by for entry in told if _is_of_turn(entry)][-1],
        reason=next((one.reason for one in told if one.reason), ""),
        place=_place(first),
        first_motion_s=moved,
        free_s=free_s,
        outcome=outcome,
        did=Driven(
            held_s=sum(one.held_s for one in did),
            driven_s=sum(one.driven_s for one in did),
            motion_rows=sum(one.motion_rows for one in did),
            inputs=sum(one.inputs for one in did),
        ),
        episode=shown.episode if shown is not None else "",
        verdict=verdict.verdict if verdict is not None else "",
    )


def _outcome(text: str) -> Outcome:
    return Outcome(text) if text in _CAUSES else Outcome.UNLABELLED


def _judged(
    ordered: Sequence[AuditEntry], interventions: Iterable[Intervention]
) -> tuple[Judged, ...]:
    of_episode = {one.episode: one for one in interventions if one.episode}
    found = []
    for episode, verdict in _episodes(ordered).verdicts.items():
        shown = of_episode.get(episode)
        if shown is None:
            found.append(Judged(verdict.robot, verdict.task, "", verdict.wall, verdict.verdict))
        else:
            about = (shown.robot, shown.task, shown.by, shown.wall)
            found.append(Judged(*about, verdict.verdict))
    return tuple(sorted(found, key=lambda one: (one.wall, one.robot, one.verdict)))
