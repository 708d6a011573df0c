"""Profiles on disk, and which of them is in use.

One file per profile in the user's `profiles` folder, named at will: whom it is for stands inside.
The most specific file that fits counts as a whole; what it does not say comes from the defaults.
All files are checked at the start, so that a mistake is told before anybody drives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorder.durable import write_atomically
from teleop.input_profile import Profile, ProfileError, default_profile, parse_profiles
from teleop.pad_mapping import PadReading
from transport.messages import RobotKind

LIMIT_BYTES: Final = 64 << 10  # the complete default profile has three thousand


def profiles_folder() -> Path:
    """Where this user's profiles live."""
    import platformdirs

    return Path(platformdirs.user_config_dir("unstick", appauthor=False)) / "profiles"


def read_profile(path: Path) -> tuple[Profile, ...]:
    """One file: a profile for each kind of robot that it is for.

    Raises:
        ProfileError: it cannot be read, or is wrong; the message names the file.
    """
    return parse_profiles(_text_of(path), str(path))


class Profiles:
    """All profiles of this user."""

    def __init__(self, own: Sequence[Profile] = ()) -> None:
        """Raises `ProfileError` when two are for the same operator, robot and gamepad."""
        self._own = tuple(own)
        seen: dict[tuple[str, str, str, str], str] = {}
        for profile in self._own:
            whom = (profile.kind, profile.operator, profile.robot, profile.gamepad.casefold())
            if whom in seen:
                raise ProfileError(
                    f"{seen[whom]} and {profile.source} are for the same operator, robot and "
                    "gamepad: remove one, or change its [for]"
                )
            seen[whom] = profile.source

    @classmethod
    def read(cls, folder: Path) -> Profiles:
        """All `*.toml` of a folder; a folder that is not there holds none.

        Raises:
            ProfileError: one of them is wrong.
        """
        files = sorted(folder.glob("*.toml"))
        return cls([profile for path in files for profile in read_profile(path)])

    def best(
        self, operator: str, robot: str, gamepad: str, kind: RobotKind = RobotKind.ROVER
    ) -> Profile:
        """The most specific profile that fits: by how many it names, then operator before robot
        before gamepad, then the longer part of the gamepad's name."""

        def fits(profile: Profile) -> bool:
            return (
                profile.kind is kind
                and profile.operator in ("", operator)
                and profile.robot in ("", robot)
                and profile.gamepad.casefold() in gamepad.casefold()
            )

        def rank(profile: Profile) -> tuple[int, bool, bool, int]:
            named = (profile.operator, profile.robot, profile.gamepad)
            return (
                sum(map(bool, named)),
                bool(profile.operator),
                bool(profile.robot),
                len(profile.gamepad),
            )

        return max(filter(fits, self._own), key=rank, default=default_profile(kind))


def profile_texts(folder: Path) -> dict[str, str]:
    """The profiles of a folder as they stand there, by name: that of the file without `.toml`.

    Raises:
        ProfileError: one of them cannot be read.
    """
    paths = sorted(folder.glob("*.toml"), key=lambda path: path.stem.casefold())
    return {path.stem: _text_of(path) for path in paths}


def save_profile(folder: Path, name: str, text: str, before: str | None) -> Profiles:
    """Write a profile, and read all of them again. `before` is what the file held when it was
    opened, None for one that is new.

    Raises:
        ProfileError: it is wrong, clashes with another one, somebody else has changed the file
            meanwhile, or the disk refuses; then all is as it was.
    """
    path = folder / f"{name}.toml"
    check_name(name)
    _unchanged(path, before)
    others = [one for one in sorted(folder.glob("*.toml")) if one != path]
    read = [profile for one in others for profile in read_profile(one)]
    profiles = Profiles([*read, *parse_profiles(text, str(path))])
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        raise ProfileError(f"{path} cannot be written: {error.strerror}") from None
    return profiles


def rename_profile(folder: Path, name: str, new_name: str, before: str) -> None:
    """Give a profile another name.

    Raises:
        ProfileError: it is no name, or taken, or somebody else has changed the file meanwhile.
    """
    path, target = folder / f"{name}.toml", folder / f"{new_name}.toml"
    check_name(new_name)
    _unchanged(path, before)
    _unchanged(target, None)
    try:
        path.rename(target)
    except OSError as error:
        raise ProfileError(f"{path} cannot be renamed: {error.strerror}") from None


def put_away_profile(folder: Path, name: str, before: str) -> Profiles:
    """Take a profile out of use: its file stays beside the others as `NAME.toml.bak`.

    Raises:
        ProfileError: somebody else has changed it meanwhile, or the disk refuses.
    """
    path = folder / f"{name}.toml"
    _unchanged(path, before)
    try:
        path.replace(path.with_name(f"{path.name}.bak"))
    except OSError as error:
        raise ProfileError(f"{path} cannot be removed: {error.strerror}") from None
    return Profiles.read(folder)


def check_name(name: str) -> None:
    """Raises `ProfileError` when no file should be called so."""
    if not re.fullmatch(r"\w[\w .-]{0,39}", name) or name.endswith((".", " ")):
        raise ProfileError(
            f"{name!r} is no name for a profile: 1 to 40 letters, digits, spaces, . _ -"
        )


def _unchanged(path: Path, before: str | None) -> None:
    now = _text_of(path) if path.exists() else None
    if now == before:
        return
    if before is None:
        raise ProfileError(f"{path} exists already; give the new profile another name")
    what = "removed" if now is None else "changed"
    raise ProfileError(
        f"{path} has been {what} by somebody else since it was opened here; read it again, "
        "or save yours under another name"
    )


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise ProfileError(f"{path}: larger than {LIMIT_BYTES >> 10} KiB, this is no profile")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: cannot be read: {error}") from None


@dataclass(frozen=True)
class PadSeen:
    """One gamepad, as the operator is told about it."""

    name: str
    active: bool = False
    skipped: str = ""  # why it is not used; empty: it may be chosen


class Controls:
    """Which profile is in use now. The window knows the robot, the pad's thread the gamepad;
    each sets its own attribute, any thread may ask for the profile."""

    def __init__(self, profiles: Profiles | None = None, operator: str = "") -> None:
        self._profiles = profiles or Profiles()
        self._found: tuple[tuple[str, str, str, RobotKind], Profiles, Profile] | None = None
        self.operator = operator
        self.robot = ""
        self.kind = RobotKind.ROVER  # until the robot has said what it is
        self.gamepad = ""
        self.pads: tuple[PadSeen, ...] = ()  # as the pad's thread saw them last
        # While it is set, pads do not drive and their buttons do nothing but STOP: their number,
        # name and every reading go there instead. Called on the pad's thread.
        self.listener: Callable[[int, str, PadReading], None] | None = None

    def use(self, profiles: Profiles) -> None:
        """Other profiles from now on."""
        self._profiles = profiles

    @property
    def profile(self) -> Profile:
        """The profile for this operator, robot and gamepad."""
        whom = (self.operator, self.robot, self.gamepad, self.kind)
        found, profiles = self._found, self._profiles
        if found is None or found[0] != whom or found[1] is not profiles:
            found = self._found = (whom, profiles, profiles.best(*whom))
        return found[2]
