"""The cameras of the window: a feed for each, a view for each place, and who is where.

Swapping exchanges feeds between views. Only the view in the main place reports what it has painted,
and it reports the stamp of the feed that it shows. The window's thread only.
"""

from __future__ import annotations

from typing import Final

from teleop.operator_view import LinkView, PictureView
from transport.mailbox import Mailbox
from transport.video_figures import VideoFigures
from ui.arrangement import arranged
from ui.bridge import VideoFeed
from ui.camera_feed import CameraFeed
from ui.kept_choice import KeptChoice
from ui.link_figures import CameraFigures, Figures, Way, figures_of
from ui.screen import Screen
from ui.theme import Theme
from ui.video_view import Painted, Place, VideoView

MOST: Final = 8  # more thumbnails would leave no room for anything else


class Cameras:
    """Makes the views; the window puts them where they belong."""

    def __init__(
        self,
        theme: Theme,
        video: VideoFeed,
        on_painted: Painted,
        kept: KeptChoice | None = None,
    ) -> None:
        """For the cameras that `video` has now. It is told how wide each one is shown, in the
        screen's pixels; 0 for the one in the main view, which is driven by: it comes as large as
        it is. `kept` says which camera was in which place the last time."""
        self.mailboxes = video.mailboxes
        boxes = dict(list(self.mailboxes.items())[:MOST]) or {"front": Mailbox()}
        self._video = video
        self._kept = kept
        self.order = arranged(list(boxes), kept.read() if kept is not None else ())
        self.feeds = {
            camera: CameraFeed(camera, box, number)
            for number, (camera, box) in enumerate(boxes.items(), start=1)
        }
        shown = [self.feeds[camera] for camera in self.order.places]
        self.main = VideoView(theme, shown[0], Place.MAIN, on_painted=on_painted)
        self.second = VideoView(theme, shown[1], Place.SECOND) if len(shown) > 1 else None
        self.strip = tuple(VideoView(theme, feed, Place.STRIP) for feed in shown[2:])
        for view in self.views[1:]:
            view.clicked.connect(lambda which=view: self.swap(which.camera))

    @property
    def views(self) -> tuple[VideoView, ...]:
        """The main one first."""
        return (self.main, *((self.second,) if self.second is not None else ()), *self.strip)

    def wake(self) -> None:
        """A mailbox got a picture. Thumbnails wait for `look`: half the rate does for them."""
        self.main.wake()
        if self.second is not None:
            self.second.wake()

    def look(self, link: LinkView, now_ns: int) -> list[PictureView]:
        """What each view shows now, the main one first."""
        for view in self.strip:
            view.wake()
        for view in self.views:
            width = view.picture_rect().width() * view.devicePixelRatioF()
            self._video.show_at(view.camera, 0 if view is self.main else round(width))
        return [view.feed.view(link.clock_offset_ns, now_ns) for view in self.views]

    def show_faces(self, screen: Screen) -> None:
        """What lies over the pictures."""
        for view, face in zip(self.views, screen.pictures, strict=True):
            main = view is self.main
            view.show_face(face, screen.hud if main else None, screen.banner if main else None)

    def swap(self, camera: str) -> bool:
        """`camera` and the one in the main view change places; whether that changed anything."""
        order = self.order.with_main(camera)
        changed = order != self.order
        self.order = order
        for view, shown in zip(self.views, order.places, strict=True):
            if view.camera != shown:
                view.attach(self.feeds[shown])
        return changed

    def keep(self) -> None:
        """Remember for the next time which camera is where."""
        if self._kept is not None and len(self.feeds) > 1:
            self._kept.write(self.order.places)

    def figures(self, link: LinkView, way: Way, now_ns: int) -> Figures:
        """The figures of all cameras, by number."""
        received = self._video.figures
        return figures_of(
            [
                CameraFigures(
                    number=feed.number,
                    picture=feed.view(link.clock_offset_ns, now_ns),
                    ages_ms=feed.recent_ages_ms(now_ns),
                    received=received.get(feed.camera, VideoFigures()),
                    overwritten=feed.mailbox.overwritten,
                )
                for feed in self.feeds.values()
            ],
            link,
            way,
        )
