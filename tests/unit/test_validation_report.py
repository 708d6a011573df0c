"""`unstick validate`: what it prints, the files it writes, the baseline, the exit code."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from recorder.driven import Driven
from recorder.episode import EpisodeError
from recorder.verdict import Kind
from recorder.verdict_report import Report
from recorder.verdict_words import BRIEF, proof_text
from teleop import replay_robots, validation
from teleop.validation import run_validation
from teleop.validation_report import ReportFiles, print_report
from tests.unit.recorder_support import Rover, record
from tests.unit.report_support import a_whole_run, against_a_baseline, entry, name, report

Validate = Callable[..., int]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sealed episodes that their robot replays exactly."""
    root = tmp_path_factory.mktemp("recorded")
    record(root, drive=180)
    record(root, drive=190)
    return root


@pytest.fixture
def library(recorded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(recorded, tmp_path / "episodes")


@pytest.fixture
def robots(monkeypatch: pytest.MonkeyPatch) -> list[Rover]:
    """The robots that were made; the next ones are as `Rover()` unless a test says otherwise."""
    made: list[Rover] = []

    def make(*_: object) -> Driven:
        made.append(Rover())
        return Driven(made[-1])

    monkeypatch.setitem(replay_robots.ROBOTS, "rover", make)
    return made


def run(library: Path, **files: Path | bool) -> int:
    return run_validation(library, json=False, background=False, files=ReportFiles(**files))


def damage(library: Path) -> str:
    """Cut the log of the first episode; its id."""
    first = sorted(library.iterdir())[0]
    log = first / "log.mcap"
    log.write_bytes(log.read_bytes()[:-100])
    return first.name


# --- files ---------------------------------------------------------------------------------------


def test_all_reports_of_one_run_agree(
    library: Path, tmp_path: Path, robots: list[Rover], capsys: pytest.CaptureFixture[str]
) -> None:
    files = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "sarif", "html")}
    code = run_validation(library, json=True, background=False, files=ReportFiles(**files))
    assert code == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in said["verdicts"]] == ["EXACT", "EXACT"]
    assert [one["task"] for one in said["episodes"]] == ["Reach open floor"] * 2
    assert [one["operator"] for one in said["episodes"]] == ["ada", "ada"]
    assert all(one["lint_findings"] >= 0 for one in said["episodes"])
    assert said["exit_code"] == 0
    assert ET.parse(files["junit"]).getroot().attrib["tests"] == "2"
    assert json.loads(files["sarif"].read_bytes())["runs"][0]["results"] == []
    assert b"2 of 2 proved" in files["html"].read_bytes()
    assert list(tmp_path.glob("*.tmp")) == []


def test_reports_are_written_also_when_an_episode_cannot_be_read(
    library: Path, tmp_path: Path, robots: list[Rover], capsys: pytest.CaptureFixture[str]
) -> None:
    lost = damage(library)
    files = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "sarif", "html")}
    assert run(library, **files) == 2
    shown = capsys.readouterr()
    assert "1 of 1 proved" in shown.out
    assert "1 could not be read" in shown.out
    assert lost in shown.err.replace("\n", "")
    root = ET.parse(files["junit"]).getroot()
    assert (root.attrib["tests"], root.attrib["errors"]) == ("2", "1")
    (result,) = json.loads(files["sarif"].read_bytes())["runs"][0]["results"]
    assert result["ruleId"] == "UNREADABLE"
    assert lost in files["html"].read_text()


def test_a_report_that_cannot_be_written_is_named_and_the_others_are(
    library: Path, tmp_path: Path, robots: list[Rover]
) -> None:
    taken, html = tmp_path / "taken", tmp_path / "report.html"
    taken.mkdir()
    with pytest.raises(EpisodeError, match=r"cannot be written.*taken"):
        run(library, junit=taken, html=html)
    assert b"2 of 2 proved" in html.read_bytes()


def test_the_page_shows_the_recorded_picture_of_the_first_divergent_step(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover(gain=0.15)))
    html = tmp_path / "report.html"
    assert run(library, html=html) == 1
    assert html.read_bytes().count(b"data:image/png;base64,") == 2


@pytest.mark.parametrize("kind", ["junit", "sarif", "html", "baseline"])
def test_a_folder_that_is_not_there_is_noticed_before_anything_is_replayed(
    library: Path, tmp_path: Path, robots: list[Rover], kind: str
) -> None:
    with pytest.raises(EpisodeError, match=r"No such folder.*nowhere"):
        run(library, **{kind: tmp_path / "nowhere" / "file"})
    assert robots == []


def test_in_the_background_nothing_is_printed(
    library: Path,
    robots: list[Rover],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "die_with_parent", lambda: None)
    monkeypatch.setattr(validation, "give_way", lambda _: None)
    assert run_validation(library, json=False, background=True) == 0
    assert capsys.readouterr() == ("", "")


# --- baseline ------------------------------------------------------------------------------------


