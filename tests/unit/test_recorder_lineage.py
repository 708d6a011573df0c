"""How two data sets differ, and which data sets hold an episode."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from recorder.episode import EpisodeError, FileEntry
from recorder.lineage import Change, departures, difference, went_into
from recorder.sources import (
    ExportRecord,
    Source,
    Sources,
    known_datasets,
    note_export,
    read_exports,
    read_sources,
)
from recorder.tombstone import Tombstone, Why
from tests.unit.recorder_support import record


def source(episode: str, **facts: Any) -> Source:
    base: dict[str, Any] = {"manifest_sha256": "aa", "verdict": "EXACT", "outcome": "success"}
    return Source(episode=episode, **{**base, **facts})


def made_of(*sources: Source, **facts: Any) -> Sources:
    return Sources(episodes=sources, **facts)


def test_data_sets_made_from_the_same_do_not_differ() -> None:
    one = made_of(source("A"), source("B"), options={"all": True})
    assert difference(one, one).same


def test_a_difference_names_episodes_changes_and_options() -> None:
    stone = Tombstone(episode="B", forgotten="2026-01-01", why=Why.REQUEST, manifest_sha256="aa")
    a = made_of(source("A"), source("B"), source("C"), options={"all": False})
    b = made_of(
        source("A", outcome="failure", verdict=None),
        source("C"),
        source("D"),
        options={"all": True, "labels": "sirius"},
        forgotten=(stone,),
    )
    found = difference(a, b)
    assert not found.same
    assert (found.only_a, found.only_b, found.forgotten) == (("B",), ("D",), ("B",))
    assert found.changed == {
        "A": (Change("verdict", "EXACT", None), Change("outcome", "success", "failure"))
    }
    assert found.options == (Change("all", False, True), Change("labels", None, "sirius"))
    assert not found.order


def test_another_order_is_a_difference() -> None:
    found = difference(made_of(source("A"), source("B")), made_of(source("B"), source("A")))
    assert found.order
    assert not found.same


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"exported_by": "1.0 abc"}, "exported by"),
        ({"exported_by_sha256": "ff"}, "exporter"),
        ({"parents": ("Z",)}, "parents"),
    ],
)
def test_another_exporter_or_parent_is_a_difference(facts: dict[str, Any], what: str) -> None:
    found = difference(made_of(source("A")), made_of(source("A", **facts)))
    assert [change.what for change in found.changed["A"]] == [what]


def files(index: int, *, video: str = "aa", rows: str = "bb") -> tuple[FileEntry, ...]:
    names = {
        f"data/chunk-000/file-{index:03d}.parquet": rows,
        f"videos/observation.images.front/chunk-000/file-{index:03d}.mp4": video,
    }
    return tuple(FileEntry(name=n, bytes=1, sha256=digest) for n, digest in names.items())


def test_files_that_nothing_explains_are_a_difference() -> None:
    one = made_of(source("A", files=files(0)))
    for changed, name in (
        (files(0, rows="cc"), "file data/chunk-000/file-000.parquet"),
        (files(0, video="cc"), "file observation.images.front, part 0"),
        (files(3, video="cc"), "file observation.images.front, part 0"),
    ):
        found = difference(one, made_of(source("A", files=changed)))
        assert [change.what for change in found.changed["A"]] == [name]
    moved = difference(one, made_of(source("A", files=files(3, rows="cc"))))
    assert moved.same, "a table holds the number of its episode"
    explained = difference(one, made_of(source("A", files=files(0, rows="cc"), outcome="failure")))
    assert [change.what for change in explained.changed["A"]] == ["outcome"]


def test_an_episode_that_gave_several_parts_is_compared_by_all_of_them() -> None:
    a = made_of(source("A", files=files(0)), source("A", files=files(1)))
    b = made_of(source("A", files=files(0, rows="cc")), source("A", files=files(1)))
    assert difference(a, a).same
    assert not difference(a, b).same
    found = difference(a, made_of(source("A", files=files(0))))
    assert found.changed["A"] == (Change("parts", 2, 1),)


def test_a_set_that_departs_from_the_one_it_was_to_be_like_says_in_what() -> None:
    asked = made_of(source("A"), source("B"), source("C"))
    made = [source("A"), source("B", reason="slipped")]
    found = departures(asked, made, {"C": "It was discarded."})
    assert [(d.episode, d.sentence) for d in found] == [
        ("B", "reason - → slipped"),
        ("C", "left out, was in it: It was discarded."),
    ]
    again = made_of(*made, departures=found)
    assert departures(again, made, {}) == found, "the same list gives the same declaration"
    back = departures(again, [*made, source("C")], {})
    assert [d.episode for d in back] == ["B"], "what is there again is not left out"


def exported(path: str, *episodes: str) -> ExportRecord:
    held = dict.fromkeys(episodes, "aa")
    return ExportRecord(wall="", path=path, form="lerobot", options={}, episodes=held)


def test_a_data_set_holds_what_was_written_down_unless_it_says_otherwise_itself() -> None:
    exports = [exported("/x", "A", "B"), exported("/y", "A"), exported("/y", "B")]
    assert went_into(["A"], exports, {}) == {"/x": ("A",), "/y": ("A",)}
    rebuilt = {"/x": made_of(source("B")), "/z": made_of(source("A"))}
    assert went_into(["A"], exports, rebuilt) == {"/y": ("A",), "/z": ("A",)}


def test_exports_are_written_down_in_the_library(tmp_path: Path) -> None:
    episode = record(tmp_path / "library")
    for _ in range(2):
        note_export(tmp_path / "set", "lerobot", {"all": True}, [episode])
    path = tmp_path / "library" / "exports.jsonl"
    path.write_bytes(path.read_bytes() + b'{"torn')
    first, second = read_exports(tmp_path / "library")
    assert first.path == second.path == str(tmp_path / "set")
    assert first.episodes == {episode.id: episode.manifest_sha256}
    assert first.options == {"all": True}
    path.write_bytes(b"{\n" + path.read_bytes())
    with pytest.raises(EpisodeError, match="Line 1"):
        read_exports(tmp_path / "library")


def write(dataset: Path, content: bytes) -> Path:
    (dataset / "meta").mkdir(parents=True)
    (dataset / "meta" / "unstick.json").write_bytes(content)
    return dataset


def test_what_a_data_set_was_made_from_is_read_in_every_form_it_was_written(
    tmp_path: Path,
) -> None:
    now = made_of(source("A"), options={"all": True})
    new = write(tmp_path / "new", msgspec.json.encode(now))
    old = write(tmp_path / "old", b'[{"episode": "A", "manifest_sha256": "aa", "versions": {}}]')
    later = write(tmp_path / "later", b'{"episodes": [], "rows": 7}')
    assert read_sources(new) == now
    assert read_sources(old).episodes[0].episode == "A"
    assert read_sources(later) == Sources()
    for content in (b"[", b'{"episodes": 3}', b"\xff"):
        spoilt = write(tmp_path / content.hex(), content)
        with pytest.raises(EpisodeError, match="unreadable"):
            read_sources(spoilt)
    with pytest.raises(EpisodeError, match="does not say"):
        read_sources(tmp_path)


def test_data_sets_are_found_at_any_depth_and_the_spoilt_are_told(tmp_path: Path) -> None:
    good = write(tmp_path / "a" / "b" / "good", b"{}")
    spoilt = write(tmp_path / "spoilt", b"{")
    elsewhere = write(tmp_path.parent / f"{tmp_path.name}-elsewhere", b"{}")
    (tmp_path / "mcap").mkdir()
    exports = [exported(str(elsewhere), "A"), exported(str(tmp_path / "mcap"), "A")]
    known, unreadable = known_datasets(exports, [tmp_path])
    assert sorted(known) == sorted([str(good), str(elsewhere)])
    assert [str(spoilt) in line for line in unreadable] == [True]
    with pytest.raises(EpisodeError, match="No such folder"):
        known_datasets([], [tmp_path / "missing"])
