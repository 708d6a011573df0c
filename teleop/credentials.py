"""What a console knocks with: its own key, and the robot's as it was pinned when they paired."""

from __future__ import annotations

from pathlib import Path

from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, KnownRobots, load_or_make
from teleop.safety import ConfigError
from transport.curve import Credentials


def credentials_for(config: Path, host: str, port: int) -> Credentials:
    """The credentials for the robot at this address, from a console's config folder.

    Raises:
        ConfigError: no robot at that address is known, or a file of keys cannot be used.
    """
    address = f"{host.lower()}:{port}"
    known = KnownRobots(config / KNOWN_ROBOTS).at(address)
    if known is None:
        raise ConfigError(
            f"this console does not know the robot at {address} yet. Pair with it first: run "
            f"`unstick pair` on the robot, then here what it shows: unstick pair 'LINK'"
        )
    return Credentials(load_or_make(config / CONSOLE_KEY), known.key)
