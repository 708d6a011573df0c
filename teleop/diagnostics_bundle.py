"""`unstick doctor --bundle FILE.zip`: what somebody who helps has to know, without secrets.

What may go in is a closed list, the names in `CONTENTS`: each part is made here from values of
known kinds, no file is copied. Whatever text is in it has passed the `Censor`, and the whole is
searched once more for the secrets of this machine before it is written. Nothing is ever sent.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recorder.durable import write_atomically
from teleop.censor import Censor
from teleop.input_profile import ProfileError
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, ROBOT_KEY, KnownRobots
from teleop.profile_files import read_profile
from teleop.public_key import fingerprint
from teleop.safety import ConfigError
from teleop.user_folders import (
    default_config,
    default_episodes,
    default_logs,
    default_sessions,
    default_state,
)

if TYPE_CHECKING:
    from teleop.doctor import Check

READ_ME: Final = "README.txt"
CONTENTS: Final = {
    "doctor.json": "what `unstick doctor` says of this machine: graphics, codec, window, keys",
    "machine.json": "versions, system, settings of the window system, free disk",
    "profiles.json": "profiles of keys and buttons: whom each is for, and what it changes",
    "robots.json": "robots this console knows: name, address, the six words of their public keys",
    "logs": "the last lines of the last logs",
    "sessions": "the figures of the last sessions",
}
PACKAGES: Final = (
    *("unstick", "PySide6-Essentials", "PySide6-Addons", "pysdl2", "pysdl2-dll", "av", "aiortc"),
    *("pyzmq", "msgspec", "numpy", "mcap", "pyarrow", "mujoco-core", "typer", "rich"),
)
# Names of the environment that decide which window system and graphics are used; no other is read.
SETTINGS: Final = (
    *("XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM"),
    *("QT_SCALE_FACTOR", "MUJOCO_GL", "LIBGL_ALWAYS_SOFTWARE", "LANG", "UNSTICK_LOG"),
)
LAST_LOGS: Final = 3
LAST_LINES: Final = 300
LAST_SESSIONS: Final = 5
TAIL_BYTES: Final = 256 << 10
LIMIT_BYTES: Final = 1 << 20  # of a session's figures, or of a file that may hold a secret
MODE: Final = 0o600
_DEEPEST: Final = 4
_SECRET_VALUE: Final = re.compile(r"(?:secret|password)\s*=\s*[\"']([^\"'\n]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """The folders that are looked into; those of whoever runs the program unless given."""

    config: Path = field(default_factory=default_config)
    state: Path = field(default_factory=default_state)
    episodes: Path = field(default_factory=default_episodes)
    logs: Path = field(default_factory=default_logs)
    sessions: Path = field(default_factory=default_sessions)
    home: Path = field(default_factory=Path.home)


def write_bundle(path: Path, checks: Iterable[Check], places: Places | None = None) -> str:
    """Write it to `path`, readable for its owner only; returns what is inside, for people.

    Raises:
        ConfigError: there is such a file already, it cannot be written, or a secret would have been
            in it (nothing is written then).
    """
    places = places or Places()
    if path.exists():
        raise ConfigError(f"{path} exists already; choose another name for the bundle")
    censor = Censor(secrets_of(places), str(places.home))
    parts = dict(bundle_parts(checks, places, censor))
    for name, text in parts.items():
        if censor.reveals(text) or censor.reveals(name):
            raise ConfigError(
                f"a secret of this machine would have been in {name.partition('/')[0]} of the "
                "bundle, so none was written. Please report this as a fault"
            )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            # A stamp of its own would be the local time, which says where somebody is.
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    try:
        write_atomically(path, packed.getvalue(), MODE)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    inside = "".join(f"  {name}: {what}\n" for name, what in CONTENTS.items())
    return (
        f"{path} has been written, {len(packed.getvalue()) >> 10} KiB. Inside:\n{inside}"
        "No keys, passwords or codes, no pictures, no episodes. Nothing was sent anywhere: look "
        "into it, then pass it on yourself."
    )


def bundle_parts(
    checks: Iterable[Check], places: Places, censor: Censor
) -> Iterator[tuple[str, str]]:
    """Names within the bundle and their texts."""
    heading = "What is in this bundle of `unstick doctor --bundle`:\n\n"
    lines = "".join(f"{name}: {what}\n" for name, what in CONTENTS.items())
    hidden = "\nWhat could be a secret has been replaced by […], your home folder by ~.\n"
    yield READ_ME, heading + lines + hidden
    yield "doctor.json", _json([asdict(check) for check in checks], censor)
    yield "machine.json", _json(_machine(places), censor)
    yield "profiles.json", _json(_profiles(places.config / "profiles"), censor)
    yield "robots.json", _json(_robots(places.config / KNOWN_ROBOTS), censor)
    for number, path in enumerate(_newest(places.logs, "*.log*", LAST_LOGS), start=1):
        yield f"logs/{number}.txt", censor.text(_tail(path))
    for number, path in enumerate(_newest(places.sessions, "*.json", LAST_SESSIONS), start=1):
        yield f"sessions/{number}.json", _json(_figures(path), censor)


def secrets_of(places: Places) -> frozenset[str]:
    """The secrets that lie in this machine's files, damaged or open ones too."""
    found: set[str] = set()
    for folder, names in (
        (places.config, (str(CONSOLE_KEY), "*.toml", "keys/*")),
        (places.state, (str(ROBOT_KEY), "*.toml", "keys/*")),
    ):
        for path in {path for name in names for path in folder.glob(name)}:
            found |= set(_SECRET_VALUE.findall(_read(path, LIMIT_BYTES)))
    return frozenset(found)


