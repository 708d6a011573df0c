"""A robot that films and a console that watches, with the network between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from teleop.both_ends import acquaint
from tests.faults.network_rig import Network, Program
from transport.clock import NS_PER_MS, NS_PER_S, now_ns

GAP_MS = 300  # pictures further apart than that have stopped


class Watch:
    """What the console saw."""

    def __init__(self, film: Program, viewer: Program) -> None:
        self.film = film
        self.viewer = viewer

    def picture(self, since_ns: int, limit_s: float = 30.0) -> dict[str, Any]:
        """The first picture that was taken from `since_ns` on."""
        return self.viewer.lines.wait(
            lambda line: line.get("captured_ns", 0) >= since_ns,
            f"a picture; the console says: {self.problem()!r}",
            limit_s=limit_s,
        )

    def settle(self) -> None:
        """Wait until both ends have confirmed that pictures flow."""
        self.viewer.lines.wait(
            lambda line: line.get("problem") == "", f"seeing; it says: {self.problem()!r}"
        )

    def told(self, words: str, limit_s: float = 30.0) -> dict[str, Any]:
        """The first time that the console's problem had these words in it."""
        return self.viewer.lines.wait(
            lambda line: words in line.get("problem", ""), f"problem: {words}", limit_s=limit_s
        )

    def watch(self, seconds: float) -> list[dict[str, Any]]:
        """The pictures of a stretch of time that begins now."""
        since_ns = now_ns()
        time.sleep(seconds)
        return [line for line in self.viewer.lines.all() if line.get("captured_ns", 0) >= since_ns]

    def problem(self) -> str:
        """What the console says now; empty while it sees."""
        said = [line["problem"] for line in self.viewer.lines.all() if "problem" in line]
        return str(said[-1]) if said else ""

    def way(self) -> str:
        """How the pictures come."""
        said = [line["way"] for line in self.viewer.lines.all() if line.get("way")]
        return str(said[-1]) if said else ""

    def back_ms(self, since_ns: int, not_before_ns: int = 0) -> tuple[float, float]:
        """From `since_ns` to the first picture taken after it, on the console, and to the first
        after which they kept coming for a second, ms."""
        after_ns = max(since_ns, not_before_ns)
        first_ns = good_ns = self.picture(after_ns, limit_s=60.0)["stamp_ns"]
        last_ns = first_ns
        deadline_s = time.monotonic() + 60.0
        while last_ns - good_ns < NS_PER_S:
            assert time.monotonic() < deadline_s, "the pictures stop again and again"
            time.sleep(0.05)
            stamps = [
                line["stamp_ns"]
                for line in self.viewer.lines.all()
                if line.get("captured_ns", 0) >= after_ns
            ]
            gaps = [now for before, now in pairwise(stamps) if now - before > GAP_MS * NS_PER_MS]
            good_ns, last_ns = (gaps or stamps)[-1 if gaps else 0], stamps[-1]
        return (first_ns - since_ns) / NS_PER_MS, (good_ns - since_ns) / NS_PER_MS


@contextmanager
def watch(
    network: Network,
    folder: Path,
    robot_ice: Path | None = None,
    console_ice: Path | None = None,
) -> Iterator[Watch]:
    """Both ends, running; the console has not seen anything yet.

    `folder` may be that of a `drive`: the robot is the same, the console another.
    """
    port = str(network.port)
    state, config = folder / "robot", folder / "viewer"
    acquaint(state, config, f"{network.robot_address}:{port}", "viewer")
    film = network.start(
        "robot",
        "tests.faults.film_child",
        *(network.robot_address, port, str(state)),
        *([str(robot_ice)] if robot_ice else []),
    )
    film.lines.wait(lambda line: line.get("ready"), "the robot films")
    viewer = network.start(
        "operator",
        "tests.faults.viewer_child",
        *(network.robot_address, port, str(config)),
        *([str(console_ice)] if console_ice else []),
    )
    try:
        yield Watch(film, viewer)
    finally:
        viewer.close()
        film.close()
