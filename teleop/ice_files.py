"""The file in which a site names its STUN and TURN servers; private, for it may hold a secret."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from teleop.private_files import read_private
from teleop.safety import ConfigError
from transport.ice_servers import NO_SERVERS, IceFault, IceServers, ice_servers

ICE_FILE: Final = "ice.toml"  # in a console's config folder


def read_ice(path: Path) -> IceServers:
    """The servers that the file names.

    Raises:
        ConfigError: it is missing, open to other users, no TOML, or names what no server can be.
    """
    try:
        content = read_private(path)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; write it, or leave --ice out") from None
    try:
        return ice_servers(tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IceFault) as error:
        raise ConfigError(f"{path}: {error}") from None


def console_ice(config: Path, chosen: Path | None) -> IceServers:
    """A console's servers: those of the file that was chosen, else of its config folder, else none.

    Raises:
        ConfigError: see `read_ice`.
    """
    if chosen is not None:
        return read_ice(chosen)
    usual = config / ICE_FILE
    return read_ice(usual) if usual.exists() else NO_SERVERS
