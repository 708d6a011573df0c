"""Programs that know nothing of Unstick judge what it exports, each in an environment of its own.

`robovet` and `lerobot-doctor` check a data set without LeRobot; the official Foxglove schemas check
the MCAP. Both come from PyPI, as pinned below; without it the tests are skipped and say so. LeRobot
itself takes 5 GB and Python 3.12: `make test-lerobot`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.export_lerobot import export_lerobot
from recorder.export_mcap import export_mcap
from recorder.lerobot_features import TrainerLabels
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode
from tests.lerobot.conftest import Run
from tests.unit.recorder_support import record

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> list[Episode]:
    root = tmp_path_factory.mktemp("episodes")
    return [record(root, drive=180), record(root, before=200, drive=240)]


@pytest.mark.parametrize("labels", [None, *TrainerLabels])
def test_robovet_and_lerobot_doctor_have_no_objection(
    labels: TrainerLabels | None,
    require_sound_set: Callable[[Path], None],
    episodes: list[Episode],
    tmp_path: Path,
) -> None:
    options = ExportOptions(include_unverified=True, labels=labels)
    for episode in episodes:
        export_lerobot([episode], tmp_path / "set", options=options, append=True)
    require_sound_set(tmp_path / "set")


@pytest.mark.parametrize("program", ["robovet", "lerobot-doctor"])
def test_the_judges_do_object_to_a_torn_table(
    program: str, judges: Path, judge: Run, episodes: list[Episode], tmp_path: Path
) -> None:
    options = ExportOptions(include_unverified=True)
    out = export_lerobot(episodes, tmp_path / "set", options=options).path
    table = out / "data/chunk-000/file-001.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    command = {"robovet": "doctor", "lerobot-doctor": "check"}[program]
    assert judge(str(judges / program), command, str(out)).returncode != 0


def test_the_official_schemas_accept_every_message_of_an_mcap(
    require_sound_mcap: Callable[[Path], None], episodes: list[Episode], tmp_path: Path
) -> None:
    export_mcap(episodes, tmp_path / "mcap")
    require_sound_mcap(tmp_path / "mcap")
