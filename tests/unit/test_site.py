"""A site's file either says what a limit can be, or the robot does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.provenance import Custody
from teleop.safety import RANGES, ConfigError, Limits
from teleop.site import VideoRates, load_custody, load_limits, load_video_rates


def written(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_count() -> None:
    assert load_limits(None) == Limits()


def test_what_the_site_leaves_out_is_the_robots_own_default(tmp_path: Path) -> None:
    arm = Limits(max_mps=0.25, hold_ms=150.0)
    assert load_limits(None, arm) == arm
    path = written(tmp_path, "[limits]\nhold_ms = 180.0\nworkspace = [0, -1, 0.02, 1, 1, 0.5]\n")
    limits = load_limits(path, arm)
    assert (limits.max_mps, limits.hold_ms) == (0.25, 180.0)
    assert limits.workspace == (0.0, -1.0, 0.02, 1.0, 1.0, 0.5)


def test_what_the_file_says_counts_and_the_rest_is_default(tmp_path: Path) -> None:
    text = "[limits]\nmax_mps = 0.3\nresume_on_loss = true\nworkspace = [-1, -2, 3.5, 4]\n"
    limits = load_limits(written(tmp_path, text))
    assert limits == Limits(max_mps=0.3, resume_on_loss=True, workspace=(-1.0, -2.0, 3.5, 4.0))


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize("value", ["0", "-1.0", "nan", "inf", "1e9", '"fast"', "true"])
def test_no_limit_can_be_switched_off_from_a_file(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=r"site\.toml"):
        load_limits(written(tmp_path, f"[limits]\n{name} = {value}\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limits]\nmax_speed = 1\n", "no limits.max_speed"),
        ("[limits]\nholdms = 150\n", "do you mean limits.hold_ms"),
        ("[limit]\n", "no limit; do you mean limits"),
        ("limits = 3\n", "must be a table"),
        ("[limits\n", "cannot be read"),
        ("[limits]\nworkspace = [0, 0, 1]\n", "workspace"),
        ("[limits]\nworkspace = [1, 0, 0, 1]\n", "is no box"),
        ("[limits]\nrequire_picture = 1\n", "require_picture"),
        ("[limits]\nhold_ms = 500\nlost_ms = 500\n", "lost_ms"),
    ],
)
def test_a_wrong_file_is_refused_and_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"site\.toml") as refused:
        load_limits(written(tmp_path, text))
    assert said in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_limits(tmp_path / "none.toml")


def test_the_rates_of_the_video_are_in_the_same_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[limits]\nmax_mps = 0.3\n[video]\nceiling_kbit = 1500\n")
    assert load_video_rates(path) == VideoRates(ceiling_kbit=1500)
    assert load_limits(path).max_mps == 0.3
    assert load_video_rates(None) == VideoRates()


@pytest.mark.parametrize(
    "text",
    ["floor_kbit = 0", "ceiling_kbit = 1e9", "floor_kbit = 900\nceiling_kbit = 800", "x = 1"],
)
def test_rates_that_cannot_be_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"site\.toml"):
        load_video_rates(written(tmp_path, f"[video]\n{text}\n"))


def test_what_may_be_done_with_the_data_is_in_the_same_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[recording]\nretention = "one year"\nlicence = "internal"\n')
    assert load_custody(path) == Custody(retention="one year", licence="internal")
    assert load_custody(None) == Custody()
    with pytest.raises(ConfigError, match=r"recording\.retention"):
        load_custody(written(tmp_path, '[recording]\nretentoin = "one year"\n'))