def test_a_change_of_the_controller_that_breaks_old_labels_fails(
    library: Path,
    tmp_path: Path,
    robots: list[Rover],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "baseline.json"
    assert run(library, baseline=file, update_baseline=True) == 0
    assert run(library, baseline=file) == 0
    capsys.readouterr()
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover(gain=0.15)))
    assert run(library, baseline=file) == 1
    assert "Against baseline.json: 2 worse, 0 the same" in capsys.readouterr().out


def test_a_known_failure_does_not_fail_again(
    library: Path, tmp_path: Path, robots: list[Rover], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replay_robots.ROBOTS, "rover", lambda *_: Driven(Rover(gain=0.15)))
    assert run(library) == 1
    file = tmp_path / "baseline.json"
    assert run(library, baseline=file, update_baseline=True) == 0
    assert run(library, baseline=file) == 0


def test_an_episode_that_is_gone_fails_and_a_new_one_does_not(
    library: Path, tmp_path: Path, robots: list[Rover]
) -> None:
    file = tmp_path / "baseline.json"
    first, second = sorted(library.iterdir())
    assert run(first, baseline=file, update_baseline=True) == 0
    assert run(library, baseline=file) == 0
    assert run(second, baseline=file) == 1


def test_the_same_verdicts_give_the_same_bytes(
    library: Path, tmp_path: Path, robots: list[Rover]
) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    for file in (one, other):
        run(library, baseline=file, update_baseline=True)
    assert one.read_bytes() == other.read_bytes()


def test_an_unreadable_episode_is_not_lost_from_the_baseline(
    library: Path, tmp_path: Path, robots: list[Rover]
) -> None:
    file = tmp_path / "baseline.json"
    run(library, baseline=file, update_baseline=True)
    before = file.read_bytes()
    damage(library)
    with pytest.raises(EpisodeError, match="left as it was, 1 could not be read"):
        run(library, baseline=file, update_baseline=True)
    assert file.read_bytes() == before
    assert run(library, baseline=file) == 1, "its verdict is gone"


def test_a_baseline_that_is_missing_or_not_named_is_said_before_the_run(
    library: Path, tmp_path: Path, robots: list[Rover]
) -> None:
    with pytest.raises(EpisodeError, match=r"No such baseline.*--update-baseline"):
        run(library, baseline=tmp_path / "none.json")
    with pytest.raises(EpisodeError, match=r"Add --baseline FILE"):
        run(library, update_baseline=True)
    assert robots == []


# --- the terminal --------------------------------------------------------------------------------


def printed(made: Report, width: int) -> str:
    page = io.StringIO()
    print_report(Console(file=page, width=width, highlight=False), made)
    return page.getvalue()


@pytest.mark.parametrize("kind", Kind)
def test_in_80_columns_nothing_is_clipped(kind: Kind) -> None:
    one = entry(kind, 1)
    text = printed(report(one), 80)
    assert max(map(len, text.splitlines())) <= 80
    head, rows = text.splitlines()[0], text.splitlines()[1:]
    why = head.index("Why")
    assert rows[0].split()[:2] == [name(1), kind]
    told = " ".join(row[why:].strip() for row in rows if row[:why].strip() == "" or row == rows[0])
    assert (BRIEF.get(kind) or proof_text(one.verdict)) in told
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_in_80_columns_what_passes_takes_one_line() -> None:
    lines = printed(report(entry(Kind.EXACT, 1), entry(Kind.SEMANTIC, 2)), 80).splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [[name(1), "EXACT"], [name(2), "SEMANTIC"]]
    assert lines[3] == ""


def test_where_there_is_room_figures_stand_beside_it() -> None:
    text = printed(report(entry(Kind.FRAGILE, 1)), 240)
    assert "3 of 5 solved, not alike" in text
    assert "solved after 371 of 412 actions" in text


def test_at_the_end_each_failure_says_what_to_try_and_then_the_rates() -> None:
    lines = printed(a_whole_run(), 240).splitlines()
    assert lines[-3:] == [
        "Push the cube to the mark: 11 of 13 proved, 95 % interval 58 to 96 %",
        "Reach open floor: 21 of 23 proved, 95 % interval 73 to 98 %; 3 more could not be judged",
        "32 of 36 proved, 95 % interval 75 to 96 %; 3 more could not be judged; "
        "1 could not be read",
    ]
    assert (
        f"{name(33)}: Actions stand one row late. "
        "Shift the column action by -1 and validate again." in lines
    )
    advised = [line for line in lines if line[26:28] == ": "]
    assert len(advised) == 6, "an honest failure needs nothing done"


def test_the_changes_are_a_table() -> None:
    lines = printed(against_a_baseline(), 240).splitlines()
    told = [line.strip().split(maxsplit=2) for line in lines if line.startswith(("worse", "gone"))]
    assert told == [
        ["worse", name(31), "Was EXACT, is SEMANTIC; replayed with the same versions."],
        ["worse", name(34), "Was EXACT, is DIVERGED; replayed with the same versions."],
        ["gone", name(77), "Was EXACT, and was not validated in this run."],
    ]


def test_a_name_does_not_steer_the_terminal() -> None:
    text = printed(report(entry(Kind.EXACT, 1, task="\x1b[2J"), entry(Kind.EXACT, 2)), 80)
    assert "\x1b" not in text
