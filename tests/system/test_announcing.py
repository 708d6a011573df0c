"""`unstick agent` tells the network that it is here, unless it is told to be silent."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from teleop import discovery
from teleop.discovery import Discovery
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.public_key import fingerprint
from tests.links.link_support import until
from tests.system.rig import agent, children_of, command_of
from transport.control_link import LOOPBACK


def announcers(pid: int) -> list[int]:
    return [child for child in children_of(pid) if "-m teleop announcer " in command_of(child)]


def test_an_agent_is_found_by_a_console_until_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "own_addresses", lambda: (LOOPBACK,))
    found = Discovery()
    with closing(found):
        found.start()
        with agent(tmp_path / "episodes", options=()) as robot:
            address = f"{LOOPBACK}:{robot.port}"

            def there() -> bool:
                return address in {one.address for one in found.neighbourhood().strangers}

            until(there, "it is found", 60.0)
            (seen,) = [s for s in found.neighbourhood().strangers if s.address == address]
            key = load_or_make(robot.state / ROBOT_KEY).public
            assert (seen.name, seen.kind, seen.words) == ("rover-01", "rover", fingerprint(key))
        until(lambda: not there(), "its good-bye is heard", 30.0)


def test_a_silent_agent_starts_nothing_that_announces_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for options, wanted in ((("--silent",), 0), ((), 1)):
        with agent(tmp_path / "episodes", log=log, options=options) as robot:
            until(lambda: "listens on" in log.read_text(), "it can be used", 60.0)
            assert len(announcers(robot.process.pid)) == wanted
