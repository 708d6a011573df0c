"""`unstick episodes forget`, `lineage` and `diff`, and exports before and after."""

import io
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recorder.driven import Driven
from recorder.library import list_episodes
from recorder.validate import validate
from tests.unit.commands import Unstick, unstick
from tests.unit.recorder_support import Rover, record

__all__ = ["unstick"]

PLACES = ("episode_index", "index", "task_index")  # what moves up when an episode is left out


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three proved episodes."""
    root = tmp_path_factory.mktemp("recorded")
    for drive in (180, 200, 220):
        assert validate(record(root, drive=drive), lambda _: Driven(Rover())).passed
    return root


@pytest.fixture
def library(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as this user's folder."""
    root = Path(shutil.copytree(recorded, tmp_path / "episodes"))
    monkeypatch.setattr("teleop.cli_episodes.default_episodes", lambda: root)
    return root


@pytest.fixture
def ids(library: Path) -> list[str]:
    return [path.name for path in list_episodes(library)]


def test_a_dry_run_shows_what_would_go_and_changes_nothing(
    library: Path, ids: list[str], unstick: Unstick
) -> None:
    before = sorted(library.rglob("*"))
    done = unstick("episodes", "forget", "--operator", "ada", "--dry-run")
    assert done.code == 0
    assert all(episode in done.out for episode in ids)
    facts = unstick("episodes", "forget", ids[0], "--dry-run", "--json").facts
    assert (facts["episodes"], facts["dry_run"]) == ([ids[0]], True)
    assert facts["bytes"] > 1000
    assert sorted(library.rglob("*")) == before


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 1, 3), ("", 1, 3), ("y", 0, 2)])
def test_somebody_is_asked_first(
    ids: list[str],
    library: Path,
    unstick: Unstick,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    left: int,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n" if answer else ""))
    done = unstick("episodes", "forget", ids[0])
    assert done.code == code
    assert len(list_episodes(library)) == left


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--json", "--operator", "ada"),
        ("ZZZ", "--yes"),
        ("0", "--yes"),  # how all three begin
        ("--operator", "ada", "0", "--yes"),
        ("--why", "ada asked", "--operator", "ada", "--yes"),
        ("--operator", "ada", "--datasets", "/no/such/folder", "--yes"),
    ],
)
def test_what_is_not_clear_is_refused_and_everything_stays(
    library: Path, unstick: Unstick, words: tuple[str, ...]
) -> None:
    done = unstick("episodes", "forget", *words)
    assert done.code == 2
    assert done.err
    assert len(list_episodes(library)) == 3


def test_data_sets_that_hold_it_are_told_wherever_they_were_found(
    library: Path, ids: list[str], tmp_path: Path, unstick: Unstick
) -> None:
    noted, gone = tmp_path / "noted", tmp_path / "gone"
    moved = tmp_path / "elsewhere" / "moved"
    for out in (noted, gone):
        assert unstick("export", "lerobot", library / ids[0], out).code == 0
    shutil.move(gone, moved)
    assert unstick("export", "mcap", library / ids[0], tmp_path / "mcap").code == 0
    facts = unstick(
        *("episodes", "forget", ids[0], "--yes", "--json", "--datasets", tmp_path / "elsewhere")
    ).facts
    assert {one["path"]: one["exists"] for one in facts["datasets"]} == {
        str(noted): True,
        str(gone): False,
        str(moved): True,
        str(tmp_path / "mcap"): True,
    }
    again = unstick("episodes", "forget", ids[0], "--yes", "--json")
    assert (again.code, again.facts["episodes"]) == (0, [])
    assert str(noted) in [one["path"] for one in again.facts["datasets"]]
    told = unstick("episodes", "forget", ids[0], "--yes")
    assert "was forgotten on" in told.out
    assert "was forgotten on" in unstick("episodes", "show", ids[0]).err


