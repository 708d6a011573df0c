"""The console reads this user's profiles when it starts, and refuses wrong ones in words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_wrong_profile_is_told_before_a_window_opens(tmp_path: Path) -> None:
    folder = tmp_path / "unstick" / "profiles"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('[keys]\nmarker = ["Y"]\n')
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(tmp_path),  # Linux; elsewhere the user's own folder is read
        "HOME": str(tmp_path),
        "APPDATA": str(tmp_path),
        "LOCALAPPDATA": str(tmp_path),
    }
    if sys.platform == "darwin":
        mac = tmp_path / "Library" / "Application Support" / "unstick"
        mac.mkdir(parents=True)
        folder.rename(mac / "profiles")
    done = subprocess.run(
        [sys.executable, "-m", "ui", "127.0.0.1:7600"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("unstick: ")
    assert '"Y" is bound twice, by keys.marker (' in done.stderr
    assert "Traceback" not in done.stderr
