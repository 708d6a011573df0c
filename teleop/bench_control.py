"""Key event to motors, with video and recording running on the same machine as in a rescue."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from teleop.bench import Row, percentile, row
from teleop.both_ends import acquaint
from teleop.child import end_child, start_child, wait_ready
from teleop.operator_input import Keyboard, KeyChange
from teleop.operator_link import OperatorLink
from transport.clock import NS_PER_S, now_ns
from transport.control_link import LOOPBACK, free_base_port
from transport.curve import Credentials
from transport.errors import LinkError
from transport.messages import Mode, RequestLease

CAMERAS = ("front", "ceiling")
START_S = 30.0


def measure(seconds: float) -> list[Row]:
    """All rows of the control bench."""
    port = free_base_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--episodes", str(Path(folder) / "episodes")]
        options += ["--state", folder]
        credentials = acquaint(Path(folder), Path(folder), f"{LOOPBACK}:{port}", "bench")
        agent = start_child(["agent", "--announce", *options])
        try:
            if not wait_ready(agent, START_S):
                raise LinkError("the bench's robot did not start")
            command_ms, missed, ages = _drive(credentials, port, seconds)
        finally:
            end_child(agent, patience_s=30.0)
    rows = [
        row(f"key event to motors, p{p}", percentile(command_ms, p), "ms", at_most=limit)
        for p, limit in ((50, 12.0), (95, None), (99, 25.0))
    ]
    rows += [
        row(f"picture age when decoded, with rendering, p{p}", percentile(ages, p), "ms")
        for p in (50, 95, 99)
    ]
    rows.append(row("missed control ticks", float(missed), "ticks", at_most=0.0))
    return rows


def _drive(
    credentials: Credentials, port: int, seconds: float
) -> tuple[list[float], int, list[float]]:
    """Press and release keys at random moments: (key-to-motor ms, missed ticks, ages ms)."""
    link = OperatorLink(credentials, LOOPBACK, port)
    video = link.video(CAMERAS)
    link.start()
    video.start()
    dice = random.Random(1)
    keyboard, end_ns, next_ns = Keyboard(), 0, 0
    ages: list[float] = []
    asked_ns = 0
    begin_ns = now_ns()
    try:
        while True:
            stamp_ns = now_ns()
            link.alive(stamp_ns)
            for camera in CAMERAS:
                picture = video.mailboxes[camera].take()
                if picture is not None and camera == CAMERAS[0]:
                    link.painted(picture.captured_ns)
                    ages.append((picture.decoded_ns - picture.captured_ns) / 1e6)
            view = link.view(stamp_ns)
            if not view.yours and ages and stamp_ns - asked_ns > NS_PER_S:
                link.request(RequestLease())
                asked_ns = stamp_ns
            driving = view.state is not None and view.state.mode in (Mode.READY, Mode.TELEOP)
            if view.yours and driving and not end_ns:
                end_ns = stamp_ns + round(seconds * NS_PER_S)
                next_ns = stamp_ns + NS_PER_S
            if end_ns and stamp_ns >= end_ns:
                missed = view.state.missed_ticks if view.state else 0
                return list(view.command_ms), missed, ages
            if end_ns and stamp_ns >= next_ns:
                pressed = not keyboard.held
                keyboard = keyboard.after(KeyChange("A", pressed, stamp_ns))
                link.set_input(keyboard.read(now_ns()))
                next_ns = stamp_ns + round(dice.uniform(0.03, 0.12) * NS_PER_S)
            if stamp_ns - begin_ns > (seconds + 60) * NS_PER_S:
                raise LinkError("the bench's robot could not be driven")
            time.sleep(0.001)
    finally:
        video.close()
        link.close()
