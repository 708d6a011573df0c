"""Versions of the programs that record and replay, for manifests and verdicts."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def recording_versions() -> dict[str, str]:
    """Name to version of everything that shapes an episode's files."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("unstick", "av", "mcap", "msgspec", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed as a package"
    return versions
