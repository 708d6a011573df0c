"""What a replay found out about an episode, and the verdict on it, as both are kept in a file.

    UNVERIFIABLE     nothing can be proved: no start, no robot, another scene, nothing claimed
    NOT_APPLIED      not every recorded action reached the robot, so the result means nothing
    PREDICATE_FAULT  the goal test is wrong: idling passes it, or the recording itself fails it
    LABEL_FAULT      a recorded action does not lead from its state to the next one
    DIVERGED         the replay ends otherwise than the operator and the recording say
    FRAGILE          it solves the task, but not each time, or hardly any disturbance may come
    SEMANTIC         the replay solves the task, along other states
    EXACT            the replay solves the task and every state is bit for bit the recorded one

In this order; `recorder.judge` takes the first that fits. EXACT and SEMANTIC pass. A failure is
replayed as well, but it proves no solution: consistent failures are UNVERIFIABLE and the sentence
says so.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from recorder.episode import EpisodeError, unsealed
from transport.messages import Outcome, Wire

VERDICT_FORMAT: Final = 2
SOLVED_HOLD_STEPS: Final = (
    10  # consecutive ticks the goal must hold; touching it is not reaching it
)
CURVE_POINTS: Final = 300


class Kind(StrEnum):
    """The verdict."""

    EXACT = "EXACT"
    SEMANTIC = "SEMANTIC"
    FRAGILE = "FRAGILE"
    LABEL_FAULT = "LABEL_FAULT"
    DIVERGED = "DIVERGED"
    PREDICATE_FAULT = "PREDICATE_FAULT"
    UNVERIFIABLE = "UNVERIFIABLE"
    NOT_APPLIED = "NOT_APPLIED"


# What a replay may be off before somebody would see it: 1 mm, half a degree.
DIVERGED_BEYOND: Final = {"m": 1e-3, "rad": 0.0087}

PASSING: Final = frozenset({Kind.EXACT, Kind.SEMANTIC})


class OpenLoop(Wire, frozen=True):
    """Level 2: the start state, then every applied action in order."""

    solved: bool  # the goal held for SOLVED_HOLD_STEPS around the hand-back
    exact: bool  # every state bit for bit
    max_deviation: float  # largest |state - recorded state| of any number at any step
    first_divergent_step: int  # counted from the start; -1: none
    first_divergent_tick: int  # the recorded tick whose action led there; -1: none


class OneStep(Wire, frozen=True):
    """Level 1: from recorded states, one recorded action each."""

    checked: int
    failed: int
    max_deviation: float
    tolerance: float
    shift: int  # -1, +1: the action of the tick before, after fits where this one fails; 0: neither
    worst: str = ""  # body or joint, and which coordinate, that is furthest off; empty: not known
    unit: str = ""  # of `max_deviation`


class Observations(Wire, frozen=True):
    """Level 1, too: what the robot measures in recorded states, against what was recorded."""

    checked: int  # ticks
    failed: int
    max_deviation: float
    worst: str  # name of the measurement that is furthest off; empty: none is


class Controls(Wire, frozen=True):
    """Two replays whose result is known beforehand."""

    null_actions_solved: bool  # standing still from the same start; must be false
    recorded_states_solved: bool | None  # stepping the recorded states; must agree with the label.
    # None: no states were recorded, so nobody saw whether they do


class Divergence(Wire, frozen=True):
    """Level 2: where the replay first leaves the recorded states by more than the tolerance."""

    step: int  # counted from the start
    tick: int  # the recorded tick, or row, whose action led there
    part: str  # body or joint, and which coordinate: "cube x"
    off_by: float
    tolerance: float
    unit: str  # of both: m, rad, m/s, rad/s


class Repeats(Wire, frozen=True):
    """Level 3: the open-loop replay once more, on robots made anew."""

    runs: int
    solved: int
    alike: bool  # every run led through the same states, bit for bit


class Disturbance(StrEnum):
    """What a demonstration is tried under."""

    START = "start"  # where it begins is moved, m
    DELAY = "delay"  # every action comes later, s
    LOSS = "loss"  # a share of the actions is lost, the one before goes on; 1
    NOISE = "noise"  # on every action, share of its largest magnitude, standard deviation; 1
    LINK = "link"  # as late, and as often lost, as in its own session


class Margin(Wire, frozen=True):
    """Level 4: how much of one disturbance the demonstration bears."""

    disturbance: Disturbance
    unit: str
    bears: float  # the largest that was tried and still solved the task; the knee lies above it
    fails_at: float  # the smallest that did not; 0: none of those that were tried
    replays: int


class Fault(StrEnum):
    """What is probably wrong with labels that do not lead to the recorded states."""

    SHIFTED = "shifted"  # actions and states are some rows apart
    SCALED = "scaled"  # one axis, or all, by a constant: a wrong unit, a wrong limit
    SIGN = "sign"  # an axis is turned round
    SWAPPED = "swapped"  # two axes stand in each other's column
    CLIPPED = "clipped"  # cut off at a limit before they were stored
    ROUNDED = "rounded"  # stored with fewer digits than were applied
    DECIMATED = "decimated"  # every n-th action kept and held, or played at another rate
    MISSING_ROWS = "missing_rows"
    WRONG_START = "wrong_start"  # the start state is not the one that was recorded
    OTHER_EPISODE = "other_episode"  # the actions belong to another demonstration
    STALE_CAMERA = "stale_camera"  # pictures and states are some rows apart
    CONTRADICTION = "contradiction"  # the columns of a set do not say the same
    UNEXPLAINED = "unexplained"


# What no step shows: the pictures, and columns that contradict each other.
PROVED_ELSEWHERE: Final = frozenset({Fault.STALE_CAMERA, Fault.CONTRADICTION})


class Diagnosis(Wire, frozen=True):
    """What is probably wrong, and what to try."""

    fault: Fault
    sentence: str  # "Actions stand one row late."
    advice: str  # "Shift the column action by -1 and validate again."
    explains: float  # share of the failing steps that agree once it is undone, 0 to 1
    rows: int = 0  # of a shift: + later
    axes: tuple[str, ...] = ()  # the action names it is about
    factor: float = 0.0  # of a scale
    camera: str = ""


class Evidence(Wire, frozen=True):
    """Everything the judgement is based on."""

    label: Outcome
    problem: str = ""  # a sentence: why nothing was replayed
    recorded_steps: int = 0  # actions in the replayed range
    applied_steps: int = 0  # of these, carried out by the robot
    altered_steps: int = 0  # of these, the robot carried out another action
    lost_ticks: int = 0  # ticks of the range that never reached the recorder
    fault: str = ""  # what the robot raised
    same_versions: bool = True  # the replaying robot is of the recorded versions
    open_loop: OpenLoop | None = None
    one_step: OneStep | None = None
    observations: Observations | None = None  # None: the robot measures nothing by itself
    controls: Controls | None = None
    divergence: Divergence | None = None
    curve: tuple[float, ...] = ()  # largest deviation of a position, m or rad, over stretches of
    # equal length from start to end, at most CURVE_POINTS
    diagnosis: Diagnosis | None = None
    repeats: Repeats | None = None
    margins: tuple[Margin, ...] = ()
    pictures: int = 0  # states drawn and looked for in the videos; -1: they cannot be drawn here
    shortest_prefix: int = -1  # actions after which the task is solved for good; -1: not looked for


class Verdict(Wire, frozen=True):
    """The verdict on one episode, as it lies in verdict.json."""

    format: int
    episode: str
    verdict: Kind
    passed: bool
    sentence: str
    evidence: Evidence
    replays: int  # runs from the start state, the null control included
    steps: int  # actions applied in all
    wall_s: float  # time the replay took
    replayed_wall: str  # ISO 8601, UTC
    manifest_sha256: str  # of the manifest that was replayed; another one needs another verdict
    versions_recorded: dict[str, str]
    versions_replayed: dict[str, str]


def held(solved: dict[int, bool], at: int, steps: int = SOLVED_HOLD_STEPS) -> bool:
    """Whether the goal holds at index `at` within a run of at least `steps` consecutive indices.

    The run may lie before the hand-back, after it, or across it: an operator who hands back right
    at the goal is judged by the recorded post-roll, one who waits there by what came before.
    """
    if not solved.get(at, False):
        return False
    first = last = at
    while solved.get(first - 1, False):
        first -= 1
    while solved.get(last + 1, False):
        last += 1
    return last - first + 1 >= steps


def out_of_date(verdict: Verdict, manifest_sha256: str, outcome: Outcome) -> str:
    """Why `verdict` does not speak of the episode as it is now; empty when it does.

    What a replay has to show depends on the outcome that somebody claims.
    """
    if verdict.manifest_sha256 != manifest_sha256:
        return "Its verdict is of another manifest; replay it again."
    if verdict.evidence.label is not outcome:
        return (
            f"It was judged as {verdict.evidence.label} and is labelled {outcome} now; "
            f"replay it again."
        )
    return ""


def parse_verdict(raw: bytes, where: Path) -> Verdict:
    """The verdict in `raw`; raises `EpisodeError` when it is damaged or of another version."""
    try:
        verdict = msgspec.json.decode(unsealed(raw), type=Verdict)
    except (msgspec.DecodeError, ValueError) as error:
        raise EpisodeError(
            f"Verdict is unreadable ({error})", where, "Replay the episode again."
        ) from error
    if verdict.format != VERDICT_FORMAT:
        raise EpisodeError(
            f"Verdict format {verdict.format} is unknown", where, "Replay the episode again."
        )
    return verdict
