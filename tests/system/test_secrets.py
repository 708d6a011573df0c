"""What must stay where it is: no key, password or secret in the log of a robot or in an episode."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from recorder.library import list_episodes
from recorder.log import LogReader
from teleop.key_files import CONSOLE_KEY, ROBOT_KEY, load
from teleop.private_files import write_private
from tests.system.rig import agent, hand
from transport.control_link import LOOPBACK
from transport.messages import HandBack, MarkOutcome, Outcome

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="finds the processes through Linux's /proc"
)
PASSWORD = "canary-of-the-password"
SECRET = "canary-of-the-shared-secret"


def test_no_secret_is_in_the_robots_log_or_in_an_episode(tmp_path: Path) -> None:
    log, episodes, ice = tmp_path / "log", tmp_path / "episodes", tmp_path / "site" / "ice.toml"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))  # a relay that never answers: there is something to log
        relay = f"turn:{LOOPBACK}:{silent.getsockname()[1]}"
        write_private(
            ice,
            f'[[server]]\nurls = "{relay}"\nusername = "robot"\npassword = "{PASSWORD}"\n'
            f'[[server]]\nurls = "{relay}"\nusername = "robot"\nsecret = "{SECRET}"\n'.encode(),
        )
        with agent(episodes, calls=True, log=log, options=("--silent", "--ice", str(ice))) as robot:
            with hand(robot) as operator:
                operator.take_over()
                operator.drive_back()
                epoch = operator.state().lease.epoch
                operator.link.request(MarkOutcome(epoch=epoch, outcome=Outcome.SUCCESS))
                operator.link.request(HandBack(epoch=epoch))
                operator.wait(lambda _: list_episodes(episodes), "an episode is sealed")
            canaries = [PASSWORD, SECRET]
            for path in (robot.state / ROBOT_KEY, robot.config("op-1") / CONSOLE_KEY):
                pair = load(path)
                assert pair is not None
                canaries.append(pair.secret)
    told = log.read_text()
    assert "mode READY to TELEOP" in told, "the log was looked at"
    assert "ice-pwd" not in told
    episode, *_ = list_episodes(episodes)
    kept = b"".join(message.data for message in LogReader(episode / "log.mcap").messages())
    assert b"teleop" in kept.lower(), "the episode was looked at"
    kept += b"".join(path.read_bytes() for path in episode.rglob("*") if path.is_file())
    for canary in canaries:
        assert canary not in told
        assert canary.encode() not in kept
