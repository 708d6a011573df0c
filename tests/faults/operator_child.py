"""An operator for the fault tests: the console's real link, scripted hands, no window.

`python -m tests.faults.operator_child ADDRESS PORT CONFIG_FOLDER [CAMERA]`; the folder holds its
key and the robot's. Takes one order per line of JSON on standard input and tells, one line of JSON
each, every command it sends (with this machine's monotonic clock, which is also the robot's: so the
true age of a command is known) and every change of what its window would show. Leaves when standard
input closes, giving nothing back.

With a camera it watches that over WebRTC, and tells each frame it painted. Without, its picture is
one that leaves the robot with each state and is painted when that is heard.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from teleop.credentials import credentials_for
from teleop.operator_input import OperatorInput
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView, PictureView, Reach
from tests.faults.child_lines import say
from tests.faults.namespace import be_a_machine_of_its_own
from transport.clock import NS_PER_MS, now_ns, wall_time
from transport.messages import (
    Arm,
    ChooseProfile,
    Command,
    Profile,
    ReleaseLease,
    RequestBody,
    RequestLease,
    ResetStop,
    decoder_of,
)
from ui.history import History
from ui.offers import why_not
from ui.picture_state import latency_ms
from ui.screen import Act
from ui.view_state import screen_of

LOOK_S = 0.005  # between two signs of life
ASK_AGAIN_NS = 200 * NS_PER_MS  # a quick finger on the key that requests the lease
SCREEN_NS = 15 * NS_PER_MS  # between two looks at the screen, about a frame of a window

_decode_command = decoder_of(Command)


class Witness:
    """Stands between the link and its socket and tells what goes out, and when."""

    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox

    def send(self, message: bytes) -> None:
        """Send on; then tell."""
        stamp_ns = now_ns()
        self._outbox.send(message)
        command = _decode_command(message)
        say(
            sent=command.seq,
            epoch=command.epoch,
            stamp_ns=stamp_ns,
            echo_ns=command.echo_ns,
            deadman=command.deadman,
            forward=command.forward,
        )

    def tend(self) -> None:
        """Nothing goes out: the socket's own upkeep."""
        self._outbox.tend()

    def close(self) -> None:
        """Close the socket."""
        self._outbox.close()