def _json(content: object, censor: Censor) -> str:
    return json.dumps(_censored(content, censor), indent=1, ensure_ascii=False) + "\n"


def _censored(value: object, censor: Censor) -> object:
    if isinstance(value, str):
        return censor.text(value)
    if isinstance(value, Mapping):
        return {censor.text(str(name)): _censored(each, censor) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_censored(each, censor) for each in value]
    return value


def _machine(places: Places) -> dict[str, Any]:
    return {
        "versions": {"python": platform.python_version()}
        | {name: found for name in PACKAGES if (found := _version(name))},
        "system": {
            "name": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
            "processors": os.cpu_count(),
        },
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
        "free_gib": {
            name: round(_free(folder) / 2**30, 1)
            for name, folder in (("episodes", places.episodes), ("config", places.config))
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _profiles(folder: Path) -> list[dict[str, Any]]:
    """Each as it was understood, not as it was written: there may be anything in a comment."""
    from teleop.doctor import changed_by, whom_for

    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            profiles = read_profile(path)
        except ProfileError as error:
            found.append({"file": path.name, "wrong": str(error)})
            continue
        changed = sorted({what for each in profiles for what in changed_by(each)})
        found.append({"file": path.name, "for": whom_for(profiles), "changes": changed})
    return found


def _robots(path: Path) -> list[dict[str, str]]:
    try:
        robots = KnownRobots(path).read()
    except ConfigError as error:
        return [{"wrong": str(error)}]
    return [
        {"name": one.name, "address": one.address, "words": fingerprint(one.key)} for one in robots
    ]


def _newest(folder: Path, pattern: str, count: int) -> list[Path]:
    files = [path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink()]
    return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)[:count]


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = stream.read(TAIL_BYTES).decode(errors="replace").splitlines()
    except OSError as error:
        return f"cannot be read: {error.strerror}\n"
    return "\n".join(lines[-LAST_LINES:]) + "\n"


def _figures(path: Path) -> object:
    """Names and numbers of a session's report; of texts nothing."""
    try:
        found = json.loads(_read(path, LIMIT_BYTES))
    except (ValueError, RecursionError):
        return {"wrong": "is no report of a session"}
    return _numbers(found, _DEEPEST)


def _numbers(value: object, depth: int) -> object:
    if isinstance(value, dict) and depth:
        return {str(name): _numbers(each, depth - 1) for name, each in value.items()}
    if isinstance(value, list) and depth:
        return [_numbers(each, depth - 1) for each in value]
    return value if isinstance(value, int | float) and abs(value) < 1e7 else None


def _read(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(limit).decode(errors="replace")
    except OSError:
        return ""
