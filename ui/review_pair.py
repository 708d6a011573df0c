"""The record beside its replay: two pictures of the same step, each with another camera as inset.

Asks the desk for recorded pictures and the film for replayed ones, and says over each what it is.
While the playhead is dragged only the large pictures are asked for; the insets, which would halve
their rate, go, and come back when it rests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage

from teleop.replay_film import Drawn, Replayed
from ui.review_desk import Desk, Opened
from ui.review_faces import NOTHING, moment, not_replayed, recorded_face, replayed_face
from ui.review_film import ReplayFilm, Wanted
from ui.review_playback import Playback
from ui.review_state import difference, labels_fail
from ui.review_video import ReviewPicture, as_image
from ui.theme import Theme

RESTS_MS: Final = 120  # after the last move of the playhead


class PicturePair(QObject):
    """Knows which episode, camera and row are shown; everything belongs to the window's thread."""

    def __init__(
        self,
        theme: Theme,
        desk: Desk,
        make_film: Callable[..., ReplayFilm],
        heard: Callable[[Replayed], None],
    ) -> None:
        """`heard` is told what came of a replay of the episode that is shown."""
        super().__init__()
        self._desk, self._heard = desk, heard
        self.recorded = ReviewPicture(theme, "Recorded picture", dashed=False)
        self.replay_view = ReviewPicture(theme, "Replayed picture", dashed=True)
        self.film = make_film(self._replayed, self._drawn)
        self.opened: Opened | None = None
        self.replayed: Replayed | None = None
        self.in_view = False
        self._camera = 0
        self._row = -1  # that was asked for last
        self._step = -1  # of the replay, at that row; -1: it has no picture there
        self._resting = QTimer(self, singleShot=True, interval=RESTS_MS)
        self._resting.timeout.connect(lambda: self._ask(inset=True))
        desk.pictured.connect(self._pictured)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Of the episode, by name."""
        if self.opened is None:
            return ()
        return tuple(camera.name for camera in self.opened.manifest.cameras)

    @property
    def camera(self) -> str:
        """Whose pictures are shown large; empty: there is none."""
        return self.cameras[self._camera] if self.cameras else ""

    @property
    def inset(self) -> str:
        """The one after it, shown small; empty: there is only one."""
        cameras = self.cameras
        return cameras[(self._camera + 1) % len(cameras)] if len(cameras) > 1 else ""

    def show_episode(self, opened: Opened | None) -> None:
        """Another episode, or none."""
        self.opened, self.replayed = opened, None
        self._camera = 0
        self._clear()

    def know(self, opened: Opened) -> None:
        """More is known of the episode that is shown."""
        self.opened = opened
        self._row = -1  # wrong labels may have to be found now

    def choose(self, which: int) -> bool:
        """Another camera; whether it is one."""
        if which >= len(self.cameras) or which == self._camera:
            return False
        self._camera = which
        self._clear()
        return True

    def look(self, playback: Playback, deviation: Callable[[int], str]) -> None:
        """Both pictures of this moment; `deviation` says how far a step of the replay is off."""
        opened = self.opened
        if opened is None:
            self.recorded.show_face(NOTHING)
            self.replay_view.show_face(NOTHING)
            return
        tape = opened.tape
        row, step = tape.row_at(playback.at_s), tape.step_at(playback.at_s)
        # The replay is drawn at the moment of the recorded picture, not at that of the playhead.
        drawn = tape.step_at(float(tape.row_s[row])) if row >= 0 else step
        ends = self.replayed.steps if self.replayed is not None else 0
        shown = drawn if 0 <= drawn <= ends else -1
        if not self.in_view:
            self._row = -1  # to be asked for when it is looked at again
        elif (row, shown) != (self._row, self._step) or self.replayed is None:
            self._row, self._step = row, shown
            self._ask(inset=playback.playing)
        self._faces(opened, playback.at_s, row, drawn, deviation(drawn))

    def rest(self) -> None:
        """Nobody looks."""
        self._resting.stop()
        self._desk.rest()
        self.film.rest()

    # --- asking and hearing -----------------------------------------------------------------------

    def _clear(self) -> None:
        self._row = self._step = -1
        for picture in (self.recorded, self.replay_view):
            picture.show_image(None)
            picture.show_inset(None)

    def _ask(self, *, inset: bool) -> None:
        opened = self.opened
        if opened is None or not self.in_view:
            return
        cameras = tuple(name for name in (self.camera, self.inset if inset else "") if name)
        if not inset and self.inset:
            self.recorded.show_inset(None)
            self.replay_view.show_inset(None)
            self._resting.start()
        for camera in cameras if self._row >= 0 else ():
            self._desk.picture(opened.path, camera, self._row)
        wrong = labels_fail(opened.verdict)
        self.film.want(Wanted(str(opened.path), wrong, cameras, self._step))

    def _pictured(self, folder: str, camera: str, row: int, image: QImage) -> None:
        opened = self.opened
        if opened is None or opened.path.name != folder:
            return
        if camera == self.camera:
            self.recorded.show_image(image)
        elif camera == self.inset and row == self._row:
            self.recorded.show_inset(image)

    def _replayed(self, replayed: Replayed) -> None:
        if self.opened is not None and replayed.path == str(self.opened.path):
            self.replayed = replayed
            self._step = -1  # now that it is known how far it goes
            self._heard(replayed)

    def _drawn(self, drawn: Drawn) -> None:
        if self.opened is None or drawn.path != str(self.opened.path) or not drawn.rgb:
            return
        shape = (drawn.height, drawn.width, 3)
        image = as_image(np.frombuffer(drawn.rgb, np.uint8).reshape(shape))
        if drawn.camera == self.camera:
            self.replay_view.show_image(image)
        elif drawn.camera == self.inset and drawn.step == self._step:
            self.replay_view.show_inset(image)

    def _faces(self, opened: Opened, at_s: float, row: int, step: int, off: str) -> None:
        tape, camera = opened.tape, self.camera
        wall = moment(opened.manifest.clock.opened_wall, at_s)
        self.recorded.show_face(recorded_face(row if camera else -1, step, wall))
        missing = not_replayed(
            self.replayed,
            camera,
            step,
            begin_s=tape.second_of(0) if tape.first >= 0 else None,
            end_s=tape.second_of(self.replayed.steps) if self.replayed is not None else 0.0,
        )
        where = difference(opened.verdict) if off else ""
        self.replay_view.show_face(replayed_face(step, missing, off, where))
