"""Forgetting leaves no byte and no half episode, whenever it is killed; all else stays."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from recorder.annotations import annotate
from recorder.catalogue import list_library
from recorder.episode import MANIFEST_FILE, episode_id, opened_at, sealed_json
from recorder.forget import forget
from recorder.labels import AnnotationKind
from recorder.library import Episode, list_episodes, open_episode
from recorder.remains import Plan, Remains, Whom, applies, plan_of, survey
from recorder.tombstone import Why, read_tombstones
from tests.unit.library_support import BEGIN
from tests.unit.recorder_support import (
    feed,
    one_after_the_other,
    record,
    recorder,
    session,
    stamp,
)
from transport.messages import Event

LATE = datetime(2100, 1, 1, tzinfo=UTC)
NAME = "Zebulon-Pike"  # occurs nowhere by chance


def number(n: int) -> str:
    return episode_id(int((BEGIN + timedelta(minutes=n)).timestamp() * 1000), bytes([n] * 10))


def one(n: int, **facts: Any) -> Remains:
    base = Remains(number(n), (Path(number(n)),), opened_at(number(n)), site="north")
    return replace(base, **facts)


ADA, EVE = frozenset({"ada"}), frozenset({"eve"})


# --- whose it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "whom", "meant"),
    [
        ({"drivers": ADA}, Whom(operator="ada"), True),
        ({"drivers": EVE}, Whom(operator="ada"), False),
        ({"named": ADA}, Whom(operator="ada"), False),
        ({"problem": "unreadable"}, Whom(operator="ada"), None),
        ({"problem": "unreadable", "drivers": ADA}, Whom(operator="ada"), True),
        ({}, Whom(site="north"), True),
        ({"site": None}, Whom(site="north"), None),
        ({"drivers": ADA}, Whom(operator="ada", site="south"), False),
        ({"problem": "unreadable"}, Whom(operator="ada", site="south"), False),
        ({}, Whom(since=BEGIN + timedelta(minutes=1)), True),
        ({}, Whom(since=BEGIN + timedelta(minutes=2)), False),
        ({}, Whom(until=BEGIN + timedelta(minutes=1)), False),
        ({}, Whom(until=BEGIN + timedelta(minutes=2)), True),
        ({}, Whom(episodes=frozenset({number(1)})), True),
        ({}, Whom(episodes=frozenset({number(2)})), False),
        ({}, Whom(), False),
    ],
)
def test_an_episode_is_meant_when_all_that_is_given_applies(
    facts: dict[str, Any], whom: Whom, meant: bool | None
) -> None:
    assert applies(one(1, **facts), whom) is meant


def test_the_time_in_an_id_is_the_time_of_opening() -> None:
    assert opened_at(number(7)) == BEGIN + timedelta(minutes=7)


def test_what_was_made_from_one_that_goes_goes_too() -> None:
    trimmed = one(2, ancestors=frozenset({number(1)}))
    plan = plan_of([one(1), trimmed, one(3)], Whom(episodes=frozenset({number(1)})))
    assert [r.episode for r in plan.going] == [number(1), number(2)]
    assert plan.descendants == (number(2),)


def test_what_a_killed_trim_left_goes_with_its_source() -> None:
    draft = one(1, episode=number(1)[:10] + "Z" * 16, draft=True)
    other = replace(one(2), episode=number(2)[:10] + "Z" * 16, draft=True)
    plan = plan_of([one(1), draft, other], Whom(episodes=frozenset({number(1)})))
    assert plan.going == (one(1), draft)


def test_what_one_that_goes_was_made_from_stays_and_is_told() -> None:
    trimmed = one(2, ancestors=frozenset({number(1)}))
    plan = plan_of([one(1), trimmed], Whom(episodes=frozenset({number(2)})))
    assert plan.going == (trimmed,)
    assert plan.ancestors == (number(1),)


def test_a_plan_tells_what_stays_although_it_may_be_meant() -> None:
    known = [
        one(1, drivers=ADA, named=ADA),
        one(2, drivers=EVE, named=EVE | ADA),
        one(3, problem="its log is torn."),
        one(4, drivers=ADA, recording=True),
        one(5, drivers=EVE),
    ]
    plan = plan_of(known, Whom(operator="ada"))
    assert [r.episode for r in plan.going] == [number(1)]
    assert plan.named_in == (number(2),)
    assert plan.unjudged == (f"{number(3)}: its log is torn.",)
    assert plan.recording == (number(4),)


def test_what_was_half_forgotten_before_goes_whoever_is_meant_now() -> None:
    plan = plan_of([one(1), one(2, drivers=ADA)], Whom(operator="ada"), {number(1)})
    assert [r.episode for r in plan.going] == [number(1), number(2)]
    assert plan.unfinished == (number(1),)


# --- what a library holds -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("pattern")).path


def driven_by(root: Path, pattern: Path, operator: str, n: int) -> Episode:
    """A sealed episode of `operator`, with files as they were recorded."""
    folder = root / number(n)
    shutil.copytree(pattern, folder)
    manifest = open_episode(folder).manifest
    labels = tuple(msgspec.structs.replace(x, by=operator) for x in manifest.ending.labels)
    manifest = msgspec.structs.replace(
        manifest,
        episode=number(n),
        drivers=tuple(msgspec.structs.replace(x, name=operator) for x in manifest.drivers),
        ending=msgspec.structs.replace(manifest.ending, operator=operator, labels=labels),
    )
    (folder / MANIFEST_FILE).write_bytes(sealed_json(manifest))
    return open_episode(folder)


@pytest.fixture
def library(pattern: Path, tmp_path: Path) -> Path:
    """Two episodes of NAME, the first also with torn and broken files, and one of somebody else."""
    root = tmp_path / "library"
    mine = driven_by(root, pattern, NAME, 1)
    annotate(mine.path, mine.manifest_sha256, AnnotationKind.NOTE, "mine", NAME)
    (mine.path / "torn").mkdir()
    (mine.path / "torn" / "log.mcap").write_text(NAME)
    broken = root / f"{number(1)}.broken"
    broken.mkdir()
    (broken / "reason.txt").write_text(NAME)
    driven_by(root, pattern, NAME, 2)
    driven_by(root, pattern, "eve", 3)
    assert list_library(root).found == 3
    return root


def forget_by_name(root: Path) -> Plan:
    known, _ = survey(root)
    plan = plan_of(known, Whom(operator=NAME), read_tombstones(root))
    if plan.going:
        forget(root, plan.going, Why.REQUEST)
    return plan


def bytes_of(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def is_whole(episode: Episode) -> bool:
    sizes = {path.name: path.stat().st_size for path in episode.path.iterdir()}
    return all(sizes.get(entry.name) == entry.bytes for entry in episode.manifest.files)


def test_nothing_of_a_forgotten_episode_is_left_but_a_stone_without_a_name(library: Path) -> None:
    digest = open_episode(library / number(1)).manifest_sha256
    others = {k: v for k, v in bytes_of(library).items() if k.startswith(number(3))}
    forget_by_name(library)
    left = bytes_of(library)
    assert {k: v for k, v in left.items() if not k.startswith("forgotten")} == others
    assert not [name for name, data in left.items() if NAME.encode() in data]
    stone = read_tombstones(library)[number(1)]
    assert (stone.manifest_sha256, stone.why) == (digest, Why.REQUEST)
    assert list_library(library).found == 1
    assert not list_library(library).unreadable


def test_who_stands_only_in_the_ten_seconds_before_somebody_elses_call_is_forgotten_too(
    tmp_path: Path,
) -> None:
    one, two = one_after_the_other(tmp_path)
    assert two.manifest.first_tick < one.manifest.ending.end_tick
    known, _ = survey(tmp_path)
    assert [sorted(r.drivers) for r in known] == [["ada"], ["ada", "eve"]]
    plan = plan_of(known, Whom(operator="ada"))
    forget(tmp_path, plan.going, Why.REQUEST)
    assert list_episodes(tmp_path) == [], "nothing is left with a picture of what ada did"


def test_who_only_pressed_stop_in_the_preroll_is_named(tmp_path: Path) -> None:
    stops = Event(kind="stop", by="joe")
    rec = recorder(tmp_path)
    feed(
        rec,
        (
            msgspec.structs.replace(tick, events=(stops,)) if tick.tick == 40 else tick
            for tick in session()
        ),
    )
    rec.close(stamp(1000))
    known, _ = survey(tmp_path)
    assert [(r.drivers, r.named) for r in known] == [(ADA, ADA | {"joe"})]
    assert plan_of(known, Whom(operator="joe")).named_in == (known[0].episode,)


def test_forgetting_twice_changes_nothing_more(library: Path) -> None:
    forget_by_name(library)
    before = bytes_of(library)
    assert forget_by_name(library).going == ()
    assert bytes_of(library) == before


def test_forgetting_can_be_killed_at_any_step_and_run_again(
    pattern: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(300):
        root = tmp_path / str(step)
        shutil.copytree(library, root)
        with monkeypatch.context() as patch:
            done = kill_at_step(patch, step, lambda: forget_by_name(root))  # noqa: B023
        for path in list_episodes(root):
            assert is_whole(open_episode(path))  # none that is seen is half gone
        forget_by_name(root)
        assert [path.name for path in list_episodes(root)] == [number(3)]
        assert sorted(read_tombstones(root)) == [number(1), number(2)]
        assert not [name for name, data in bytes_of(root).items() if NAME.encode() in data]
        shutil.rmtree(root)
        if done:
            assert step > 20
            return
    pytest.fail("forgetting never ended")


def test_what_was_never_sealed_is_known_by_its_log(pattern: Path, tmp_path: Path) -> None:
    for n, suffix in ((1, ".rec"), (2, ".broken"), (3, "-2.broken")):
        folder = tmp_path / f"{number(n)}{suffix}"
        shutil.copytree(pattern, folder)
        (folder / MANIFEST_FILE).unlink()
    known, strange = survey(tmp_path)
    assert [(r.episode, r.drivers, r.site) for r in known] == [
        (number(n), ADA, "Test bench") for n in (1, 2, 3)
    ]
    assert strange == []


def test_a_log_that_names_nobody_is_not_judged_by_operator(pattern: Path, tmp_path: Path) -> None:
    folder = tmp_path / f"{number(1)}.broken"
    shutil.copytree(pattern, folder)
    (folder / MANIFEST_FILE).unlink()
    os.truncate(folder / "log.mcap", 2000)
    known, _ = survey(tmp_path)
    plan = plan_of(known, Whom(operator="eve"))
    assert plan.going == ()
    assert number(1) in plan.unjudged[0]
    assert plan_of(known, Whom(until=LATE)).going == tuple(known)


def test_a_folder_without_an_id_is_told(pattern: Path, tmp_path: Path) -> None:
    shutil.copytree(pattern, tmp_path / "kept by hand")
    (tmp_path / "kept by hand" / MANIFEST_FILE).unlink()
    assert survey(tmp_path)[0] == []
    assert "kept by hand" in survey(tmp_path)[1][0]


def test_an_episode_being_recorded_is_left_alone(tmp_path: Path) -> None:
    rec = recorder(tmp_path)
    feed(rec, iter(list(session())[:200]))
    known, _ = survey(tmp_path)
    plan = plan_of(known, Whom(operator="ada"))
    assert plan.going == ()
    assert plan.recording == (known[0].episode,)
    rec.close(stamp(300))
    assert len(list_episodes(tmp_path)) == 1


class Killed(BaseException):
    """Stands for the process being gone."""


def kill_at_step(patch: pytest.MonkeyPatch, step: int, job: Callable[[], object]) -> bool:
    """Run `job`, killed before its `step`-th change to the disk; True when it got through."""
    left: Iterator[None] = iter([None] * step)

    def killing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: object, **named: object) -> Any:
            if next(left, Killed) is Killed:
                raise Killed
            return real(*args, **named)

        return call

    for name in ("fsync", "rename", "replace", "unlink", "rmdir", "mkdir"):
        patch.setattr(os, name, killing(getattr(os, name)))
    try:
        job()
    except Killed:
        return False
    return True
