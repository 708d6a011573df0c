"""A bundled robot on MuJoCo: what is the same for each, whatever moves in its scene.

The complete state is MuJoCo's integration state. Nothing is derived from it here; a robot whose
measurements are read from what MuJoCo derives does that itself after a `restore`.
"""

from __future__ import annotations

import platform
from typing import Any, Final

import numpy as np

from recorder.replayable import StatePart
from teleop.mujoco_loading import mujoco
from teleop.mujoco_state import set_state, state_bytes, state_parts
from teleop.robot import RobotError
from transport.messages import STILL, Description, Twist

HARDWARE: Final = {"model": "bundled MJCF", "serial": "simulated", "firmware": "none"}


def simulator_versions() -> dict[str, str]:
    """Of all that decides how actions become motion here."""
    return {
        "mujoco": str(mujoco.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


class MujocoRobot:
    """The part of a `Restorable` that one model gives; subclasses make it theirs.

    One thread uses it, any may call `hold`.
    """

    def __init__(self, model: Any, scene_sha256: str) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._scene_sha256 = scene_sha256
        self._set_point = STILL

    @property
    def set_point(self) -> Twist:
        """What it is told to do now."""
        return self._set_point

    @property
    def scene_sha256(self) -> str:
        """Hash of the compiled scene's XML."""
        return self._scene_sha256

    def check_recorded(self, description: Description) -> None:
        """Refuse to stand for a robot that was recorded in another scene.

        Raises:
            RobotError: the scene's hash is not the recorded one.
        """
        if self.scene_sha256 != description.scene_sha256:
            raise RobotError(
                f"The scene of {description.scenario!r}, seed {description.seed}, is not the one "
                f"that was recorded: {self.scene_sha256[:12]} here, "
                f"{description.scene_sha256[:12]} there. Replay with the version that recorded it."
            )

    def hold(self) -> None:
        """Ask it to stand still.

        MuJoCo's data is left alone: a step may be using it, and its control belongs to the tick
        that was applied. Nothing moves between two ticks.
        """
        self._set_point = STILL

    def snapshot(self) -> bytes:
        """MuJoCo's integration state, little-endian float64."""
        return state_bytes(self._model, self._data)

    def restore(self, state: bytes) -> None:
        """Return to a `snapshot` of this scene.

        Raises:
            RobotError: it is of another scene, or damaged.
        """
        set_state(self._model, self._data, state)

    def state_parts(self) -> tuple[StatePart, ...]:
        """What each number of a snapshot is."""
        return state_parts(self._model)

    def close(self) -> None:
        """Nothing to release; it is told to stand still."""
        self.hold()