class Hands:
    """Does what it is told, and looks at the screen all the time."""

    def __init__(self, address: str, port: int, config: Path, camera: str = "") -> None:
        self._link = OperatorLink(credentials_for(config, address, port), address, port)
        self._camera = camera
        self._video = self._link.video((camera,)) if camera else None
        self._link.start()
        self._link._outbox = Witness(self._link._outbox)  # type: ignore[assignment]
        self._link.set_focus(True)
        if self._video is not None:
            self._video.start()
        self._stick = OperatorInput()
        self._alive = True
        self._paints = True
        self._insists = False
        self._asked_ns = 0
        self._painted = 0
        self._painted_ns = 0
        self._history = History()
        self._shown: dict[str, object] = {}
        self._looked_ns = now_ns()

    def run(self, orders: queue.SimpleQueue[dict[str, Any] | None]) -> None:
        """Until the orders end."""
        while True:
            while not orders.empty():
                order = orders.get()
                if order is None:
                    return
                self._obey(order)
            self._look()
            time.sleep(LOOK_S)

    def close(self) -> None:
        """Close video and link."""
        if self._video is not None:
            self._video.close()
        self._link.close()

    def _obey(self, order: dict[str, Any]) -> None:
        told_ns = now_ns()
        match order["do"]:
            case "stick":
                stick = OperatorInput(
                    forward=order["forward"], turn=order["turn"], deadman=order["deadman"]
                )
                self._link.set_input(replace(stick, input_ns=now_ns()))
                self._stick = stick
            case "blink":
                self._link.set_input(OperatorInput(input_ns=now_ns()))
                end_s = time.monotonic() + order["seconds"]
                while time.monotonic() < end_s:
                    self._look()
                    time.sleep(LOOK_S)
                self._link.set_input(replace(self._stick, input_ns=now_ns()))
            case "ask":
                self._link.request(self._asked(order["what"]))
            case "insist":
                self._insists = True
            case "stop":
                self._link.stop()
            case "freeze":
                self._alive = not order["frozen"]
            case "blind":
                self._paints = not order["blind"]
        say(obeyed=order["do"], told_ns=told_ns, stamp_ns=now_ns())

    def _asked(self, what: str) -> RequestBody:
        state = self._link.view(now_ns()).state
        epoch = state.lease.epoch if state is not None else 0
        bodies: dict[str, RequestBody] = {
            "lease": RequestLease(),
            "release": ReleaseLease(epoch=epoch),
            "arm": Arm(epoch=epoch),
            "high latency": ChooseProfile(epoch=epoch, profile=Profile.HIGH_LATENCY),
            "reset": ResetStop(epoch=epoch, reason="looked"),
        }
        return bodies[what]

    def _look(self) -> None:
        stamp_ns = now_ns()
        if self._alive:
            self._link.alive(stamp_ns)
            self._link.touched(stamp_ns)
        view = self._link.view(stamp_ns)
        captured_ns = self._captured_ns(view)
        if self._paints and captured_ns > self._painted_ns:
            self._painted += 1
            self._painted_ns = captured_ns
            self._link.painted(captured_ns)
            if self._video is not None:
                say(painted=captured_ns, stamp_ns=stamp_ns)
        state = view.state if view.reach is Reach.CONNECTED else None
        free = state is not None and not state.lease.session
        if self._insists and free and stamp_ns - self._asked_ns > ASK_AGAIN_NS:
            self._asked_ns = stamp_ns
            self._link.request(RequestLease())
        if stamp_ns - self._looked_ns < SCREEN_NS:
            return
        self._looked_ns = stamp_ns
        shown = self._screen(view, stamp_ns)
        if shown != self._shown:
            self._shown = shown
            say(view=shown, stamp_ns=stamp_ns)

    def _captured_ns(self, view: LinkView) -> int:
        """When the newest picture that has come was taken, by the robot's clock; 0: none yet."""
        if self._video is None:
            return view.state.stamp_ns if view.state is not None else 0
        picture = self._video.mailboxes[self._camera].take()
        return picture.captured_ns if picture is not None else 0

    def _screen(self, view: LinkView, stamp_ns: int) -> dict[str, object]:
        offset_ns = view.clock_offset_ns
        age_ms = None
        if offset_ns is not None and self._painted_ns:
            age_ms = (stamp_ns + offset_ns - self._painted_ns) / NS_PER_MS
        picture = PictureView("front", age_ms, self._painted, 30.0, "")
        self._history.note(view, latency_ms(view, picture), stamp_ns)
        screen = screen_of(view, (picture,), self._history.facts, stamp_ns, wall_time())
        state = view.state
        return {
            "reach": view.reach,
            "mode": state.mode if state is not None else "",
            "boot_id": state.boot_id if state is not None else "",
            "yours": view.yours,
            "tested": view.self_test.passed,
            "epoch": state.lease.epoch if state is not None else 0,
            "readiness": screen.readiness.word,
            "hold": state.hold.reason if state is not None and state.hold is not None else "",
            "pictures": self._painted > 0,
            "banner": screen.banner is not None,
            "offers": [act for _, act in screen.notice.buttons]
            if screen.notice is not None
            else [],
            "why not normal": why_not(Act.NORMAL, view),
            "stopped": view.stop is not None and view.stop.acked_ns is not None,
            "refused": view.refused.reason if view.refused is not None else "",
        }


def main(address: str, port: int, config: Path, camera: str = "") -> None:
    """Run until standard input closes."""
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            orders.put(json.loads(line))
        orders.put(None)

    threading.Thread(target=listen, daemon=True).start()
    hands = Hands(address, port, config, camera)
    say(ready=True)
    try:
        hands.run(orders)
    finally:
        hands.close()


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
