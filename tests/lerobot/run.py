"""`make test-lerobot`: the real LeRobot reads what we export.

    python tests/lerobot/run.py [--episodes FOLDER] [--environment FOLDER]

Builds an environment with Python 3.12 and lerobot 0.6.1 (5 GB, a minute or two; less where the
index of CPU wheels can be reached), exports a few sets, lets `judge_lerobot.py` read them there,
offline, and removes it all. `--environment` keeps it, or uses one that is there already.
`--episodes` judges recorded episodes instead of made ones. Exit code 2: it could not be tried.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from recorder.annotations import annotate
from recorder.driven import Driven
from recorder.export_lerobot import export_lerobot
from recorder.lerobot_features import TrainerLabels
from recorder.lerobot_origin import ExportOptions
from recorder.library import Episode, list_episodes, open_episode
from recorder.validate import validate
from tests.unit.recorder_support import Rover, record
from transport.messages import AnnotationKind, Outcome

LEROBOT = "lerobot[dataset]==0.6.1"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
NEEDS_BYTES = 8 * 2**30


def python_3_12() -> str | None:
    """The newest place to look first: on the path, then what pyenv and uv have installed."""
    found = shutil.which("python3.12")
    if found and works(found):
        return found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for program in sorted(pyenv.glob("3.12.*/bin/python"), reverse=True):
        if works(str(program)):
            return str(program)
    if uv := shutil.which("uv"):
        done = subprocess.run(
            [uv, "python", "find", "3.12"], capture_output=True, text=True, check=False
        )
        if done.returncode == 0 and works(done.stdout.strip()):
            return done.stdout.strip()
    return None


def works(program: str) -> bool:
    """Whether it runs, can make environments, and is 3.12: pyenv leaves shims that do not."""
    probe = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))"
    return subprocess.run([program, "-c", probe], capture_output=True, check=False).returncode == 0


def build(environment: Path) -> Path:
    """The Python of an environment with LeRobot in it."""
    python = environment / "bin" / "python"
    if python.exists():
        return python
    base = python_3_12()
    if base is None:
        give_up("There is no Python 3.12 here; install it: uv python install 3.12.")
    free = shutil.disk_usage(environment.parent).free
    if free < NEEDS_BYTES:
        give_up(f"{free / 2**30:.1f} GB are free at {environment.parent}; 8 are needed (TMPDIR).")
    subprocess.run([base, "-m", "venv", str(environment)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", LEROBOT]
    try:
        urllib.request.urlopen(CPU_WHEELS + "/torch/", timeout=5).close()
        command += ["--extra-index-url", CPU_WHEELS]
    except (urllib.error.URLError, OSError):
        print("No CPU wheels of torch can be reached; installing those of PyPI, 5 GB")
    if subprocess.run(command, check=False).returncode != 0:
        shutil.rmtree(environment)
        give_up(f"{LEROBOT} cannot be installed; is PyPI reachable?")
    return python


def make_episodes(root: Path) -> list[Episode]:
    """A proved success, somebody else's failure with a reason, and a success that is not proved."""
    proved = record(root, wait=30, drive=180, operator="ada")
    validate(proved, lambda _: Driven(Rover()))
    failed = record(root, wait=34, drive=200, operator="eve", outcome=Outcome.FAILURE)
    annotate(
        *(failed.path, failed.manifest_sha256, AnnotationKind.REASON),
        *("The wheel slipped", "eve"),
    )
    unproved = record(root, wait=46, drive=60, operator="ada")
    return [open_episode(one.path) for one in (proved, failed, unproved)]


def truth_of(episodes: list[Episode], *, made: bool) -> dict[str, Any]:
    """What the columns of a data set have to say, from the episodes themselves."""
    known = {}
    for episode in episodes:
        verdict, outcome = episode.verdict(), episode.labels.outcome
        counts = verdict is not None and not episode.doubt(verdict)
        known[episode.id] = {
            "success": outcome is Outcome.SUCCESS
            or (
                outcome is Outcome.UNLABELLED and verdict is not None and counts and verdict.passed
            ),
            "replay/verdict": str(verdict.verdict) if verdict and counts else "NOT_REPLAYED",
            "operator": ", ".join(episode.manifest.operators),
            "reason": episode.labels.reason,
        }
    return {"made": made, "episodes": known}


def export(episodes: list[Episode], out: Path) -> list[Path]:
    """A set that grew by appends, and one for each kind of labels."""
    for episode in episodes:
        options = ExportOptions(include_unverified=True)
        export_lerobot([episode], out / "appended", options=options, append=True)
    for labels in (TrainerLabels.HG_DAGGER, TrainerLabels.SIRIUS):
        options = ExportOptions(include_unverified=True, labels=labels)
        export_lerobot(episodes, out / labels, options=options)
    return [out / "appended", out / TrainerLabels.HG_DAGGER, out / TrainerLabels.SIRIUS]


def give_up(why: str) -> None:
    print(why, file=sys.stderr)
    sys.exit(2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=Path)
    parser.add_argument("--environment", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unstick-lerobot-") as name:
        scratch = Path(name)
        python = build(chosen.environment or scratch / "environment")
        if chosen.episodes:
            episodes = [open_episode(path) for path in list_episodes(chosen.episodes)]
        else:
            (scratch / "episodes").mkdir()
            episodes = make_episodes(scratch / "episodes")
        truth = scratch / "truth.json"
        truth.write_text(json.dumps(truth_of(episodes, made=chosen.episodes is None)))
        sets = export(episodes, scratch)
        judge = Path(__file__).with_name("judge_lerobot.py")
        offline = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(scratch / "hf"),
        }
        said = scratch / "stderr.txt"  # encoders and loaders talk a lot; only a failure needs it
        with said.open("w") as stream:
            done = subprocess.run(
                [str(python), "-u", str(judge), str(truth), *map(str, sets)],
                env=offline,
                check=False,
                cwd=scratch,
                stderr=stream,
            )
        if done.returncode != 0:
            sys.stderr.write(said.read_text(errors="replace"))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
