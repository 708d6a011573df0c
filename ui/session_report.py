"""What one session at the window came to, as numbers, for `unstick demo` and for a log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from teleop.bench import percentile
from teleop.operator_link import OperatorLink
from teleop.replaying import Replaying
from transport.clock import NS_PER_MS, now_ns
from transport.curve import Credentials
from ui.main_window import MainWindow

KEPT = 100_000  # ages: an hour at 30 per second


class ReportedLink(OperatorLink):
    """A link that notes how old each main picture was when it was painted."""

    def __init__(
        self, credentials: Credentials, host: str, port: int, replaying: Replaying | None = None
    ) -> None:
        super().__init__(credentials, host, port, replaying)
        self.first_painted_ns: int | None = None
        self.ages_ms: list[float] = []
        self.command_times_ms: list[float] = []
        self.commands_applied = 0

    def painted(self, captured_ns: int) -> None:
        """See `OperatorLink.painted`; called right after the paint."""
        super().painted(captured_ns)
        stamp_ns = now_ns()
        if self.first_painted_ns is None:
            self.first_painted_ns = stamp_ns
        view = self.view(stamp_ns)
        if view.clock_offset_ns is not None and len(self.ages_ms) < KEPT:
            self.ages_ms.append((stamp_ns + view.clock_offset_ns - captured_ns) / NS_PER_MS)
        if view.command_ms:
            self.command_times_ms = list(view.command_ms)
        if view.state is not None:
            self.commands_applied = view.state.commands_accepted


def percentiles(values: Sequence[float]) -> dict[str, float] | None:
    """p50, p95 and p99, rounded; None when nothing was measured."""
    if not values:
        return None
    return {f"p{p}": round(percentile(values, p) or 0.0, 1) for p in (50, 95, 99)}


def write_report(path: Path, link: ReportedLink, window: MainWindow) -> None:
    """Write the figures of the robot that was shown last to `path`."""
    window.picture_log.gather(now_ns())
    facts: dict[str, Any] = {
        "frames_painted": {feed.camera: feed.painted for feed in window.cameras.feeds.values()},
        "commands_applied": link.commands_applied,
        "video_age_ms": percentiles(link.ages_ms),
        "camera_age_ms": {
            camera: percentiles(ages) for camera, ages in window.picture_log.ages_ms.items()
        },
        "command_ms": percentiles(link.command_times_ms),
        "key_events": len(link.command_times_ms),
        "first_painted_ns": link.first_painted_ns,
    }
    path.write_text(json.dumps(facts, indent=2) + "\n")
