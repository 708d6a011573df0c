"""`make test-ray`: `unstick validate --engine ray` on a real local cluster.

    python tests/ray/run.py [-k EXPRESSION]

Installs ray (260 MB from PyPI) into a temporary folder beside this environment's packages, runs
`judge_ray.py`, measures both engines (`unstick bench engines`) and removes it. Exit code 2: it
could not be tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
RAY = "ray>=2.40"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="unstick-ray-") as folder:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, RAY]
        if subprocess.run(install, check=False).returncode != 0:
            print("ray cannot be installed; is PyPI reachable?", file=sys.stderr)
            return 2
        paths = os.pathsep.join([str(ROOT), folder])
        judge = str(Path(__file__).with_name("judge_ray.py"))
        tests = [sys.executable, "-m", "pytest", "-q", "--timeout=600", judge, *sys.argv[1:]]
        environment = {**os.environ, "PYTHONPATH": paths}
        failed = subprocess.run(tests, cwd=ROOT, env=environment, check=False).returncode
        bench = [sys.executable, "-m", "teleop", "bench", "engines"]
        return failed or subprocess.run(bench, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
