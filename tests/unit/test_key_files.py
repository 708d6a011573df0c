"""A machine's own key, and the robots a console knows."""

from __future__ import annotations

import datetime
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from teleop.key_files import KnownRobot, KnownRobots, load, load_or_make
from teleop.public_key import fingerprint, key_bytes
from teleop.safety import ConfigError
from transport.curve import new_key_pair

needs_modes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
TODAY = datetime.date(2025, 11, 20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "robot.key"


def test_a_key_is_made_once_and_stays(path: Path) -> None:
    assert load(path) is None
    made = load_or_make(path)
    assert load_or_make(path) == made
    assert load(path) == made


@needs_modes
def test_key_and_folder_are_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_make(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_processes_that_start_together_get_the_same_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        pairs = list(pool.map(lambda _: load_or_make(path), range(32)))
    assert len(set(pairs)) == 1
    assert [one.name for one in path.parent.iterdir()] == ["robot.key"]


def test_a_secret_left_half_written_by_a_crash_is_replaced_and_was_never_used(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    leftover = path.with_name("robot.key.tmp")
    leftover.write_text("public = ")
    leftover.chmod(0o644)
    load_or_make(path)
    assert not leftover.exists()
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or sys.platform == "win32"


@needs_modes
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_could_read_is_refused_with_the_command_that_mends_it(
    path: Path, mode: int
) -> None:
    made = load_or_make(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}") as error:
        load_or_make(path)
    assert made.secret not in str(error.value)
    path.chmod(0o600)
    assert load_or_make(path) == made


def test_every_damage_is_told_without_the_secret(path: Path) -> None:
    made = load_or_make(path)
    whole = path.read_text()
    public_line, secret_line = (
        f'{name} = "{getattr(made, name)}"' for name in ("public", "secret")
    )
    damages = [
        *(whole[:length] for length in range(0, len(whole) - 2, 7)),
        whole.replace(secret_line, secret_line.replace(" = ", "")),
        whole.replace(secret_line, ""),
        whole.replace(public_line, ""),
        whole.replace(made.secret, made.secret[:-1]),
        whole.replace(made.secret, "#" * 40),
        whole.replace(made.public, new_key_pair().public),  # two halves of different pairs
        whole + "more = 1\n",
        whole + whole,
        "\ufeff" + whole,
    ]
    for damage in damages:
        path.write_text(damage)
        with pytest.raises(ConfigError, match="damaged") as error:
            load_or_make(path)
        assert str(path) in str(error.value)
        assert made.secret[:-1] not in str(error.value)
        assert path.read_text() == damage, "a damaged key is the owner's to delete"


def test_the_secret_is_not_shown_with_the_pair(path: Path) -> None:
    made = load_or_make(path)
    assert made.secret not in repr(made)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        load_or_make(tmp_path / "file" / "keys" / "robot.key")


# --- fingerprints ---


def test_a_key_is_read_as_the_standard_says() -> None:
    # The example of ZeroMQ RFC 32, four times.
    assert key_bytes("HelloWorld" * 4) == bytes.fromhex("864fd26fb559f75b") * 4


def test_a_fingerprint_is_the_first_66_bits_of_sha_256_in_words() -> None:
    # SHA-256 of 32 zero bytes begins 66687aad f862bd77 6c: 819, 542, 1371, 1926, 350, 1501.
    assert fingerprint("0" * 40) == "grid duck problem valid cloth roof"


def test_another_key_has_another_fingerprint() -> None:
    assert len({fingerprint(new_key_pair().public) for _ in range(50)}) == 50


# --- known robots ---


def robot(address: str = "10.0.0.7:7600", name: str = "rover-01") -> KnownRobot:
    return KnownRobot(address, name, new_key_pair().public, TODAY)


@pytest.fixture
def known(tmp_path: Path) -> KnownRobots:
    return KnownRobots(tmp_path / "keys" / "known_robots.toml")


def test_a_console_knows_no_robot_at_first(known: KnownRobots) -> None:
    assert known.read() == ()
    assert known.at("10.0.0.7:7600") is None


def test_a_pinned_robot_is_known_by_its_address(known: KnownRobots) -> None:
    rover, other = robot(), robot("10.0.0.8:7600", "rover-02")
    known.pin(rover)
    known.pin(other)
    assert known.at(rover.address) == rover
    assert known.read() == (rover, other)


def test_pinning_again_replaces_the_key_of_that_address(known: KnownRobots) -> None:
    known.pin(robot())
    again = robot()
    known.pin(again)
    assert known.read() == (again,)


def test_a_forgotten_robot_is_unknown(known: KnownRobots) -> None:
    rover = robot()
    known.pin(rover)
    assert known.forget(rover.address) == rover
    assert known.read() == ()


def test_forgetting_an_unknown_address_says_which_are_known(known: KnownRobots) -> None:
    known.pin(robot())
    with pytest.raises(ConfigError, match=r"10\.0\.0\.7:7600"):
        known.forget("10.0.0.9:7600")


@needs_modes
def test_the_list_of_robots_is_private_and_refused_otherwise(known: KnownRobots) -> None:
    known.pin(robot())
    assert stat.S_IMODE(known.path.stat().st_mode) == 0o600
    known.path.chmod(0o666)
    with pytest.raises(ConfigError, match=f"chmod 600 {known.path}"):
        known.read()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[robot]\n", "line 1"),
        ("[[robot]]\naddress = 'a:1'\n", "robot 1"),
        ("[[robot]]\naddress='a:1'\nname='r'\nkey='k'\nadded=2025-01-01\n", "the key of a:1"),
        (2 * f"[[robot]]\naddress='a:1'\nname='r'\nkey='{'0' * 40}'\nadded=2025-01-01\n", "twice"),
    ],
)
def test_a_malformed_list_is_named_with_the_place(
    known: KnownRobots, content: str, said: str
) -> None:
    known.path.parent.mkdir(mode=0o700)
    known.path.touch(0o600)
    known.path.write_text(content)
    with pytest.raises(ConfigError, match=said) as error:
        known.read()
    assert str(known.path) in str(error.value)
