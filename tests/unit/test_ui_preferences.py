"""What an operator prefers: what is kept, what is told, and how text gets its size."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.safety import ConfigError
from ui.kept_preferences import (
    FILE,
    Colours,
    Preferences,
    Sound,
    as_text,
    parse,
    read,
    write,
)
from ui.speech import Language
from ui.text_scale import TextScale, text_scale

ANY = st.builds(
    Preferences,
    colours=st.sampled_from(Colours),
    text_percent=st.integers(100, 200),
    language=st.sampled_from(Language),
    volume=st.integers(0, 100),
    silent=st.frozensets(st.sampled_from(Sound)),
    voice=st.booleans(),
    notify=st.booleans(),
    screen=st.tuples(st.integers(0, 8000), st.integers(0, 5000)),
)


@given(ANY)
def test_what_was_kept_is_read_again(preferences: Preferences) -> None:
    assert parse(as_text(preferences), "file") == (preferences, ())


def test_only_what_differs_is_written() -> None:
    text = as_text(Preferences(text_percent=150))
    assert [line for line in text.splitlines() if line and line[0] != "#"] == ["text_percent = 150"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("text_percent = 300", "text_percent = 300 cannot be; it is a number from 100 to 200. 100"),
        ("text_percent = true", "text_percent = True cannot be"),
        ('colours = "blue"', 'it is "system", "dark" or "light". "system" counts'),
        ('silent = ["hold", "bell"]', "a list of some of stopped, hold"),
        ("voice = 1", "voice = 1 cannot be; it is true or false. false counts"),
        ("screen = [1920]", "screen = [1920] cannot be; it is a width and a height in px"),
        ("colors = 1", "colors is not known; did you mean colours?"),
        ("= 1", "this is not TOML"),
    ],
)
def test_what_cannot_be_is_told_and_its_default_counts(line: str, says: str) -> None:
    found, problems = parse(f"volume = 30\n{line}\n", "p.toml")
    assert len(problems) == 1
    assert problems[0].startswith("p.toml: ")
    assert says in problems[0]
    default = Preferences() if line == "= 1" else Preferences(volume=30)
    assert replace(found, unknown={}) == default


def test_what_another_version_wrote_stays_in_the_file() -> None:
    found, problems = parse('volume = 30\n[later]\nx = "y"\n', "p.toml")
    assert len(problems) == 1
    again, _ = parse(as_text(found.with_sound(Sound.STALE, False)), "p.toml")
    assert again.unknown == {"later": {"x": "y"}}


@given(st.text())
def test_any_text_is_preferences_or_told(text: str) -> None:
    found, problems = parse(text, "p.toml")
    assert 100 <= found.text_percent <= 200
    assert all(problem.startswith("p.toml: ") for problem in problems)


def test_the_file_is_read_and_written(tmp_path: Path) -> None:
    folder = tmp_path / "unstick"
    assert read(folder) == (Preferences(), ())
    write(folder, Preferences(volume=10))
    assert read(folder)[0].volume == 10
    (folder / FILE).write_bytes(b"\xff\xfe")
    assert "is no text" in read(folder)[1][0]
    (folder / FILE).write_text("#" * 70_000)
    assert "larger than 64 KiB" in read(folder)[1][0]


@pytest.mark.skipif(sys.platform == "win32", reason="a file where a folder should be, otherwise")
def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "unstick").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written: "):
        write(tmp_path / "unstick", Preferences())


@pytest.mark.parametrize(
    ("percent", "screen", "made"),
    [
        (100, (1920, 1080), TextScale(1.0, 100)),
        (200, (1920, 1080), TextScale(1.5, 133)),
        (200, (3840, 2160), TextScale(2.0, 100)),
        (200, (1280, 800), TextScale(1.0, 200)),
        (150, (1920, 1080), TextScale(1.5, 100)),
        (125, (1920, 1080), TextScale(1.25, 100)),
        (200, (0, 0), TextScale(1.0, 200)),
    ],
)
def test_text_gets_its_size_by_as_much_zoom_as_the_small_layout_allows(
    percent: int, screen: tuple[int, int], made: TextScale
) -> None:
    assert text_scale(percent, *screen) == made


@given(st.integers(100, 200), st.integers(0, 8000), st.integers(0, 5000))
def test_the_small_layout_always_fits_and_text_is_never_smaller_than_asked(
    percent: int, width: int, height: int
) -> None:
    made = text_scale(percent, width, height)
    assert 1 <= made.zoom <= 2
    assert made.zoom == 1 or (width / made.zoom >= 1280 and height / made.zoom >= 720)
    assert made.zoom * made.percent == pytest.approx(percent, abs=1)
