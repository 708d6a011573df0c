"""The pages of the window, in the order of the rail: no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from teleop.input_profile import Action


class Page(StrEnum):
    """What the middle of the window shows."""

    DRIVE = "Drive"
    CALLS = "Calls"
    COLLECT = "Collect"
    REVIEW = "Review"
    FLEET = "Fleet"


# On the others nobody sees where the robot goes: keys and sticks count as released there.
DRIVING: Final = frozenset({Page.DRIVE, Page.COLLECT})

# Where the main camera's picture is painted; on the others its age says nothing.
PICTURED: Final = frozenset({*DRIVING, Page.CALLS})
# What keys and buttons of the profile mean on every page; the rest belongs to those that drive.
ANYWHERE: Final = frozenset(
    {
        Action.STOP,
        Action.ACCEPT_OR_HAND_BACK,  # presses the button that Tab has reached
        Action.REQUEST_OR_RELEASE,
        Action.RELEASE,
        Action.REASONS,
        Action.HELP,
        Action.FULL_SCREEN,
        Action.ZERO,
    }
)

ICONS: Final = {
    Page.DRIVE: "wheel",
    Page.CALLS: "bell",
    Page.COLLECT: "collect",
    Page.REVIEW: "review",
    Page.FLEET: "fleet",
}
HINTS: Final = {
    Page.DRIVE: "See the robot and drive it",
    Page.CALLS: "Robots that ask for help, the most urgent first",
    Page.COLLECT: "Gather demonstrations of a task, one after the other",
    Page.REVIEW: "Recorded episodes beside their replay",
    Page.FLEET: "All robots, and how well their rescues go",
}


@dataclass(frozen=True)
class RailMark:
    """A page's button in the rail."""

    page: Page
    count: int = 0  # beside its icon; 0: none
    urgent: bool = False  # whether somebody waits for it


def pictured(page: Page) -> bool:
    """Whether the robot's main camera is seen on this page."""
    return page in PICTURED


def drives(page: Page) -> bool:
    """Whether the hands move the robot while this page is shown."""
    return page in DRIVING
