"""What decides about motion is covered to its last branch by its own tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECIDING = ("gate", "gate_state", "requests", "lease", "mode", "axes", "safety")
TESTS = (
    *("gate", "gate_transcript", "requests", "lease", "mode", "axes", "safety"),
    "site",
)


def test_no_branch_that_decides_about_motion_is_untested(tmp_path: Path) -> None:
    data, report = tmp_path / "coverage", tmp_path / "coverage.json"
    measure = [sys.executable, "-m", "coverage"]
    included = ",".join(f"teleop/{name}.py" for name in DECIDING)
    done = subprocess.run(
        [*measure, "run", "--branch", f"--include={included}", f"--data-file={data}", "-m"]
        + ["pytest", "-q", "-p", "no:cacheprovider", "-m", "not long", "--hypothesis-seed=0"]
        + [f"tests/unit/test_{name}.py" for name in TESTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    subprocess.run(
        [*measure, "json", "-q", f"--data-file={data}", "-o", str(report)], cwd=ROOT, check=True
    )
    files = json.loads(report.read_text())["files"]
    missing = {
        name: (found["missing_lines"], found["missing_branches"])
        for name, found in files.items()
        if found["missing_lines"] or found["missing_branches"]
    }
    assert len(files) == len(DECIDING)
    assert missing == {}
