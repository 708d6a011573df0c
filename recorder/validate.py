"""The verdict on an episode, or on one of a data set: replayed, looked at, judged, and kept."""

from __future__ import annotations

from collections.abc import Callable

from recorder.demonstration import Demonstration, NothingToReplay, demonstration_of
from recorder.durable import write_atomically
from recorder.episode import VERDICT_FILE, EpisodeError, sealed_json
from recorder.judge import judge
from recorder.library import Episode
from recorder.replay import (
    QUICK,
    ROBOT_ERRORS,
    MakeRobot,
    ReplayResult,
    Wanted,
    replay,
    replaying_versions,
)
from recorder.replayable import CannotReplay, Eye
from recorder.stale_camera import stale_camera
from recorder.stepping import RobotErrors
from recorder.verdict import PASSING, VERDICT_FORMAT, Diagnosis, Evidence, Verdict
from transport.clock import wall_time
from transport.messages import Description, Outcome

MakeEye = Callable[[Description], Eye | None]


def replay_episode(
    episode: Episode,
    make_robot: MakeRobot,
    *,
    wanted: Wanted = QUICK,
    make_eye: MakeEye | None = None,
    errors: RobotErrors = ROBOT_ERRORS,
) -> ReplayResult:
    """The same of an episode; one that has nothing to replay says so in the evidence.

    `make_eye` draws what its cameras see, to compare their pictures with it; None: nothing does.
    """
    try:
        demonstration = demonstration_of(episode)
    except NothingToReplay as nothing:
        evidence = Evidence(label=episode.labels.outcome, problem=str(nothing))
        return ReplayResult(evidence, versions=replaying_versions())
    result = replay(demonstration, make_robot, wanted=wanted, errors=errors)
    if wanted.pictures and not result.evidence.problem:
        _pictures(episode, demonstration, make_eye, result, errors)
    return result


def _pictures(
    episode: Episode,
    demonstration: Demonstration,
    make_eye: MakeEye | None,
    result: ReplayResult,
    errors: RobotErrors,
) -> None:
    cannot: RobotErrors = (CannotReplay, EpisodeError, *errors)
    try:
        eye = make_eye(demonstration.description) if make_eye is not None else None
        if eye is None:
            result.add(pictures=-1)
            return
        try:
            found, drawn = stale_camera(episode, demonstration, eye)
        finally:
            eye.close()
    except cannot:
        result.add(pictures=-1)
        return
    result.add(pictures=drawn or -1)
    if found is not None and result.evidence.diagnosis is None:
        result.add(diagnosis=found)


def verdict_of(episode: Episode, result: ReplayResult) -> Verdict:
    """The verdict on a replay."""
    return _verdict(
        episode.id, episode.manifest_sha256, episode.manifest.description.versions, result
    )


def _verdict(name: str, sha256: str, recorded: dict[str, str], result: ReplayResult) -> Verdict:
    kind, sentence = judge(result.evidence)
    return Verdict(
        format=VERDICT_FORMAT,
        episode=name,
        verdict=kind,
        passed=kind in PASSING,
        sentence=sentence,
        evidence=result.evidence,
        replays=result.replays,
        steps=result.steps,
        wall_s=result.wall_s,
        replayed_wall=wall_time().isoformat(timespec="milliseconds"),
        manifest_sha256=sha256,
        versions_recorded=recorded,
        versions_replayed=result.versions,
    )


def validate(
    episode: Episode,
    make_robot: MakeRobot,
    *,
    wanted: Wanted = QUICK,
    make_eye: MakeEye | None = None,
    errors: RobotErrors = ROBOT_ERRORS,
    keep: bool = True,
) -> Verdict:
    """Verify the files, replay, judge, and `keep` the verdict beside the episode."""
    episode.verify()
    result = replay_episode(episode, make_robot, wanted=wanted, make_eye=make_eye, errors=errors)
    verdict = verdict_of(episode, result)
    if keep:
        write_atomically(episode.path / VERDICT_FILE, sealed_json(verdict))
    return verdict


def set_verdict(
    name: str,
    sha256: str,
    *,
    result: ReplayResult | None = None,
    recorded: dict[str, str] | None = None,
    contradiction: Diagnosis | None = None,
    problem: str = "",
) -> Verdict:
    """The verdict on an episode of a data set, whose rows lie in a file of this hash.

    `contradiction` is what its own columns say against each other; `problem` why nothing could be
    replayed.
    """
    if result is None:
        evidence = Evidence(label=Outcome.UNLABELLED, problem=problem)
        result = ReplayResult(evidence, versions=replaying_versions())
    if contradiction is not None:
        result.add(diagnosis=contradiction)
    return _verdict(name, sha256, recorded or {}, result)
