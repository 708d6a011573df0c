"""Programs that know nothing of Unstick judge what it exports, each in an environment of its own.

`robovet` and `lerobot-doctor` check a data set without LeRobot; the official Foxglove schemas check
the MCAP. Both come from PyPI, as pinned below; without it the tests are skipped and say so. LeRobot
itself takes 5 GB and Python 3.12: `make test-lerobot`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recorder.export_lerobot import export_lerobot
from recorder.export_mcap import export_mcap
from recorder.lerobot_features import TrainerLabels
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode
from tests.unit.recorder_support import record

pytestmark = pytest.mark.long

JUDGES = ("robovet==0.2.2", "lerobot-doctor==0.2.0", "jsonschema>=4.20", "mcap>=1.2", "zstandard")
SCHEMAS = ("foxglove-schemas-protobuf==0.4.0",)
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> list[Episode]:
    root = tmp_path_factory.mktemp("episodes")
    return [record(root, drive=180), record(root, before=200, drive=240)]


@pytest.mark.parametrize("labels", [None, *TrainerLabels])
def test_robovet_and_lerobot_doctor_have_no_objection(
    labels: TrainerLabels | None, judges: Path, episodes: list[Episode], tmp_path: Path
) -> None:
    options = ExportOptions(include_unverified=True, labels=labels)
    for episode in episodes:
        export_lerobot([episode], tmp_path / "set", options=options, append=True)
    for command in (["robovet", "doctor"], ["lerobot-doctor", "check"]):
        done = run(str(judges / command[0]), command[1], str(tmp_path / "set"))
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("judge", ["robovet", "lerobot-doctor"])
def test_the_judges_do_object_to_a_torn_table(
    judge: str, judges: Path, episodes: list[Episode], tmp_path: Path
) -> None:
    options = ExportOptions(include_unverified=True)
    out = export_lerobot(episodes, tmp_path / "set", options=options).path
    table = out / "data/chunk-000/file-001.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    command = {"robovet": "doctor", "lerobot-doctor": "check"}[judge]
    assert run(str(judges / judge), command, str(out)).returncode != 0


def test_the_official_schemas_accept_every_message_of_an_mcap(
    judges: Path, episodes: list[Episode], tmp_path: Path
) -> None:
    export_mcap(episodes, tmp_path / "mcap")
    files = sorted(str(path) for path in (tmp_path / "mcap").iterdir())
    done = run(str(judges / "python"), str(HERE / "judge_mcap.py"), *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "foxglove.CompressedVideo" in done.stdout


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=300
    )
