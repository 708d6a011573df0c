"""`make test-gym`: real Gymnasium environments, replayed through our adapter.

    python tests/gym/run.py [--environment FOLDER] [-k EXPRESSION]

Builds an environment with the packages below (1.1 GB from PyPI, a minute or two), runs the
conformance tests, validations of data sets and a replay of random actions there, and removes it.
`--environment` keeps it, or uses one that is there already. Exit code 2: it could not be tried.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
# gym-aloha and MetaWorld bear no MuJoCo from 3.17 on, so our own does not come along.
PACKAGES = (
    "gymnasium==1.4.0",
    "gymnasium-robotics==1.4.2",
    "gym-pusht==0.1.8",
    "pymunk==6.11.1",
    "metaworld==3.0.0",
    "gym-aloha==0.1.5",
    "panda-gym==3.0.7",
    "pybullet==3.2.7",
    "mujoco==3.3.7",
    "dm-control==1.0.34",
    "numpy==2.4.6",
)
# What the adapter, `unstick validate` on data sets, and the tests import.
OURS = ("msgspec>=0.19", "pyarrow>=17", "rich>=13", "typer>=0.12")
OURS += ("pytest>=8.2", "pytest-timeout>=2.3")
NEEDS_BYTES = 3 * 2**30


def build(environment: Path) -> Path:
    """The Python of an environment with all of it."""
    python = environment / "bin" / "python"
    if python.exists():
        return python
    free = shutil.disk_usage(environment.parent).free
    if free < NEEDS_BYTES:
        give_up(f"{free / 2**30:.1f} GB are free at {environment.parent}; 3 are needed (TMPDIR).")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, *PACKAGES, *OURS], check=False).returncode != 0:
        shutil.rmtree(environment)
        give_up("The environments cannot be installed; is PyPI reachable?")
    return python


def give_up(why: str) -> None:
    print(why, file=sys.stderr)
    sys.exit(2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path)
    parser.add_argument("-k", default="", help="only these conformance tests, and no replay")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unstick-gym-") as name:
        python = build(chosen.environment or Path(name) / "environment")
        # No picture is drawn; where there is no OpenGL, none is looked for.
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "MUJOCO_GL": "disabled"}
        settings["PYTHONWARNINGS"] = "ignore"  # of the environments' own making
        tests = [str(python), "-m", "pytest", "-q", "--noconftest", "-c", str(HERE / "pytest.ini")]
        tests += ["--rootdir", str(ROOT)]
        tests += [str(HERE / name) for name in ("judge_conformance.py", "judge_sets.py")]
        commands = [[*tests, *(["-k", chosen.k] if chosen.k else [])]]
        if not chosen.k:
            commands.append([str(python), "-u", "-m", "tests.gym.judge_replay"])
        codes = [
            subprocess.run(c, env=settings, cwd=ROOT, check=False).returncode for c in commands
        ]
    sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
