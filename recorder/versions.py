"""Versions of the programs that record and replay, for manifests and verdicts."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from recorder.provenance import Code

_TOP: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = ("teleop", "ui", "transport", "recorder", "resources")
_LOCK: Final = "requirements.lock"


def recording_versions() -> dict[str, str]:
    """Name to version of everything that shapes an episode's files."""
    versions = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
    }
    for name in ("unstick", "av", "mcap", "msgspec", "numpy"):
        versions[name] = _version(name)
    return {**versions, **_numpy_build()}


def _numpy_build() -> dict[str, str]:
    """What numpy calculates with: sums differ in their last digits between two."""
    import numpy as np

    told: Any = np.show_config(mode="dicts")
    blas = told.get("Build Dependencies", {}).get("blas", {})
    simd = told.get("SIMD Extensions", {})
    return {
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "numpy_simd": " ".join((*simd.get("baseline", ()), *simd.get("found", ()))),
    }


@cache
def recording_code() -> Code:
    """The program that runs here; 0.1 s the first time, most of it git's."""
    commit = _git("rev-parse", "HEAD")
    lock = _TOP / _LOCK
    return Code(
        version=_version("unstick"),
        commit=commit,
        dirty=bool(commit) and bool(_git("status", "--porcelain", "--untracked-files=no")),
        source_sha256=_source_sha256(),
        lock_sha256=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed as a package"


def _processor() -> str:
    """What it calls itself: results of floating point may differ between two."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _git(*words: str) -> str:
    """What git says of the working copy these modules lie in; empty when they lie in none."""
    if not (_TOP / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(_TOP), *words], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _source_sha256() -> str:
    """Over names and contents of all modules and bundled data."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((_TOP / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(_TOP)).encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
