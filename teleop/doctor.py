"""`unstick doctor`: what this machine has and lacks, and what to do about it."""

from __future__ import annotations

import importlib.util
import json as json_format
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from teleop.cli import default_config, default_episodes, default_state
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, ROBOT_KEY, KnownRobots, load
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.safety import ConfigError

PACKAGES = ("transport", "recorder", "teleop", "ui")
ENOUGH_BYTES = 2 << 30
PROBE_S = 60


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def run_doctor(*, json: bool) -> int:
    """Look at everything; 0 when nothing is missing, 1 otherwise."""
    checks = [
        _python(),
        _packages(),
        _codec(),
        _probe("simulator and graphics", _RENDER, "install libegl1 libgl1-mesa-dri"),
        _probe("window", _WINDOW, "run: make system (installs Qt's system libraries)"),
        _display(),
        _disk(),
        key_check(),
    ]
    if json:
        sys.stdout.write(json_format.dumps([asdict(check) for check in checks]) + "\n")
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for check in checks:
            advice = "" if check.ok else check.advice
            table.add_row("ok" if check.ok else "MISSING", check.name, check.found, advice)
        Console(highlight=False).print(table)
    return 0 if all(check.ok for check in checks) else 1


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


def _codec() -> Check:
    import av

    ok = "libx264" in av.codecs_available
    return Check("H.264 encoder", ok, f"PyAV {av.__version__}", "reinstall PyAV from its wheel")


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
