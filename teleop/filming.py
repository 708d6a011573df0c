"""The thread that takes the pictures of all cameras and hands each to the stream and the recorder.

No camera can end it: one that raises, or gives nothing, is asked again while the others go on.
Only the first `open` may fail, which ends the start of the process with the rig's own words.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from teleop.camera_watch import CameraWatch, Shot
from teleop.robot import CameraRig, RobotError
from teleop.streamed_camera import StreamedCamera
from transport.clock import NS_PER_S, now_ns
from transport.mailbox import Mailbox
from transport.messages import Tick

log = logging.getLogger("media")

NO_TICK_S: Final = 0.2  # without a tick for so long control is away
REOPEN_S: Final = 2.0  # with no camera left that gives anything, the whole rig is opened again


class Filming:
    """All cameras of one rig; `run` is the thread, everything else may be asked from any."""

    def __init__(
        self,
        rig: CameraRig,
        streams: Sequence[StreamedCamera],
        record: Callable[[Shot], None],
    ) -> None:
        """`record` is called with every new picture, on the thread."""
        self.opened = threading.Event()
        self.fps = dict.fromkeys(rig.names, 0.0)  # new pictures of each camera
        self._rig = rig
        self._streams = streams
        self._record = record
        began_ns = now_ns()
        self.watches = {
            name: CameraWatch(
                name, noisy=rig.noisy, recorded=(rig.width, rig.height), now_ns=began_ns
            )
            for name in rig.names
        }
        self._failing: dict[str, str] = {}  # cameras that raise, and what they said
        self._reopen_ns = 0

    def run(self, ticks: Mailbox[Tick], leaving: threading.Event) -> None:
        """Take pictures of every tick until `leaving` is set.

        Raises:
            RobotError: the cameras cannot be opened in the first place.
        """
        counted_ns, counted = now_ns(), dict.fromkeys(self.watches, 0)
        try:
            self._rig.open()
            self.opened.set()
            while not leaving.is_set():
                asked_ns = now_ns()
                tick = ticks.wait(NO_TICK_S)
                if tick is not None:
                    self._film_all(tick.state, tick.stamp_ns)
                elif self._rig.noisy:  # real cameras see the world without control, too
                    self._film_all(b"", now_ns())
                else:
                    for watch in self.watches.values():
                        watch.not_asked(now_ns() - asked_ns)
                self._look_after_rig()
                passed_s = (now_ns() - counted_ns) / NS_PER_S
                if passed_s >= 1.0:
                    captured = {name: w.counts.captured for name, w in self.watches.items()}
                    for name, count in captured.items():
                        self.fps[name] = (count - counted[name]) / passed_s
                    counted_ns, counted = now_ns(), captured
        finally:
            self._rig.close()

    def _film_all(self, state: bytes, stamp_ns: int) -> None:
        for camera, watch in self.watches.items():
            self._film(camera, watch, state, stamp_ns)

    def _film(self, camera: str, watch: CameraWatch, state: bytes, stamp_ns: int) -> None:
        if not watch.due(now_ns()):
            return
        try:
            taken = self._rig.render(camera, state)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; it is one camera's
            self._note_failure(camera, error)
            watch.failed(str(error) or type(error).__name__, now_ns())
            return
        if self._failing.pop(camera, None) is not None:
            log.warning("camera %s is back", camera)
        jumped = watch.counts.jumped
        shot = watch.took(taken, stamp_ns, now_ns())
        if watch.counts.jumped > jumped == 0:
            log.warning("camera %s had its clock set back: its arrival is a picture's age", camera)
        if shot is not None:
            for stream in self._streams:
                if stream.camera == camera:
                    stream.shots.put(shot)
            self._record(shot)

    def _note_failure(self, camera: str, error: Exception) -> None:
        if camera not in self._failing:
            log.warning("camera %s fails: %r; it is tried again", camera, error)
            self._reopen_ns = now_ns() + int(REOPEN_S * NS_PER_S)
        self._failing[camera] = str(error)

    def _look_after_rig(self) -> None:
        """Where every camera fails, it is the rig: its graphics, its bus, its driver."""
        if len(self._failing) < len(self.watches) or now_ns() < self._reopen_ns:
            return
        self._reopen_ns = now_ns() + int(REOPEN_S * NS_PER_S)
        try:
            self._rig.close()
            self._rig.open()
        except RobotError as error:
            log.warning("the cameras cannot be opened again: %s", error)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("the cameras cannot be opened again: %r", error)