def test_an_export_of_the_same_list_differs_by_the_forgotten_only_and_says_so(
    library: Path, ids: list[str], tmp_path: Path, unstick: Unstick
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    later = tmp_path / ids[0]
    (library / ids[0]).rename(later)  # is not of the list
    ids = ids[1:]
    unstick("export", "lerobot", library, old)
    later.rename(library / later.name)
    unstick("episodes", "forget", ids[0], "--yes", "--why", "retention")
    done = unstick("export", "lerobot", library, new, "--like", old, "--json")
    assert done.facts["episodes"] == [ids[1]]
    assert [one["episode"] for one in done.facts["skipped"]] == [ids[0]]
    assert "retention" in done.facts["skipped"][0]["why"]

    rows = [
        pq.read_table(root / f"data/chunk-000/file-{index:03d}.parquet").drop_columns(PLACES)
        for root, index in ((old, 1), (new, 0))
    ]
    assert rows[0].equals(rows[1])
    for camera in ("front", "rear"):
        folder = f"videos/observation.images.{camera}/chunk-000"
        video = (old / folder / "file-001.mp4").read_bytes()
        assert (new / folder / "file-000.mp4").read_bytes() == video

    differs = unstick("diff", old, new, "--json")
    assert differs.code == 1
    assert differs.facts["only_a"] == differs.facts["forgotten"] == [ids[0]]
    assert (differs.facts["only_b"], differs.facts["changed"]) == ([], {})
    assert "declared" in unstick("diff", old, new).out
    assert unstick("diff", new, new).code == 0
    whole = unstick("export", "lerobot", library, tmp_path / "whole", "--json")
    assert [one["episode"] for one in whole.facts["skipped"]] == [ids[0]]


def bytes_of(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_set_made_anew_from_the_same_is_the_same_to_the_byte(
    library: Path, tmp_path: Path, unstick: Unstick
) -> None:
    old, new, again = (tmp_path / name for name in ("old", "new", "again"))
    unstick("export", "lerobot", library, old)
    done = unstick("export", "lerobot", library, new, "--like", old, "--json")
    assert done.facts["departures"] == []
    assert bytes_of(new) == bytes_of(old)
    unstick("episodes", "label", list_episodes(library)[0].name, "--reason", "slipped")
    unstick("export", "lerobot", library, new.with_name("third"), "--like", old)
    unstick("export", "lerobot", library, again, "--like", new.with_name("third"))
    assert bytes_of(again) == bytes_of(new.with_name("third"))


def test_a_set_made_anew_declares_what_was_said_since(
    library: Path, ids: list[str], tmp_path: Path, unstick: Unstick
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    unstick("export", "lerobot", library, old)
    unstick("episodes", "label", ids[0], "--outcome", "failure")  # its replay is out of date now
    unstick("episodes", "label", ids[1], "--reason", "slipped")
    done = unstick("export", "lerobot", library, new, "--like", old, "--json")
    told = {one["episode"]: one["why"] for one in done.facts["departures"]}
    assert told.keys() == {ids[0], ids[1]}
    assert told[ids[0]].startswith("left out, was in it: ")
    assert told[ids[1]] == "reason - → slipped"
    facts = unstick("lineage", new, "--json").facts
    assert [one["episode"] for one in facts["departures"]] == ids[:2]
    page = unstick("lineage", new).out
    assert "left out, was in it" in page
    assert "Exported by" in page


def test_a_file_of_a_set_that_was_altered_is_told(
    library: Path, tmp_path: Path, unstick: Unstick
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for out in (old, new):
        unstick("export", "lerobot", library, out)
    assert unstick("diff", old, new).code == 0
    name = "data/chunk-000/file-001.parquet"
    data = bytearray((new / name).read_bytes())
    data[len(data) // 2] ^= 1
    (new / name).write_bytes(bytes(data))
    differs = unstick("diff", old, new, "--json")
    assert (differs.code, differs.facts["same"]) == (1, False)
    assert differs.facts["altered"] == {str(old): [], str(new): [name]}
    assert f"{name} of {new} is not as it was exported" in unstick("diff", old, new).out


def test_lineage_of_a_data_set_tells_what_it_was_made_from_and_what_became_of_it(
    library: Path, ids: list[str], tmp_path: Path, unstick: Unstick
) -> None:
    unstick("export", "lerobot", library, tmp_path / "set")
    unstick("episodes", "label", ids[0], "--outcome", "failure")
    unstick("episodes", "forget", ids[1], "--yes")
    done = unstick("lineage", tmp_path / "set", "--json")
    assert done.code == 0
    assert done.facts["options"] == {"include_unverified": False, "labels": None}
    assert done.facts["policies"] == {"patrol 1": 3}
    assert done.facts["scenes"] == {"ab" * 32: 3}
    assert done.facts["verdicts"] == {"EXACT": 3}
    assert [one["now"] for one in done.facts["episodes"]] == [
        "labelled failure",
        "forgotten",
        "the same",
    ]
    page = unstick("lineage", tmp_path / "set").out
    for words in (
        "include_unverified=False",
        "patrol 1 (3 of 3)",
        "ab" * 6,
        f"{ids[1]}  success; forgotten",
    ):
        assert words in page


def test_lineage_of_an_episode_tells_what_it_went_into(
    library: Path, ids: list[str], tmp_path: Path, unstick: Unstick
) -> None:
    assert "none that is known" in unstick("lineage", ids[0]).out
    unstick("export", "lerobot", library / ids[0], tmp_path / "set")
    done = unstick("lineage", ids[0], "--json")
    assert [one["path"] for one in done.facts["datasets"]] == [str(tmp_path / "set")]
    assert (done.facts["made_from"], done.facts["made_of_it"]) == ([], [])
    assert str(tmp_path / "set") in unstick("lineage", ids[0]).out


def test_what_is_no_data_set_is_refused(library: Path, tmp_path: Path, unstick: Unstick) -> None:
    like = ("export", "lerobot", library, tmp_path / "set", "--like", tmp_path)
    assert unstick(*like).code == 2
    assert "give no others" in unstick(*like, "--all").err
    assert unstick("diff", tmp_path, tmp_path).code == 2
    assert unstick("lineage", tmp_path).code == 2
