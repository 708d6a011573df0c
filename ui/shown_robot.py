"""One robot as the window shows it: its link and pictures, what has happened, the page to drive on.

The window goes from robot to robot by taking another one of these; the same robot gets another one
when it turns out to have other cameras.
"""

from __future__ import annotations

from transport import clock
from transport.picture import Picture
from ui.bridge import Link, VideoFeed
from ui.cameras import Cameras
from ui.drive_page import DrivePage
from ui.history import History
from ui.kept_choice import KeptChoice
from ui.picture_log import PictureLog
from ui.settle import Settle
from ui.theme import Theme


class ShownRobot:
    """Everything that belongs to this robot and to no other."""

    def __init__(
        self,
        theme: Theme,
        link: Link,
        video: VideoFeed,
        kept: KeptChoice | None = None,
        history: History | None = None,
    ) -> None:
        """`history` goes on where the robot has been shown before."""
        self.link = link
        self.video = video
        self.kept = kept
        self.history = history or History()
        self.settle = Settle()
        self.cameras = Cameras(theme, video, self._main_painted, kept)
        self.page = DrivePage(theme, self.history, self.cameras)
        self.picture_log = PictureLog(self.cameras.feeds.values(), clock.now_ns())

    @property
    def has_other_cameras(self) -> bool:
        """Whether others are received by now than those that the page was made for."""
        return self.cameras.mailboxes is not self.video.mailboxes

    def with_new_cameras(self, theme: Theme) -> ShownRobot:
        """The same robot with the cameras that are received now."""
        self.cameras.keep()
        return ShownRobot(theme, self.link, self.video, self.kept, self.history)

    def _main_painted(self, picture: Picture, painted_ns: int) -> None:
        self.link.painted(picture.captured_ns)
