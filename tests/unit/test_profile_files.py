"""Which profile is in use: the most specific that fits, never one of two that are equally so."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleop.input_profile import Action, ProfileError, default_profile
from teleop.profile_files import (
    Controls,
    Profiles,
    profile_texts,
    put_away_profile,
    read_profile,
    save_profile,
)
from transport.messages import RobotKind


def write(folder: Path, name: str, **whom: str) -> Path:
    path = folder / f"{name}.toml"
    lines = "\n".join(f'{key} = "{value}"' for key, value in whom.items())
    path.write_text(f"[for]\n{lines}\n")
    return path


def best(folder: Path, operator: str, robot: str, gamepad: str) -> str:
    return Path(Profiles.read(folder).best(operator, robot, gamepad).source).stem


def test_without_profiles_the_defaults_are_in_use(tmp_path: Path) -> None:
    profiles = Profiles.read(tmp_path / "not there")
    assert profiles.best("op-1", "rover-01", "Xbox") is default_profile()


def test_the_most_specific_profile_counts(tmp_path: Path) -> None:
    write(tmp_path, "all three", operator="op-1", robot="rover-01", gamepad="Xbox")
    write(tmp_path, "operator and robot", operator="op-1", robot="rover-01")
    write(tmp_path, "operator and pad", operator="op-1", gamepad="Xbox")
    write(tmp_path, "robot and pad", robot="rover-01", gamepad="Xbox")
    write(tmp_path, "operator", operator="op-1")
    write(tmp_path, "robot", robot="rover-01")
    write(tmp_path, "pad", gamepad="Xbox")
    write(tmp_path, "longer pad", gamepad="Xbox Elite")
    write(tmp_path, "everybody")
    for whom, name in (
        (("op-1", "rover-01", "Xbox One"), "all three"),
        (("op-1", "rover-01", "Stadia"), "operator and robot"),
        (("op-1", "rover-02", "Xbox One"), "operator and pad"),
        (("op-2", "rover-01", "Xbox One"), "robot and pad"),
        (("op-1", "rover-02", "Stadia"), "operator"),
        (("op-2", "rover-01", "Stadia"), "robot"),
        (("op-2", "rover-02", "xbox 360"), "pad"),
        (("op-2", "rover-02", "Xbox Elite 2"), "longer pad"),
        (("op-2", "rover-02", ""), "everybody"),
        (("op-1", "", ""), "operator"),
    ):
        assert best(tmp_path, *whom) == name, whom


def test_two_profiles_for_the_same_are_refused_and_both_are_named(tmp_path: Path) -> None:
    write(tmp_path, "one", operator="op-1", gamepad="Xbox")
    write(tmp_path, "two", operator="op-1", gamepad="xbox")
    with pytest.raises(ProfileError) as caught:
        Profiles.read(tmp_path)
    assert "one.toml and " in str(caught.value)
    assert "two.toml are for the same operator, robot and gamepad" in str(caught.value)


def test_a_mistake_in_any_file_is_told_at_the_start(tmp_path: Path) -> None:
    write(tmp_path, "good", operator="op-1")
    (tmp_path / "bad.toml").write_text("[keys]\nmarker = 5\n")
    with pytest.raises(ProfileError, match=r"bad\.toml: keys\.marker must be"):
        Profiles.read(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"# " + b"x" * (64 << 10)])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(ProfileError, match=r"odd\.toml"):
        read_profile(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gone\.toml: cannot be read"):
        read_profile(tmp_path / "gone.toml")


def test_the_profile_in_use_follows_operator_robot_and_gamepad(tmp_path: Path) -> None:
    write(tmp_path, "rover", robot="rover-01")
    path = write(tmp_path, "pad", robot="rover-01", gamepad="Xbox")
    path.write_text(path.read_text() + '[keys]\nmarker = ["F6"]\n')
    controls = Controls(Profiles.read(tmp_path), "op-1")
    assert controls.profile is default_profile()
    controls.robot = "rover-01"
    assert Path(controls.profile.source).name == "rover.toml"
    controls.gamepad = "Xbox One"
    assert controls.profile.keys_of(Action.MARKER) == ("F6",)
    assert controls.profile is controls.profile
    controls.gamepad = ""
    assert Path(controls.profile.source).name == "rover.toml"


def test_an_arm_has_its_own_defaults_and_the_profiles_that_are_for_arms(tmp_path: Path) -> None:
    write(tmp_path, "everybody")
    write(tmp_path, "arms", kind="arm", operator="op-1")
    controls = Controls(Profiles.read(tmp_path), "op-1")
    assert Path(controls.profile.source).name == "everybody.toml"
    assert controls.profile.keys["A"] is Action.LEFT
    controls.kind = RobotKind.ARM
    assert Path(controls.profile.source).name == "arms.toml"
    assert controls.profile.keys["A"] is Action.SLIDE_LEFT
    controls.operator = "op-2"
    assert Path(controls.profile.source).name == "everybody.toml"
    assert controls.profile.keys["A"] is Action.SLIDE_LEFT
    assert Profiles().best("op-1", "arm-01", "", RobotKind.ARM) is default_profile(RobotKind.ARM)


def test_two_profiles_may_be_for_the_same_if_not_for_the_same_kind(tmp_path: Path) -> None:
    write(tmp_path, "rovers", kind="rover")
    write(tmp_path, "arms", kind="arm")
    Profiles.read(tmp_path)
    write(tmp_path, "both")
    with pytest.raises(ProfileError, match="are for the same operator, robot and gamepad"):
        Profiles.read(tmp_path)


# --- written by the editor ------------------------------------------------------------------------


def test_a_profile_is_saved_and_all_are_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    profiles = save_profile(folder, "mine", '[keys]\nmarker = ["F6"]\n', None)
    assert profiles.best("op-1", "rover-07", "").keys_of(Action.MARKER) == ("F6",)
    assert profile_texts(folder) == {"mine": '[keys]\nmarker = ["F6"]\n'}


def test_what_somebody_else_has_written_meanwhile_is_not_lost(tmp_path: Path) -> None:
    save_profile(tmp_path, "mine", "[keys]\n", None)
    (tmp_path / "mine.toml").write_text("[keys]\nmarker = ['F7']\n")
    for text in ("[keys]\n", None):
        with pytest.raises(ProfileError, match=r"changed by somebody else|exists already"):
            save_profile(tmp_path, "mine", "[keys]\nmarker = ['F6']\n", text)
    with pytest.raises(ProfileError, match="changed by somebody else"):
        put_away_profile(tmp_path, "mine", "[keys]\n")
    (tmp_path / "mine.toml").unlink()
    with pytest.raises(ProfileError, match="removed by somebody else"):
        save_profile(tmp_path, "mine", "[keys]\n", "[keys]\nmarker = ['F7']\n")
    assert profile_texts(tmp_path) == {}


def test_a_wrong_or_clashing_profile_is_not_written(tmp_path: Path) -> None:
    save_profile(tmp_path, "mine", "[keys]\n", None)
    with pytest.raises(ProfileError, match="for the same operator, robot and gamepad"):
        save_profile(tmp_path, "other", "[keys]\n", None)
    with pytest.raises(ProfileError, match="is not known"):
        save_profile(tmp_path, "wrong", "[kees]\n", None)
    assert list(profile_texts(tmp_path)) == ["mine"]


@pytest.mark.parametrize("name", ["", "../mine", "a/b", ".hidden", "x" * 41, "mine.", "a\nb"])
def test_a_name_that_is_no_file_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfileError, match="is no name for a profile"):
        save_profile(tmp_path, name, "[keys]\n", None)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "profiles").write_text("a file")
    with pytest.raises(ProfileError, match="cannot be written"):
        save_profile(tmp_path / "profiles", "mine", "[keys]\n", None)


def test_a_profile_that_was_put_away_can_be_taken_back(tmp_path: Path) -> None:
    save_profile(tmp_path, "mine", "[keys]\n", None)
    profiles = put_away_profile(tmp_path, "mine", "[keys]\n")
    assert profiles.best("op-1", "", "") is default_profile()
    assert (tmp_path / "mine.toml.bak").read_text() == "[keys]\n"


def test_controls_use_what_was_saved_at_once(tmp_path: Path) -> None:
    controls = Controls()
    assert controls.profile is default_profile()
    controls.use(save_profile(tmp_path, "mine", "[keys]\nmarker = ['F6']\n", None))
    assert controls.profile.keys_of(Action.MARKER) == ("F6",)
