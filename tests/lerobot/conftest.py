"""The environment of the programs from PyPI that judge our exports; made once, without LeRobot."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

JUDGES = ("robovet==0.2.2", "lerobot-doctor==0.2.0", "jsonschema>=4.20", "mcap>=1.2", "zstandard")
SCHEMAS = ("foxglove-schemas-protobuf==0.4.0",)
HERE = Path(__file__).parent

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the judges in it."""
    root = tmp_path_factory.mktemp("judges") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(root)], check=True)
    programs = root / ("Scripts" if sys.platform == "win32" else "bin")
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--retries=1"]
    done = subprocess.run(
        [*install, "--timeout=30", *JUDGES, *SCHEMAS], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"the judges cannot be installed from PyPI: {done.stderr.strip()[-300:]}")
    return programs


@pytest.fixture(scope="session")
def judge() -> Run:
    """Runs a program that must not see Unstick."""

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=300
        )

    return run


@pytest.fixture(scope="session")
def require_sound_set(judges: Path, judge: Run) -> Callable[[Path], None]:
    """Robovet and lerobot-doctor have no objection to a data set."""

    def require(dataset: Path) -> None:
        for program, command in (("robovet", "doctor"), ("lerobot-doctor", "check")):
            done = judge(str(judges / program), command, str(dataset))
            assert done.returncode == 0, done.stdout + done.stderr

    return require


@pytest.fixture(scope="session")
def require_sound_mcap(judges: Path, judge: Run) -> Callable[[Path], None]:
    """The official Foxglove schemas take every message of every file in a folder."""

    def require(folder: Path) -> None:
        files = sorted(str(path) for path in folder.iterdir())
        done = judge(str(judges / "python"), str(HERE / "judge_mcap.py"), *files)
        assert done.returncode == 0, done.stdout + done.stderr
        told = [line for line in done.stdout.splitlines() if "foxglove.CompressedVideo" in line]
        assert len(told) == len(files), done.stdout

    return require
