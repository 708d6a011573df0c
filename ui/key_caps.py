"""Key caps: the signs for keys and buttons, and which key of the profile in use a part shows.

A part shows one key for what it does, the first that the profile binds; F1 has all of them.
Sentences name the built-in keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleop.input_profile import Action, Profile

if TYPE_CHECKING:
    from ui.main_window import MainWindow

CAPS: Final = {
    "Up": "↑",
    "Down": "↓",
    "Left": "←",
    "Right": "→",
    "Backspace": "⌫",
    "DpadUp": "D-pad ↑",
    "DpadDown": "D-pad ↓",
    "DpadLeft": "D-pad ←",
    "DpadRight": "D-pad →",
    "LeftStick": "Left stick",
    "RightStick": "Right stick",
    "left_x": "Left stick ↔",
    "left_y": "Left stick ↕",
    "right_x": "Right stick ↔",
    "right_y": "Right stick ↕",
    "left_trigger": "Left trigger",
    "right_trigger": "Right trigger",
}
# What is done for itself, or by a key that also does something else in another state.
ACCEPTS: Final = (Action.ACCEPT_OR_HAND_BACK, Action.ACCEPT_OR_REQUEST)
HANDS_BACK: Final = (Action.HAND_BACK, Action.ACCEPT_OR_HAND_BACK)
REQUESTS: Final = (Action.REQUEST_OR_RELEASE, Action.ACCEPT_OR_REQUEST)
RELEASES: Final = (Action.RELEASE, Action.REQUEST_OR_RELEASE)


def cap_of(profile: Profile, *actions: Action) -> str:
    """The cap of the first key bound to the first of the actions that has one; empty for none."""
    keys = (key for action in actions for key in profile.keys_of(action))
    key = next(keys, "")
    return CAPS.get(key, key)


def show_caps(window: MainWindow, profile: Profile) -> None:
    """Let every part of the window that shows a key show the one of this profile."""
    left, labels = window.left, window.labels
    for button, actions in (
        (left.accept, ACCEPTS),
        (labels.marker, (Action.MARKER,)),
        (labels.success, (Action.SUCCESS,)),
        (labels.failure, (Action.FAILURE,)),
        (labels.hand_back, HANDS_BACK),
        (window.top.lease_button, (Action.REQUEST_OR_RELEASE,)),
        (window.reasons.close_button, (Action.REASONS,)),
    ):
        button.show_key(cap_of(profile, *actions))
    left.show_keys(profile)
    labels.fit()
    window.menus.show_keys(profile)
