"""Who is admitted: the list, its file, and a file that is not as it should be."""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path

import pytest

from teleop.roster import LOOK_MS, Member, Roster, RosterFile
from teleop.safety import ConfigError
from transport.clock import NS_PER_MS
from transport.curve import new_key_pair
from transport.messages import Role

LOOK_NS = LOOK_MS * NS_PER_MS
needs_modes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")


def somebody(name: str, role: Role = Role.OPERATOR) -> Member:
    return Member(new_key_pair().public, name, role)


ANNA = somebody("anna")
BEN = somebody("ben", Role.OBSERVER)


@pytest.fixture
def file(tmp_path: Path) -> RosterFile:
    return RosterFile(tmp_path / "keys" / "authorized_keys.toml")


# --- the list ---


def test_a_member_is_found_by_key_and_a_stranger_is_not() -> None:
    roster = Roster([ANNA])
    assert roster.member_of(ANNA.key) == ANNA
    assert roster.member_of(BEN.key) is None


def test_two_members_cannot_have_one_key() -> None:
    with pytest.raises(ConfigError, match="anna and bob have the same key"):
        Roster([ANNA, Member(ANNA.key, "bob", Role.OPERATOR)])


def test_two_members_cannot_have_one_name_in_whatever_case() -> None:
    with pytest.raises(ConfigError, match="names must differ"):
        Roster([ANNA, somebody("Anna")])


@pytest.mark.parametrize("key", ["", "short", "\u00e4" * 40, " " * 40, "#" * 40, ANNA.key + "0"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="key of eve"):
        Roster([Member(key, "eve", Role.OPERATOR)])


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\u202eb", " anna", "a\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not a name"):
        Roster([somebody(name)])


def test_the_same_key_again_gets_the_new_name_and_role() -> None:
    promoted = Member(ANNA.key, "anna", Role.SUPERVISOR)
    assert Roster([ANNA, BEN]).with_member(promoted).members == (BEN, promoted)


def test_a_taken_name_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="unstick keys revoke anna"):
        Roster([ANNA]).with_member(somebody("ANNA"))


def test_revoking_somebody_unknown_says_who_is_known() -> None:
    with pytest.raises(ConfigError, match="anna, ben"):
        Roster([ANNA, BEN]).without("carl")


# --- the file ---


def test_without_a_file_nobody_is_known(file: RosterFile) -> None:
    assert file.read() == Roster()
    assert file.refreshed(0) == Roster()


def test_what_was_added_is_read_back_with_its_date(file: RosterFile) -> None:
    file.add(ANNA)
    file.add(BEN)
    anna, ben = file.read().members
    assert (anna.key, anna.name, anna.role) == (ANNA.key, "anna", Role.OPERATOR)
    assert ben.role is Role.OBSERVER
    assert ben.added is not None


def test_a_consent_written_into_the_file_survives_the_next_change(file: RosterFile) -> None:
    file.add(ANNA)
    text = file.path.read_text(encoding="utf-8")
    file.path.write_text(text.rstrip() + '\nconsent = "form 2026-03"\n', encoding="utf-8")
    file.add(BEN)
    assert [one.consent for one in file.read().members] == ["form 2026-03", ""]


def test_a_revoked_key_is_gone_and_the_others_stay(file: RosterFile) -> None:
    file.add(ANNA)
    file.add(BEN)
    assert file.revoke("Anna").key == ANNA.key
    assert [one.name for one in file.read().members] == ["ben"]


@needs_modes
def test_file_and_folder_are_private_whatever_the_umask(file: RosterFile) -> None:
    before = os.umask(0)
    try:
        file.add(ANNA)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


@needs_modes
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602, 0o604])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_mends_it(
    file: RosterFile, mode: int
) -> None:
    file.add(ANNA)
    file.path.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {file.path}"):
        file.read()
    with pytest.raises(ConfigError, match="chmod 600"):
        file.add(BEN)


@needs_modes
def test_a_folder_that_others_can_change_is_refused(file: RosterFile) -> None:
    file.add(ANNA)
    file.path.parent.chmod(0o770)
    with pytest.raises(ConfigError, match=f"chmod 700 {file.path.parent}"):
        file.read()
    with pytest.raises(ConfigError, match="chmod 700"):
        file.revoke("anna")


