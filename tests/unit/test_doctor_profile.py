"""`unstick doctor --profile FILE`: what a profile does, or all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from teleop.cli import app


def test_the_doctor_tells_what_a_profile_is_for_and_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    whom = '[for]\noperator = "op-1"\ngamepad = "Xbox"\n'
    path.write_text(whom + '[keys]\nmarker = "F6"\n[gamepad]\nexpo = 0\n')
    done = CliRunner().invoke(app, ["doctor", "--profile", str(path), "--json"])
    assert done.exit_code == 0
    assert "for operator op-1, gamepad Xbox; changes gamepad, marker" in done.stdout


def test_the_doctor_tells_all_that_is_wrong_with_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[keys]\nforwrd = "W"\n[gamepad]\ndead_zone = 0\n')
    done = CliRunner().invoke(app, ["doctor", "--profile", str(path), "--json"])
    assert done.exit_code == 1
    assert "keys.forwrd is not known; did you mean forward?" in done.stdout
    assert "gamepad.dead_zone must be a number from 0.02 to 0.4, not 0" in done.stdout
