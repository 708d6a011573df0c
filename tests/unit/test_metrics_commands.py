"""`unstick metrics` and `unstick audit`, as a person calls them."""

from __future__ import annotations

import csv
import io
import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from recorder.markup import printable
from recorder.verdict import Kind as Verdict
from teleop.audit_entry import AuditEntry, Kind
from teleop.audit_file import AuditWriter
from teleop.metrics_report import table_bytes
from tests.unit.audit_support import MONDAY, entry, rescue
from tests.unit.commands import Unstick, unstick
from tests.unit.report_support import HOSTILE
from tests.unit.test_report_html import LOADS, TAGS, read
from transport.messages import Outcome

__all__ = ["unstick"]

NIGHT = MONDAY + timedelta(days=1, hours=12)


def keep(state: Path, robot: str, *logs: list[AuditEntry]) -> Path:
    with closing(AuditWriter(state, robot)) as writer:
        for log in logs:
            writer.write(log)
    return state


@pytest.fixture
def fleet(tmp_path: Path) -> list[Path]:
    """The state folders of two robots."""
    failed = {"operator": "eve", "outcome": Outcome.FAILURE, "verdict": Verdict.DIVERGED}
    stop = entry(Kind.STOP, 3.0, by="eve", key="e" * 40, n=1000)
    return [
        keep(tmp_path / "one", "rover-1", rescue("rover-1", "a"), rescue("rover-1", "b", NIGHT)),
        keep(tmp_path / "two", "rover-2", rescue("rover-2", "c", MONDAY, **failed), [stop]),
    ]


def test_a_table_says_each_figure_and_of_how_many(fleet: list[Path], unstick: Unstick) -> None:
    done = unstick("metrics", *fleet)
    assert done.code == 0
    assert "2026-05-04 09:00 to 2026-05-05 21:00 UTC" in done.out
    assert re.search(r"Success +67 % +2 of 3, 95 % 21 to 94 %", done.out)
    assert re.search(r"ROHE +0\.749 +2 successes per 100 of 267 actions", done.out)
    assert "Calls: Wedged 3" in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("robot", {"rover-1", "rover-2"}),
        ("operator", {"ada", "eve"}),
        ("task", {"Reach open floor"}),
        ("week", {f"2026-W{number}" for number in range(12, 20)}),
    ],
)
def test_figures_are_told_apart_in_every_form(
    fleet: list[Path], unstick: Unstick, tmp_path: Path, by: str, names: set[str]
) -> None:
    sheet = tmp_path / "figures.csv"
    done = unstick("metrics", *fleet, "--by", by, "--csv", sheet)
    assert all(name in done.out for name in names)
    rows = list(csv.DictReader(io.StringIO(sheet.read_text())))
    assert [row["name"] for row in rows if row["by"] == "all"] == [""]
    assert {row["name"] for row in rows if row["by"] == by} == names
    assert sum(int(row["interventions"]) for row in rows) == 6, "each once in all, once in a group"
    facts = unstick("metrics", *fleet, "--by", by, "--json").facts
    assert set(facts[by]) == names
    assert facts["all"]["interventions"]["n"] == 3
    assert len(facts["week"]) == 8


def test_only_the_time_that_was_asked_for_counts(fleet: list[Path], unstick: Unstick) -> None:
    facts = unstick("metrics", *fleet, "--since", "2026-05-05", "--json").facts
    assert facts["all"]["calls"] == 1
    facts = unstick("metrics", *fleet, "--until", "2026-05-05", "--json").facts
    assert facts["all"]["calls"] == 2
    done = unstick("metrics", *fleet, "--since", "2027-01-01")
    assert (done.code, done.out.strip()) == (0, "Nothing was logged in that time.")


def test_the_page_stands_by_itself(fleet: list[Path], unstick: Unstick, tmp_path: Path) -> None:
    unstick("metrics", *fleet, "--html", tmp_path / "page.html")
    page = read((tmp_path / "page.html").read_bytes())
    assert {node.tag for node in page if node.tag} <= TAGS
    assert not [node for node in page if LOADS & set(node.attributes)]
    titles = [node.text for node in page.all("h2")]
    assert titles[:2] == ["Figures", "Calls"]
    assert {"By robot", "By operator", "By task", "By week"} <= set(titles)
    drawn = [
        node.attributes["aria-label"] for node in page.all("svg") if node.attributes.get("role")
    ]
    assert "Calls by hour of the day: 2 from 9, 1 from 21." in drawn
    assert any(label.startswith("Success by week: 2026-W12 –") for label in drawn)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_builds_nothing_in_the_page(
    unstick: Unstick, tmp_path: Path, text: str
) -> None:
    def page_of(name: str) -> bytes:
        state = tmp_path / str(name == text)
        keep(state, "rover-1", [entry(Kind.CALL, reason=name, task=name)])
        unstick("metrics", state, "--html", tmp_path / "page.html")
        return (tmp_path / "page.html").read_bytes()

    plain, hostile = read(page_of("plain")), read(page_of(text))
    assert [node.tag for node in hostile] == [node.tag for node in plain]
    assert printable(text) in [node.text for node in hostile.all("bdi")]


