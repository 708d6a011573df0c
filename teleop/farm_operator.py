"""A scripted operator without a window: its links to all robots, and the pictures of one of them.

Looks every `LOOK_S` at what every robot says, does what `teleop.shift` decides, and has no other
way to a robot than a console has. One thread; the links bring their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from teleop.credentials import credentials_for
from teleop.operator_link import OperatorLink
from teleop.operator_view import LinkView, Reach
from teleop.rescue_script import Hands, Seen
from teleop.scripted_hands import Typist, asked_by
from teleop.shift import Served, Shift
from transport.clock import NS_PER_MS, now_ns
from transport.messages import RobotState
from transport.picture import Picture
from transport.video_receiver import VideoReceiver

log = logging.getLogger("operator")

LOOK_S: Final = 0.02


class Desk:
    """One robot that is served: its link has the focus, its main camera is shown."""

    def __init__(self, link: OperatorLink, camera: str) -> None:
        self.link, self._camera = link, camera
        self._video: VideoReceiver = link.video((camera,))
        self._picture: Picture | None = None
        self._brightness = 0.0
        self._typist = Typist()
        self._video.start()
        link.set_focus(True)

    def seen(self, view: LinkView, stamp_ns: int) -> Seen:
        """What an operator sees here now; a new picture counts as painted."""
        if (new := self._video.mailboxes[self._camera].take()) is not None:
            self._picture = new
            self._brightness = float(new.bgra[::4, ::4, :3].mean())
            self.link.painted(new.captured_ns)
        age_ms, picture = None, self._picture
        if picture is not None and view.clock_offset_ns is not None:
            age_ms = (stamp_ns + view.clock_offset_ns - picture.captured_ns) / NS_PER_MS
        state = view.state if view.reach is Reach.CONNECTED else None
        return Seen(state, view.yours, age_ms, self._brightness, view.self_test.passed)

    def act(self, hands: Hands, state: RobotState | None, *, yours: bool, stamp_ns: int) -> None:
        """Move the hands."""
        if hands.held != self._typist.held:
            self._typist = self._typist.typed(hands, stamp_ns)
            self.link.set_input(self._typist.input(stamp_ns))
        asked = asked_by(hands.tap, state, yours=yours) if state is not None else None
        if asked is not None:
            self.link.request(asked)
        self.link.touched(stamp_ns)

    def close(self) -> None:
        """Get up: hands off, no focus, no pictures."""
        stamp_ns = now_ns()
        self._typist = self._typist.typed(Hands(), stamp_ns)
        self.link.set_input(self._typist.input(stamp_ns))
        self.link.set_focus(False)
        self._video.close()


def work(
    config: Path,
    addresses: Sequence[str],
    shift: Shift,
    leaving: threading.Event,
    tell: Callable[[Served], None],
) -> Shift:
    """Serve the calls of the robots at `addresses` until the shift is over or `leaving` is set.

    `tell` hears of each call as it ends.

    Raises:
        ConfigError: a robot there was never paired with this `config`.
        LinkError: an address cannot be used.
    """
    links = {address: _link(config, address) for address in addresses}
    desk: Desk | None = None
    try:
        for link in links.values():
            link.start()
        while not (leaving.wait(LOOK_S) or shift.over(now_ns())):
            stamp_ns = now_ns()
            for link in links.values():
                link.alive(stamp_ns)
            views = {address: link.view(stamp_ns) for address, link in links.items()}
            states = {
                address: view.state
                for address, view in views.items()
                if view.state is not None and view.reach is Reach.CONNECTED
            }
            before, view = shift, views.get(shift.at)
            if desk is None and view is not None and view.media is not None and view.media.cameras:
                desk = Desk(links[shift.at], view.media.cameras[0].name)
            seen = desk.seen(view, stamp_ns) if desk is not None and view is not None else None
            shift, hands = shift.step(states, seen, stamp_ns)
            if desk is not None and view is not None:
                desk.act(hands, view.state, yours=view.yours, stamp_ns=stamp_ns)
            if before.at and shift.at != before.at and desk is not None:
                desk.close()
                desk = None
            for one in shift.served[len(before.served) :]:
                log.info("%s of %s: %s, %s", one.call.number, one.call.robot, one.end, one.outcome)
                tell(one)
        return shift
    finally:
        if desk is not None:
            desk.close()
        for link in links.values():
            link.close()


def _link(config: Path, address: str) -> OperatorLink:
    host, _, port = address.rpartition(":")
    return OperatorLink(credentials_for(config, host, int(port)), host, int(port))
