"""A scripted operator without a window: it looks at all robots, and sits down at one of them.

Looks every `LOOK_S`, does what `teleop.shift` decides, and has no other way to a robot than a
console has: `FleetWatch` for them all, an `OperatorLink` and pictures for the one that it serves.
One thread; those bring their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from teleop.credentials import credentials_for
from teleop.fleet_watch import FleetWatch
from teleop.glimpse import RobotGlimpse
from teleop.key_files import CONSOLE_KEY, KNOWN_ROBOTS, KnownRobots, load_or_make
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView, Reach
from teleop.rescue_script import Hands, Seen
from teleop.scripted_hands import Typist, asked_by
from teleop.shift import Served, Shift
from transport.clock import NS_PER_MS, now_ns
from transport.picture import Picture
from transport.video_receiver import VideoReceiver

log = logging.getLogger("operator")

LOOK_S: Final = 0.02


class Desk:
    """One robot that is served: its link, and its main camera as soon as that is known."""

    def __init__(self, config: Path, address: str) -> None:
        """Sit down.

        Raises:
            ConfigError: the robot there was never paired with this `config`.
            LinkError: the address cannot be used.
        """
        host, _, port = address.rpartition(":")
        self._link = OperatorLink(credentials_for(config, host, int(port)), host, int(port))
        self._video: VideoReceiver | None = None
        self._camera = ""
        self._picture: Picture | None = None
        self._brightness = 0.0
        self._typist = Typist()
        self._link.start()
        self._link.set_focus(True)

    def look(self, stamp_ns: int) -> Seen:
        """What an operator sees here now; a new picture counts as painted."""
        self._link.alive(stamp_ns)
        view = self._link.view(stamp_ns)
        self._look_at_picture(view)
        age_ms = None
        if self._picture is not None and view.clock_offset_ns is not None:
            age_ms = (stamp_ns + view.clock_offset_ns - self._picture.captured_ns) / NS_PER_MS
        state = view.state if view.reach is Reach.CONNECTED else None
        return Seen(state, view.yours, age_ms, self._brightness, view.self_test.passed)

    def act(self, hands: Hands, seen: Seen, stamp_ns: int) -> None:
        """Move the hands."""
        if hands.held != self._typist.held:
            self._typist = self._typist.typed(hands, stamp_ns)
            self._link.set_input(self._typist.input(stamp_ns))
        if seen.state is not None:
            asked = asked_by(hands.tap, seen.state, yours=seen.yours)
            if asked is not None:
                self._link.request(asked)
        self._link.touched(stamp_ns)

    def close(self) -> None:
        """Get up; idempotent."""
        if self._video is not None:
            self._video.close()
        self._link.close()

    def _look_at_picture(self, view: LinkView) -> None:
        if self._video is None:
            if view.media is None or not view.media.cameras:
                return
            self._camera = view.media.cameras[0].name
            self._video = self._link.video((self._camera,))
            self._video.start()
        if (new := self._video.mailboxes[self._camera].take()) is not None:
            self._picture = new
            self._brightness = float(new.bgra[::4, ::4, :3].mean())
            self._link.painted(new.captured_ns)


def work(
    config: Path, shift: Shift, leaving: threading.Event, tell: Callable[[Served], None]
) -> Shift:
    """Serve the calls of all robots that `config` knows until the shift is over.

    Ends early when `leaving` is set. `tell` hears of each call as it ends.

    Raises:
        ConfigError: the files of keys cannot be used.
        LinkError: an address cannot be used.
    """
    fleet = FleetWatch(load_or_make(config / CONSOLE_KEY))
    fleet.watch(KnownRobots(config / KNOWN_ROBOTS).read())
    desk: Desk | None = None
    try:
        fleet.start()
        while not (leaving.wait(LOOK_S) or shift.over(now_ns())):
            stamp_ns, before = now_ns(), shift
            glimpses: tuple[RobotGlimpse, ...] = fleet.glimpses()
            fleet.look_at(shift.at)  # others see that somebody is at this call
            seen = desk.look(stamp_ns) if desk is not None else None
            shift, hands = shift.step(glimpses, seen, stamp_ns)
            if desk is not None and seen is not None:
                desk.act(hands, seen, stamp_ns)
            if shift.at != before.at:
                if desk is not None:
                    desk.close()
                desk = Desk(config, shift.at) if shift.at else None
            for one in shift.served[len(before.served) :]:
                log.info("%s of %s: %s, %s", one.call.number, one.call.robot, one.end, one.outcome)
                tell(one)
        return shift
    finally:
        if desk is not None:
            desk.close()
        fleet.close()