def entry(name: str = "anna", key: str = ANNA.key, role: str = "operator", more: str = "") -> str:
    return (
        f'[[member]]\nname = "{name}"\nrole = "{role}"\nkey = "{key}"\nadded = 2025-11-20\n{more}'
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[member]\n", "line 1"),
        (entry() + "name = 'again'\n", "line 6"),
        (entry() + entry("ben", role="boss", key=BEN.key), "member 2 (ben)"),
        (entry(role="boss"), "observer, operator, supervisor, maintenance"),
        (entry(more="colour = 'red'\n"), "colour"),
        (entry(more="[surprise]\n"), "surprise"),
        ("[member]\nname = 'anna'\n", "double brackets"),
        ("member = ['anna']\n", "member 1"),
        (entry(key="nonsense"), "the key of anna"),
        (entry() + entry("ben"), "anna and ben have the same key"),
        (entry() + entry(key=BEN.key), "anna is there twice"),
        (entry(name=""), "not a name"),
        ('[[member]]\nname = "anna"\n', "missing required field"),
    ],
)
def test_a_malformed_file_is_named_with_the_place(
    file: RosterFile, content: str, said: str
) -> None:
    write(file, content)
    with pytest.raises(ConfigError) as error:
        file.read()
    assert str(file.path) in str(error.value)
    assert said in str(error.value)


def test_bytes_that_are_no_text_are_refused(file: RosterFile) -> None:
    file.path.parent.mkdir(mode=0o700)
    file.path.touch(0o600)
    file.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"authorized_keys\.toml"):
        file.read()


def write(file: RosterFile, content: str) -> None:
    """As a person with an editor does."""
    file.path.parent.mkdir(mode=0o700, exist_ok=True)
    file.path.touch(0o600)
    file.path.write_text(content)


# --- while the robot runs ---


def test_a_change_is_seen_at_the_next_look_and_not_before(file: RosterFile) -> None:
    file.add(ANNA)
    assert file.refreshed(0).member_of(ANNA.key) is not None
    RosterFile(file.path).revoke("anna")
    assert file.refreshed(LOOK_NS - 1).member_of(ANNA.key) is not None
    assert file.refreshed(LOOK_NS).member_of(ANNA.key) is None


def test_the_first_key_is_seen_although_there_was_no_file(file: RosterFile) -> None:
    file.read()
    assert file.refreshed(0) == Roster()
    RosterFile(file.path).add(ANNA)
    assert file.refreshed(LOOK_NS).member_of(ANNA.key) is not None


def test_an_unchanged_file_is_not_read_again(
    file: RosterFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.add(ANNA)
    file.read()
    reads: list[Path] = []
    monkeypatch.setattr("teleop.roster.read_entries", lambda path, *_: reads.append(path))
    for look in range(20):
        file.refreshed(look * LOOK_NS)
    assert reads == []


def broken(file: RosterFile) -> None:
    write(file, "[[member]\n")


def gone(file: RosterFile) -> None:
    file.path.unlink()


def opened(file: RosterFile) -> None:
    file.path.chmod(0o644)


@pytest.mark.parametrize("spoil", [broken, gone, pytest.param(opened, marks=needs_modes)])
def test_a_spoilt_file_keeps_those_admitted_admits_nobody_new_and_is_logged_once(
    file: RosterFile, caplog: pytest.LogCaptureFixture, spoil: object
) -> None:
    assert callable(spoil)
    file.add(ANNA)
    file.refreshed(0)
    spoil(file)
    with caplog.at_level(logging.WARNING, "keys"):
        for look in range(1, 6):
            roster = file.refreshed(look * LOOK_NS)
            assert [one.name for one in roster.members] == ["anna"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert str(file.path) in caplog.text
    assert "nobody new is admitted" in caplog.text


def test_a_mended_file_counts_again_and_that_is_logged_once(
    file: RosterFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.add(ANNA)
    file.refreshed(0)
    broken(file)
    file.refreshed(LOOK_NS)
    caplog.clear()
    write(file, entry("ben", BEN.key))
    with caplog.at_level(logging.WARNING, "keys"):
        for look in range(2, 5):
            roster = file.refreshed(look * LOOK_NS)
    assert [one.name for one in roster.members] == ["ben"]
    assert [record.message for record in caplog.records] == [f"{file.path} can be read again"]
