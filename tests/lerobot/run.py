"""`make test-lerobot`: the real LeRobot reads what we export.

    python tests/lerobot/run.py [--episodes FOLDER] [--environment FOLDER]

Builds an environment with Python 3.12 and lerobot 0.6.1 (5 GB, two minutes; less where the index
of CPU wheels can be reached). In six minutes of one core it exports a few sets (`given.py`), lets
`judge_lerobot.py` read them there, offline, shows what LeRobot gets wrong (`lerobot_faults.py`) and
drives a real LeRobot robot (`judge_robot.py`); then it removes it all. `--environment` keeps the
environment, or uses one that is there already. `--episodes` judges recorded episodes instead of
made ones. Exit code 2: it could not be tried.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from recorder.library import list_episodes, open_episode
from tests.lerobot.given import export, make_episodes, write_truth

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LEROBOT = "lerobot[dataset,feetech]==0.6.1"
# What our adapter and its tests import; the whole of Unstick needs a newer PyAV than LeRobot does.
OURS = ("msgspec>=0.19", "pytest>=8.2", "pytest-timeout>=2.3")
PYTEST = ("-q", "--noconftest", "-c", os.devnull, "--rootdir", str(ROOT), "--timeout=300")
PYTEST += ("--import-mode=importlib", "-p", "no:cacheprovider")
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
    command = [str(python), "-m", "pip", "install", "--quiet", LEROBOT, *OURS]
    try:
        urllib.request.urlopen(CPU_WHEELS + "/torch/", timeout=5).close()
        command += ["--extra-index-url", CPU_WHEELS]
    except (urllib.error.URLError, OSError):
        print("No CPU wheels of torch can be reached; installing those of PyPI, 5 GB")
    if subprocess.run(command, check=False).returncode != 0:
        shutil.rmtree(environment)
        give_up(f"{LEROBOT} cannot be installed; is PyPI reachable?")
    return python


def with_torchcodec(environment: Path, links: Path) -> dict[str, str]:
    """Variables by which torchcodec, LeRobot's default decoder, finds the FFmpeg of PyAV.

    It brings none and loads what the system has; where that is nothing, LeRobot falls back to PyAV.
    """
    libraries = environment / "lib/python3.12/site-packages/av.libs"
    links.mkdir()
    for library in (*libraries.glob("libav*"), *libraries.glob("libsw*")):
        if found := re.fullmatch(r"(lib[a-z]+)-[0-9a-f]+(\.so\.\d+)[.\d]*", library.name):
            (links / "".join(found.groups())).symlink_to(library)
    return {"LD_LIBRARY_PATH": f"{links}:{libraries}"}


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
        environment = (chosen.environment or scratch / "environment").absolute()
        python = build(environment)
        if chosen.episodes:
            episodes = [open_episode(path) for path in list_episodes(chosen.episodes)]
        else:
            (scratch / "episodes").mkdir()
            episodes = make_episodes(scratch / "episodes")
        truth = scratch / "truth"
        write_truth(episodes, truth, made=chosen.episodes is None)
        sets = export(episodes, scratch)
        offline = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            **with_torchcodec(environment, scratch / "ffmpeg"),
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(scratch / "hf"),
        }
        said = scratch / "stderr.txt"  # encoders and loaders talk a lot; only a failure needs it
        codes = []
        for program, *words in (("judge_lerobot.py", truth, *sets), ("lerobot_faults.py",)):
            command = [str(python), "-u", str(HERE / program), *map(str, words)]
            with said.open("w") as stream:
                done = subprocess.run(command, env=offline, check=False, cwd=scratch, stderr=stream)
            if done.returncode != 0:
                sys.stderr.write(said.read_text(errors="replace"))
            codes.append(done.returncode)
        driven = subprocess.run(
            [str(python), "-m", "pytest", *PYTEST, str(HERE / "judge_robot.py")],
            env={**offline, "PYTHONPATH": str(ROOT)},
            check=False,
            cwd=ROOT,
        )
    sys.exit(1 if any((*codes, driven.returncode)) else 0)


if __name__ == "__main__":
    main()