def test_words_that_a_spreadsheet_would_run_are_quoted() -> None:
    sheet = table_bytes(("name",), [["=HYPERLINK(1)"], ["@x"], [-1.5], ["rover-1"], [None]])
    assert sheet.decode().split() == ["name", "'=HYPERLINK(1)", "'@x", "-1.5", "rover-1", '""']


def test_what_is_torn_or_lost_is_told(unstick: Unstick, tmp_path: Path) -> None:
    keep(tmp_path, "rover-1", [entry(Kind.CALL, reason="Wedged", lost=0)])
    (file,) = (tmp_path / "audit").iterdir()
    with file.open("ab") as stream:
        stream.write(b'{"wall":"2026-')
    done = unstick("metrics", tmp_path)
    assert done.code == 0
    assert "1 line is torn" in done.err


@pytest.mark.parametrize("command", ["metrics", "audit"])
def test_a_wrong_path_says_what_to_give(unstick: Unstick, tmp_path: Path, command: str) -> None:
    for path, said in ((tmp_path / "none", "No such file"), (tmp_path, "No audit log")):
        done = unstick(command, path)
        assert done.code == 2
        assert said in done.err
        assert "state folder" in done.err


def test_a_place_that_cannot_be_written_is_named(
    fleet: list[Path], unstick: Unstick, tmp_path: Path
) -> None:
    done = unstick("metrics", *fleet, "--html", tmp_path / "no" / "page.html")
    assert done.code == 2
    assert "Report cannot be written" in done.err


def test_the_audit_says_who_drove_when_and_why(fleet: list[Path], unstick: Unstick) -> None:
    out = unstick("audit", *fleet).out
    told = re.search(r"^7 +rover-1 +ada +aaaaaaaa… +2026-05-04 09:00:02 .*", out, re.MULTILINE)
    assert told is not None
    assert "Wedged" in told[0]
    assert "handed back success" in told[0]
    assert re.search(r"09:00:03 +rover-1 +STOP +eve", out)


def test_the_drives_as_csv_have_the_fields_of_the_ordinance(
    fleet: list[Path], unstick: Unstick
) -> None:
    done = unstick("audit", *fleet, "--csv")
    first, *_ = csv.DictReader(io.StringIO(done.out))
    assert first["drive"] == "7"
    assert (first["operator"], first["operator_key"]) == ("ada", "a" * 40)
    assert (first["began"], first["ended"]) == (
        *("2026-05-04T09:00:02+00:00", "2026-05-04T09:00:05+00:00"),
    )
    assert first["ended_by"] == "hand_back"


def test_the_audit_as_json_has_every_entry(fleet: list[Path], unstick: Unstick) -> None:
    facts = unstick("audit", fleet[0], "--json").facts
    assert len(facts["drives"]) == 2
    assert facts["entries"][0]["kind"] == "started"
    assert unstick("audit", fleet[0], "--json", "--csv").code == 2


def test_a_robot_that_nobody_drove_has_a_log_all_the_same(unstick: Unstick, tmp_path: Path) -> None:
    keep(tmp_path, "rover-1", [entry(Kind.STARTED, after_s=0.0)])
    assert unstick("audit", tmp_path).out.strip().endswith("Nobody has driven.")


def test_what_goes_wrong_in_a_drive_stands_beside_it(unstick: Unstick, tmp_path: Path) -> None:
    taken = {"by": "ada", "session": 3, "intervention": 0}
    log = [
        entry(Kind.TAKEOVER, 0, **taken),
        entry(Kind.LINK_DIP, 5, by="ada", text="gap", after_s=0.4),
        entry(Kind.FAULT, 7, text="driver: no answer"),
        entry(Kind.RELEASED, 9, **taken),
        entry(Kind.STOP, 11, by="eve"),
    ]
    keep(tmp_path, "rover-1", log)
    (row,) = csv.DictReader(io.StringIO(unstick("audit", tmp_path, "--csv").out))
    assert row["faults"] == "link dip ada gap (0.4 s); fault driver: no answer"
