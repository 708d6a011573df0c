"""`unstick doctor`: what this machine has and lacks, which profile is wrong, and what to do."""

from __future__ import annotations

import importlib.util
import json as json_format
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from teleop.input_profile import Action, Profile, ProfileError, default_profile
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, ROBOT_KEY, KnownRobots, load
from teleop.profile_files import Profiles, profiles_folder, read_profile
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.safety import ConfigError
from teleop.user_folders import default_config, default_episodes, default_state

PACKAGES = ("transport", "recorder", "teleop", "ui")
ENOUGH_BYTES = 2 << 30
PROBE_S = 60
PROFILES = "profiles of keys"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def run_doctor(profile: Path | None = None, *, json: bool, bundle: Path | None = None) -> int:
    """Look at everything, or at one profile; 0 when nothing is wrong, 1 otherwise.

    `bundle` is where a report for somebody who helps is written.

    Raises:
        ConfigError: it cannot be written.
    """
    if bundle is not None and bundle.exists():  # a mistake is told before a minute of looking
        raise ConfigError(f"{bundle} exists already; choose another name for the bundle")
    checks = [_profile(profile)] if profile is not None else machine_checks()
    if json:
        sys.stdout.write(json_format.dumps([asdict(check) for check in checks]) + "\n")
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for check in checks:
            advice = "" if check.ok else check.advice
            bad = "WRONG" if check.name == PROFILES else "MISSING"
            table.add_row("ok" if check.ok else bad, check.name, check.found, advice)
        Console(highlight=False).print(table)
    if bundle is not None:
        from teleop.diagnostics_bundle import write_bundle

        sys.stderr.write(write_bundle(bundle, checks) + "\n")
    return 0 if all(check.ok for check in checks) else 1


def machine_checks() -> list[Check]:
    return [
        _python(),
        _packages(),
        _probe("H.264 encoder", _CODEC, "reinstall PyAV from its wheel"),
        _probe("simulator and graphics", _RENDER, "install libegl1 libgl1-mesa-dri"),
        _probe("window", _WINDOW, "run: make system (installs Qt's system libraries)"),
        _display(),
        _note("sound", _SOUND),
        _note("voice", _VOICE),
        _disk(),
        _profiles(),
        key_check(),
    ]


# Drivers of encoders that are tried may abort the process.
_CODEC = """
from transport.h264_encoders import described
print(described())
"""
_RENDER = """
from teleop.sim_rover import SimCameras, SimRover
rover = SimRover("wedged-under-sofa", 0)
cameras = SimCameras("wedged-under-sofa", 0)
picture = cameras.render("front", rover.snapshot())
cameras.close()
print(f"MuJoCo draws {picture.shape[1]}x{picture.shape[0]}")
"""
_WINDOW = """
import os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QApplication
app = QApplication([])
print("Qt", qVersion())
"""
# The window says itself what it lacks for these.
_SOUND = """
from PySide6.QtCore import QCoreApplication
from ui.sounds import sound_trouble
app = QCoreApplication([])
print(sound_trouble() or "notes can be played")
"""
_VOICE = """
from PySide6.QtCore import QCoreApplication
from ui.sounds import voice_trouble
app = QCoreApplication([])
print(voice_trouble() or "texts can be spoken")
"""


def _python() -> Check:
    version = platform.python_version()
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", ok, version, "use Python 3.11, 3.12 or 3.13")


def _packages() -> Check:
    """The four packages must come from one place: their names are common words."""
    places = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = spec.origin if spec else None
        places[name] = Path(origin).parent.parent if origin else None
    one = len(set(places.values())) == 1 and None not in places.values()
    found = ", ".join(sorted({str(place) for place in places.values()}))
    return Check("packages", one, found, "install Unstick into an environment of its own")


def _probe(name: str, code: str, advice: str) -> Check:
    """Try something in a process of its own: a missing library may abort it."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Check(name, False, f"no answer within {PROBE_S} s", advice)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return Check(name, done.returncode == 0, lines[-1] if lines else "no output", advice)


def _note(name: str, code: str) -> Check:
    """What a console can do without: to lack it is no fault."""
    found = _probe(name, code, "")
    return Check(name, True, found.found if found.ok else "none: the console's parts are missing")


def _display() -> Check:
    """Only a note: without a display the demo drives itself."""
    if sys.platform != "linux":
        return Check("display", True, sys.platform)
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    return Check("display", True, display or "none: unstick demo runs headless")


def _disk() -> Check:
    folder = default_episodes()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Check(
        "disk for episodes", free >= ENOUGH_BYTES, f"{free >> 30} GiB free", "free 2 GiB or more"
    )


def _profile(path: Path) -> Check:
    """What a profile is for and what it changes, or all that is wrong with it."""
    try:
        profiles = read_profile(path)
    except ProfileError as error:
        return Check(PROFILES, False, str(error))
    changed = sorted({what for each in profiles for what in changed_by(each)})
    whom = ", ".join(f"{kind} {name}" for kind, name in whom_for(profiles).items())
    found = f"for {whom or 'everybody'}; changes {', '.join(changed) or 'nothing'}"
    return Check(PROFILES, True, found)


def whom_for(profiles: Sequence[Profile]) -> dict[str, str]:
    """Whom the profiles of one file are for: kind, operator, robot, gamepad, where it says so."""
    profile = profiles[0]
    named = {
        "kind": str(profile.kind) if len(profiles) == 1 else "",
        "operator": profile.operator,
        "robot": profile.robot,
        "gamepad": profile.gamepad,
    }
    return {kind: name for kind, name in named.items() if name}


def changed_by(profile: Profile) -> set[str]:
    """What a profile does otherwise than the built-in one of its kind of robot."""
    default = default_profile(profile.kind)
    changed = {
        action.value
        for action in Action
        if profile.keys_of(action) != default.keys_of(action)
        or profile.chords_of(action) != default.chords_of(action)
    }
    changed |= {"speeds"} if profile.speeds != default.speeds else set()
    return changed | ({"gamepad"} if profile.pad != default.pad else set())


def _profiles() -> Check:
    """Those that a console would use."""
    folder = profiles_folder()
    try:
        Profiles.read(folder)
    except ProfileError as error:
        return Check(PROFILES, False, str(error))
    count = len(list(folder.glob("*.toml")))
    return Check(PROFILES, True, f"{count} in {folder}")


def key_check() -> Check:
    """Files of keys that cannot be used; having none yet is no fault."""
    state, config = default_state(), default_config()
    try:
        admitted = len(RosterFile(state / AUTHORIZED_KEYS).read().members)
        robots = len(KnownRobots(config / KNOWN_ROBOTS).read())
        as_robot = f"as robot: admits {admitted}" if load(state / ROBOT_KEY) else ""
        as_console = f"as console: knows {robots}" if load(config / CONSOLE_KEY) else ""
    except ConfigError as error:
        return Check("keys", False, "a file cannot be used", str(error))
    found = ", ".join(part for part in (as_robot, as_console) if part)
    return Check("keys", True, found or "none yet; unstick pair makes them")
