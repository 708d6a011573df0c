"""`unstick episodes`: list, show, label, discard, verify and recover, as a person calls them."""

import shutil
from pathlib import Path

import pytest

from recorder.driven import Driven
from recorder.episode import LOG_FILE, MANIFEST_FILE
from recorder.library import Episode, open_episode
from recorder.validate import validate
from tests.unit.commands import Unstick, unstick
from tests.unit.library_support import fill
from tests.unit.recorder_support import Rover, record

__all__ = ["unstick"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real episodes, the first of them proved."""
    root = tmp_path_factory.mktemp("recorded")
    validate(record(root), lambda _: Driven(Rover()))
    record(root, drive=60)
    return root


@pytest.fixture
def library(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as this user's folder."""
    root = Path(shutil.copytree(recorded, tmp_path / "data" / "episodes"))
    monkeypatch.setattr("teleop.cli_episodes.default_episodes", lambda: root)
    return root


@pytest.fixture
def proved(library: Path) -> Episode:
    return open_episode(min(path for path in library.iterdir() if path.is_dir()))


def test_list_shows_the_newest_first_and_says_what_it_left_out(
    library: Path, unstick: Unstick
) -> None:
    first, second = sorted(path.name for path in library.iterdir())
    rows = unstick("episodes", "list", "--json").facts["episodes"]
    assert [row["episode"] for row in rows] == [second, first]
    assert [row["verdict"] for row in rows] == [None, "EXACT"]
    assert rows[0]["path"] == str(library / second)
    done = unstick("episodes", "list", "--limit", 1)
    assert done.code == 0
    assert second in done.out
    assert first not in done.out
    assert "newest 1 of 2" in done.err


def test_list_takes_words_for_what_is_wanted(
    library: Path, proved: Episode, unstick: Unstick
) -> None:
    def found(*options: object) -> list[str]:
        facts = unstick("episodes", "list", library, "--json", *options).facts
        return [row["episode"] for row in facts["episodes"]]

    assert found("--verdict", "exact", "--operator", "ada") == [proved.id]
    assert found("--verdict", "none", "--robot", "rover-1") != [proved.id]
    assert found("--until", "2026-01-01") == []
    assert found("--operator", "nobody") == []
    refused = unstick("episodes", "list", library, "--verdict", "splendid")
    assert refused.code == 2
    assert "outdated" in refused.err


def test_an_unreadable_episode_is_told_and_the_others_are_listed(
    library: Path, proved: Episode, unstick: Unstick
) -> None:
    (proved.path / MANIFEST_FILE).write_text("{")
    done = unstick("episodes", "list")
    assert done.code == 2
    assert str(proved.path) in done.err
    assert "not replayed" in done.out


def test_an_episode_is_known_by_path_by_id_and_by_how_it_begins(
    library: Path, proved: Episode, unstick: Unstick
) -> None:
    first, second = sorted(path.name for path in library.iterdir() if path.is_dir())
    alone = next(first[:n] for n in range(1, 27) if not second.startswith(first[:n]))
    for given in (proved.path, proved.id, alone, alone.lower()):
        assert unstick("episodes", "show", given, "--json").facts["episode"] == proved.id
    ambiguous = unstick("episodes", "show", first[:1])
    assert ambiguous.code == 2
    assert first in ambiguous.err
    assert second in ambiguous.err
    for wrong in ("ZZ", "", str(library / "nowhere"), str(library)):
        done = unstick("episodes", "show", wrong)
        assert done.code == 2
        assert done.out == ""


def test_show_tells_who_when_why_what_and_what_is_missing(
    library: Path, proved: Episode, unstick: Unstick
) -> None:
    unstick("episodes", "label", proved.id, "--note", "the [red] rug", "--by", "eve")
    (proved.path / "cam_rear.mkv").unlink()
    page = unstick("episodes", "show", proved.id).out
    for words in (
        proved.id,
        "ada, 3.0 s",
        "ada, ticks 120 to 300, no consent is noted",
        "the operator handed back",
        "Reach open floor",
        "success",
        "the [red] rug",
        "361 at 60 Hz, 181 at 30 Hz",
        "front 64x48",
        "EXACT: Replaying",
        "cam_rear.mkv is gone",
        "note: the [red] rug (eve)",
        "marker: here (ada)",
    ):
        assert words in page
    facts = unstick("episodes", "show", proved.id, "--json").facts
    assert facts["labels"]["notes"] == ["the [red] rug"]
    assert facts["missing"] == ["cam_rear.mkv is gone."]


def test_show_still_shows_what_can_be_read(
    library: Path, proved: Episode, unstick: Unstick
) -> None:
    (proved.path / "annotations.jsonl").write_text("{}\n")
    done = unstick("episodes", "show", proved.id, "--json")
    assert done.code == 2
    assert done.facts["labels"]["outcome"] == "success"
    assert "annotations.jsonl" in done.facts["unreadable"][0]


def test_label_says_what_counts_now_and_that_the_verdict_is_out_of_date(
    library: Path, proved: Episode, unstick: Unstick
) -> None:
    done = unstick("episodes", "label", proved.id, "--outcome", "failure", "--reason", "slipped")
    assert done.code == 0
    assert f"{proved.id}: failure, because: slipped" in done.out
    assert "replay it again" in done.err
    page = unstick("episodes", "show", proved.id, "--json").facts
    assert page["labels"]["outcome"] == "failure"
    assert "labelled failure" in page["verdict"]["doubt"]
    listed = unstick("episodes", "list", "--verdict", "outdated", "--json").facts
    assert [row["episode"] for row in listed["episodes"]] == [proved.id]


def test_a_label_needs_something_to_say(library: Path, proved: Episode, unstick: Unstick) -> None:
    done = unstick("episodes", "label", proved.id)
    assert done.code == 2
    assert "--outcome" in done.err
    assert unstick("episodes", "label", proved.id, "--outcome", "splendid").code == 2


def test_a_discarded_episode_is_not_exported_until_it_is_restored(
    library: Path, proved: Episode, tmp_path: Path, unstick: Unstick
) -> None:
    done = unstick("episodes", "discard", proved.id, "--why", "a child", "--by", "eve", "--json")
    assert done.facts["labels"]["discarded"] is True
    refused = unstick("export", "lerobot", library, tmp_path / "set", "--json")
    assert refused.code == 2
    assert unstick("episodes", "discard", proved.id).code == 2
    assert unstick("episodes", "discard", proved.id, "--undo").code == 0
    assert unstick("episodes", "discard", proved.id, "--undo").code == 2
    exported = unstick("export", "lerobot", library, tmp_path / "set", "--json")
    assert exported.facts["episodes"] == [proved.id]


def test_verify_reads_everything_back(library: Path, proved: Episode, unstick: Unstick) -> None:
    done = unstick("episodes", "verify")
    assert (done.code, done.out) == (0, "2 of 2 whole\n")
    log = proved.path / LOG_FILE
    spoilt = bytearray(log.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    log.write_bytes(bytes(spoilt))
    assert unstick("episodes", "verify", proved.id).code == 2
    done = unstick("episodes", "verify", library, "--json")
    assert done.code == 2
    assert [one["whole"] for one in done.facts["episodes"]] == [False, True]
    assert str(log) in done.facts["episodes"][0]["problem"]


def test_recover_says_what_it_found(library: Path, proved: Episode, unstick: Unstick) -> None:
    assert unstick("episodes", "recover").out == "Nothing to recover.\n"
    left = proved.path.with_name(f"{proved.id}.rec")
    proved.path.rename(left)
    (left / MANIFEST_FILE).unlink()
    (one,) = unstick("episodes", "recover", library, "--json").facts["episodes"]
    assert (one["episode"], one["recovered"], one["rows"]) == (proved.id, True, 181)


def test_a_table_that_nobody_limited_ends_after_a_hundred(
    proved: Episode, tmp_path: Path, unstick: Unstick
) -> None:
    verdict = proved.verdict()
    assert verdict is not None
    root = tmp_path / "many"
    root.mkdir()
    fill(root, proved.manifest, verdict, range(101))
    done = unstick("episodes", "list", root)
    assert done.out.count("rover-") == 100
    assert "newest 100 of 101" in done.err
    assert len(unstick("episodes", "list", root, "--json").facts["episodes"]) == 101
