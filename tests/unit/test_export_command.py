"""What `unstick export` prints and answers."""

import json
import shutil
from pathlib import Path

import pytest

from recorder.episode import EpisodeError
from recorder.lerobot_origin import ExportOptions
from teleop.exporting import export_as_lerobot, export_as_mcap
from tests.unit.recorder_support import record

ALL = ExportOptions(include_unverified=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("episodes")
    record(root, before=16, wait=4, drive=40, after=70)
    return root


def test_all_says_what_it_adds_and_append_how_much_there_is(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    assert export_as_lerobot(library, out, options=ALL, append=True, json=False) == 0
    said = capsys.readouterr().out.replace("\n", " ")
    assert "1 episode, " in said
    assert "the data set has 1 episode, " in said
    assert "taken because of --all: " in said
    assert "It was not replayed yet." in said


def test_a_program_reads_the_same_as_json(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_as_lerobot(library, tmp_path / "set", options=ALL, append=False, json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["unverified"] == [
        {"episode": facts["episodes"][0], "why": "It was not replayed yet."}
    ]
    assert facts["rows"] == facts["rows_in_set"]
    assert facts["damaged"] == facts["skipped"] == []


def test_one_unreadable_episode_does_not_hold_up_the_others_but_shows_in_the_exit_code(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = shutil.copytree(library, tmp_path / "episodes")
    torn = here / "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    torn.mkdir()
    (torn / "manifest.json").write_text("{")
    assert export_as_mcap(here, tmp_path / "mcap", json=True) == 2
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["episodes"]) == 1
    assert facts["damaged"][0]["episode"] == torn.name
    assert "unreadable" in facts["damaged"][0]["why"]


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    torn = tmp_path / "episodes" / "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    torn.mkdir(parents=True)
    (torn / "manifest.json").write_text("{")
    with pytest.raises(EpisodeError, match="No readable episode"):
        export_as_mcap(tmp_path / "episodes", tmp_path / "mcap", json=False)
