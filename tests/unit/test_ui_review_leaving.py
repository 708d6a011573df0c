"""The words about what goes out of a library."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from ui.review_leaving import (
    ExportOrder,
    Forgetting,
    export_name,
    export_told,
    forget_lines,
    step_words,
)

ROOT = Path("library")


def test_an_order_is_what_unstick_is_told() -> None:
    order = ExportOrder(Path("out"), "lerobot", ("01A", "01B"), unproved=True)
    assert order.arguments(ROOT) == (
        *("export", "lerobot", "library", "out", "--json", "--steps", "--all"),
        *("--episode", "01A", "--episode", "01B"),
    )
    files = ExportOrder(Path("out"), "mcap", (), unproved=True)
    assert files.arguments(ROOT) == ("export", "mcap", "library", "out", "--json", "--steps")


def test_the_folder_says_what_it_holds_and_of_when() -> None:
    assert export_name("mcap", datetime(2026, 3, 6, tzinfo=UTC)) == "mcap-2026-03-06"


def test_steps_are_counted_in_episodes() -> None:
    assert [step_words(0, 1), step_words(3, 1200)] == ["0 of 1 episode", "3 of 1,200 episodes"]


def test_what_was_left_out_is_told_with_its_reason_and_the_rest_counted() -> None:
    left = [{"episode": f"0{n}ABCDE", "why": "It was not replayed yet."} for n in range(6)]
    printed = json.dumps({"path": "out", "episodes": ["01A"], "rows": 1200, "skipped": left})
    title, lines = export_told(0, printed, "")
    assert title == "1 episode, 1,200 rows in out"
    assert lines[0] == "Left out ABCDE: It was not replayed yet."
    assert lines[-1] == "Left out: 2 episodes more."


def test_an_export_that_failed_says_why() -> None:
    assert export_told(2, "", "Target exists.") == ("Nothing was exported.", ("Target exists.",))


def test_forgetting_names_what_goes_with_it_and_what_stays() -> None:
    known = Forgetting(
        episodes=("01AAAAA", "01BBBBB"),
        bytes=4_500_000,
        made_from_them=("01BBBBB",),
        sources_that_stay=("01CCCCC",),
        datasets=(),
    )
    lines = forget_lines(known)
    assert lines[0] == "2 episodes and 4.5 MB go, for good."
    assert "Made from it, so it goes too: BBBBB." in lines
    assert "It was made from CCCCC, which stays." in lines
    assert lines[-1].startswith("A tombstone stays")
