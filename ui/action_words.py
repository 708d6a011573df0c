"""What each key and button does, in words: for the cheat sheet and the editor. No Qt."""

from __future__ import annotations

from typing import Final

from teleop.input_profile import Action
from transport.messages import RobotKind
from ui.speech import later

DOES: Final = {
    Action.STOP: later("STOP, whatever has the focus"),
    Action.DEADMAN: later("hold it to drive"),
    Action.FORWARD: later("drive forward"),
    Action.BACK: later("drive back"),
    Action.LEFT: later("turn left"),
    Action.RIGHT: later("turn right"),
    Action.SLIDE_LEFT: later("move left"),
    Action.SLIDE_RIGHT: later("move right"),
    Action.UP: later("move up"),
    Action.DOWN: later("move down"),
    Action.CLOSE: later("close the gripper"),
    Action.OPEN: later("open the gripper"),
    Action.TURBO: later("full power while held"),
    Action.PRECISE: later("slow and precise while held"),
    Action.ZERO: later("motion to zero until pressed again"),
    Action.ACCEPT_OR_HAND_BACK: later("accept the call; hand back while you drive"),
    Action.ACCEPT_OR_REQUEST: later("accept the call, or request the lease"),
    Action.REQUEST_OR_RELEASE: later("request or release the lease"),
    Action.RELEASE: later("release the lease"),
    Action.HAND_BACK: later("hand back to autonomy"),
    Action.ARM: later("arm the motors"),
    Action.MARKER: later("marker"),
    Action.SUCCESS: later("outcome success"),
    Action.FAILURE: later("outcome failure"),
    Action.CLEAR_OUTCOME: later("take the outcome back"),
    Action.CAMERA_1: later("camera 1 in the main view"),
    Action.CAMERA_2: later("camera 2 in the main view"),
    Action.CAMERA_3: later("camera 3 in the main view"),
    Action.CAMERA_4: later("camera 4 in the main view"),
    Action.CAMERA_5: later("camera 5 in the main view"),
    Action.CAMERA_6: later("camera 6 in the main view"),
    Action.CAMERA_7: later("camera 7 in the main view"),
    Action.CAMERA_8: later("camera 8 in the main view"),
    Action.CAMERA_9: later("camera 9 in the main view"),
    Action.REASONS: later("why the robot does not move"),
    Action.FIGURES: later("figures of the link over the picture"),
    Action.FULL_SCREEN: later("full screen"),
    Action.HELP: later("this sheet"),
}
# Of an arm, where it differs.
ARM_DOES: Final = DOES | {Action.TURBO: later("full speed while held")}


def words_of(kind: RobotKind) -> dict[Action, str]:
    """What each action does to a robot of this kind."""
    return ARM_DOES if kind is RobotKind.ARM else DOES
