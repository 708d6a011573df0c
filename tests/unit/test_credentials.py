"""What a console knocks with, from its config folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleop.both_ends import acquaint
from teleop.credentials import credentials_for
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.safety import ConfigError
from transport.messages import Role


def test_both_ends_know_each_other(tmp_path: Path) -> None:
    state, config = tmp_path / "robot", tmp_path / "console"
    made = acquaint(state, config, "rover.local:7600", "op-1", Role.SUPERVISOR)
    assert credentials_for(config, "Rover.local", 7600) == made
    assert made.robot == load_or_make(state / ROBOT_KEY).public
    (member,) = RosterFile(state / AUTHORIZED_KEYS).read().members
    assert (member.key, member.name, member.role) == (made.own.public, "op-1", Role.SUPERVISOR)


def test_a_console_has_one_key_for_all_its_robots_and_pins_each(tmp_path: Path) -> None:
    config = tmp_path / "console"
    first = acquaint(tmp_path / "a", config, "a:7600", "op-1")
    second = acquaint(tmp_path / "b", config, "b:7600", "op-1")
    assert first.own == second.own
    assert first.robot != second.robot
    assert credentials_for(config, "a", 7600) == first


@pytest.mark.parametrize("address", [("elsewhere", 7600), ("rover", 7601)])
def test_an_unknown_robot_is_answered_with_the_way_to_pair(
    tmp_path: Path, address: tuple[str, int]
) -> None:
    acquaint(tmp_path / "robot", tmp_path, "rover:7600", "op-1")
    with pytest.raises(ConfigError, match=f"{address[0]}:{address[1]}.*unstick pair"):
        credentials_for(tmp_path, *address)
