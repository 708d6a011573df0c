"""Profiles on disk, and which of them is in use.

One file per profile in the user's `profiles` folder, named at will: whom it is for stands inside.
The most specific file that fits counts as a whole; what it does not say comes from the defaults.
All files are checked at the start, so that a mistake is told before anybody drives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teleop.input_profile import Profile, ProfileError, default_profile, parse_profiles
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
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise ProfileError(f"{path}: larger than {LIMIT_BYTES >> 10} KiB, this is no profile")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: cannot be read: {error}") from None
    return parse_profiles(text, str(path))


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
        self._found: tuple[tuple[str, str, str, RobotKind], Profile] | None = None
        self.operator = operator
        self.robot = ""
        self.kind = RobotKind.ROVER  # until the robot has said what it is
        self.gamepad = ""
        self.pads: tuple[PadSeen, ...] = ()  # as the pad's thread saw them last

    @property
    def profile(self) -> Profile:
        """The profile for this operator, robot and gamepad."""
        whom = (self.operator, self.robot, self.gamepad, self.kind)
        found = self._found
        if found is None or found[0] != whom:
            found = self._found = (whom, self._profiles.best(*whom))
        return found[1]
