"""Where things live unless told otherwise: the folders of whoever runs the program."""

from __future__ import annotations

from pathlib import Path


def default_episodes() -> Path:
    """Where episodes live unless told otherwise."""
    import platformdirs

    return Path(platformdirs.user_data_dir("unstick", appauthor=False)) / "episodes"


def default_state() -> Path:
    """Where a robot remembers a latched STOP, its lease's epoch, its key and whom it admits."""
    import platformdirs

    return Path(platformdirs.user_state_dir("unstick", appauthor=False))


def default_config() -> Path:
    """Where a console keeps its key and the robots it knows."""
    import platformdirs

    return Path(platformdirs.user_config_dir("unstick", appauthor=False))


def default_logs() -> Path:
    """Where a console keeps its last logs."""
    return default_state() / "logs"


def default_sessions() -> Path:
    """Where a console keeps the figures of its last sessions."""
    return default_state() / "sessions"
