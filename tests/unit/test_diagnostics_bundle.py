"""`unstick doctor --bundle`: what is in it, and that no secret is, whatever lies around."""

from __future__ import annotations

import base64
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from teleop.censor import forms
from teleop.cli import app
from teleop.diagnostics_bundle import CONTENTS, READ_ME, Places, write_bundle
from teleop.doctor import Check
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, ROBOT_KEY, load_or_make
from teleop.public_key import fingerprint, key_of
from teleop.safety import ConfigError

ROBOT = key_of(bytes(range(1, 33)))
TURN_PASSWORD = "stamp-orange-7"
TURN_SECRET = "north windows are open"
CODE = "40716235"
TOKEN = "glpat-9aF_xW2Lq77TzkPpYv3d"
CHECKS = [Check("python", True, "3.11.7"), Check("disk", False, "/home/anna/x: 1 GiB", "free 2")]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A user's folders in which every file holds every secret, wherever text can stand."""
    home = tmp_path / "home" / "anna"
    found = Places(
        home / "config", home / "state", home / "episodes", home / "logs", home / "sessions", home
    )
    for folder in (found.config, found.state, found.logs, found.sessions):
        folder.mkdir(parents=True, mode=0o700)
    secrets = secrets_in(found)
    litter = "".join(f"# {form}\n" for one in secrets for form in (one, encoded(one)))
    (found.config / "ice.toml").write_text(
        f'{litter}[[turn]]\nurl = "turn:relay.example"\npassword = "{TURN_PASSWORD}"\n'
        f'[[turn]]\nsecret = "{TURN_SECRET}"\n'
    )
    known = found.config / KNOWN_ROBOTS
    known.write_text(
        f'{litter}[[robot]]\naddress = "10.0.0.7:7600"\nname = "rover-07"\nkey = "{ROBOT}"\n'
        "added = 2026-03-01\n"
    )
    known.chmod(0o600)
    (found.config / "profiles").mkdir()
    (found.config / "profiles" / "mine.toml").write_text(
        f'{litter}[for]\nrobot = "rover-07"\n[keys]\nmarker = ["F6"]\n'
    )
    (found.config / "profiles" / "bad.toml").write_text(f'[keys]\n"{secrets[0]}" = ["F6"]\n')
    (found.config / "preferences.toml").write_text(litter)
    (found.config / "console.json").write_text(json.dumps({"cameras": secrets}))
    (found.logs / "console-1.log").write_text(
        f"2026-03-01 14:29:51,123 INFO ui: front 62 ms\n{litter}"
        + "".join(f"link: password {one}, code={one} {one}\n" for one in secrets)
    )
    (found.sessions / "1.json").write_text(
        json.dumps({"video_age_ms": {"p50": 61.5}, "said": secrets, "more": {secrets[0]: 1}})
    )
    (found.sessions / "2.json").write_text(litter)
    return found


def secrets_in(places: Places) -> list[str]:
    return [
        load_or_make(places.config / CONSOLE_KEY).secret,
        load_or_make(places.state / ROBOT_KEY).secret,
        TURN_PASSWORD,
        TURN_SECRET,
        CODE,
        TOKEN,
    ]


def encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_no_byte_of_a_secret_is_in_it(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    write_bundle(path, CHECKS, places)
    inside = contents(path)
    told = "\n".join([*inside, *inside.values()])
    for secret in secrets_in(places):
        for form in forms(secret):
            assert form not in told
            assert form.encode() not in path.read_bytes()


def test_only_what_is_on_the_list_is_in_it(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    write_bundle(path, CHECKS, places)
    assert {name.partition("/")[0] for name in contents(path)} == {READ_ME, *CONTENTS}


def test_what_somebody_who_helps_needs_is_in_it(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    write_bundle(path, CHECKS, places)
    inside = contents(path)
    assert json.loads(inside["doctor.json"])[1]["found"] == "~/x: 1 GiB"
    assert json.loads(inside["robots.json"]) == [
        {"name": "rover-07", "address": "10.0.0.7:7600", "words": fingerprint(ROBOT)}
    ]
    bad, mine = json.loads(inside["profiles.json"])
    assert mine == {"file": "mine.toml", "for": {"robot": "rover-07"}, "changes": ["marker"]}
    assert "is not known" in bad["wrong"]
    assert "INFO ui: front 62 ms" in inside["logs/1.txt"]
    sessions = [json.loads(text) for name, text in inside.items() if name.startswith("sessions/")]
    assert any(one.get("video_age_ms") == {"p50": 61.5} for one in sessions)
    assert "unstick" in json.loads(inside["machine.json"])["versions"]


def test_it_says_what_is_inside_and_that_nothing_was_sent(places: Places, tmp_path: Path) -> None:
    said = write_bundle(tmp_path / "report.zip", CHECKS, places)
    assert all(name in said for name in CONTENTS)
    assert "Nothing was sent anywhere" in said


def test_its_home_is_called_by_no_name(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    checks = [Check("packages", True, f"{places.home}/src and /home/bob/src")]
    write_bundle(path, checks, places)
    assert "anna" not in "".join(contents(path).values())
    assert "bob" not in "".join(contents(path).values())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no modes")
def test_nobody_else_can_read_it(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    write_bundle(path, CHECKS, places)
    assert path.stat().st_mode & 0o077 == 0


def test_a_secret_that_would_be_in_it_prevents_it(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.censor.Censor.text", lambda self, text: text)
    path = tmp_path / "report.zip"
    with pytest.raises(ConfigError, match="so none was written"):
        write_bundle(path, [Check("keys", True, TURN_PASSWORD)], places)
    assert not path.exists()


def test_a_file_that_is_there_is_not_written_over(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="choose another name"):
        write_bundle(path, CHECKS, places)
    assert path.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(places: Places, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_bundle(tmp_path / "no" / "report.zip", CHECKS, places)


def test_a_machine_with_nothing_on_it_has_a_bundle_too(tmp_path: Path) -> None:
    none = tmp_path / "none"
    path = tmp_path / "report.zip"
    write_bundle(path, CHECKS, Places(none, none, none, none, none, tmp_path))
    assert json.loads(contents(path)["robots.json"]) == []


def test_files_of_somebody_else_and_hostile_ones_do_no_harm(places: Places, tmp_path: Path) -> None:
    (places.sessions / "3.json").write_text("[" * 100_000)
    (places.sessions / "4.json").write_bytes(os.urandom(4096))
    (places.logs / "console-2.log").write_bytes(os.urandom(4096))
    (places.logs / "console-3.log").symlink_to(places.config / CONSOLE_KEY)
    path = tmp_path / "report.zip"
    write_bundle(path, CHECKS, places)
    assert len([name for name in contents(path) if name.startswith("logs/")]) == 2


def test_the_command_writes_it(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.diagnostics_bundle.Places", lambda: places)
    monkeypatch.setattr("teleop.doctor.machine_checks", lambda: CHECKS[:1])
    path = tmp_path / "report.zip"
    done = CliRunner().invoke(app, ["doctor", "--bundle", str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert "Nothing was sent" in done.stderr
    assert "rover-07" in contents(path)["robots.json"]
