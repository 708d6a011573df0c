"""The complete state of a MuJoCo model as bytes, and what each number in it is.

It is MuJoCo's integration state, little-endian float64: with what the model itself fixes, all that
decides how it goes on ("Reproducibility" in MuJoCo's page on computation). What a robot keeps
beside it, a controller's memory say, is not in here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from recorder.replayable import StatePart
from teleop.mujoco_loading import mujoco
from teleop.robot import RobotError

STATE: Final = mujoco.mjtState.mjSTATE_INTEGRATION

# Names and units of a joint's positions and velocities.
_AXES: Final = ("x", "y", "z")
_FREE: Final = (*((axis, "m") for axis in _AXES), *((f"q{c}", "1") for c in "wxyz"))
_FREE_VELOCITY: Final = (
    *((axis, "m/s") for axis in _AXES),
    *((f"turn {axis}", "rad/s") for axis in _AXES),
)


def state_bytes(model: Any, data: Any) -> bytes:
    """The complete state in `data`."""
    numbers = np.empty(mujoco.mj_stateSize(model, STATE))
    mujoco.mj_getState(model, data, numbers, STATE)
    return numbers.astype("<f8").tobytes()


def set_state(model: Any, data: Any, state: bytes) -> None:
    """Write a complete state into `data`; nothing is derived from it yet.

    Raises:
        RobotError: it is of another model, or damaged.
    """
    size = mujoco.mj_stateSize(model, STATE)
    if len(state) != size * 8:
        raise RobotError(
            f"A state of {len(state)} bytes does not belong to this scene, which has {size * 8}. "
            "Use the scenario and the version that recorded it."
        )
    numbers = np.frombuffer(state, "<f8").astype(np.float64)
    if not np.isfinite(numbers).all():
        raise RobotError("The state holds numbers that are none; the recording is damaged there.")
    mujoco.mj_setState(model, data, numbers, STATE)


def state_parts(model: Any) -> tuple[StatePart, ...]:
    """What each number of a complete state is, in order."""
    parts = [StatePart("time", "s", counts=False), *_positions(model), *_velocities(model)]
    sizes = mujoco.mjtState
    for name, kind in (
        ("activation", sizes.mjSTATE_ACT),
        ("history", getattr(sizes, "mjSTATE_HISTORY", None)),  # not before MuJoCo 3.5
        ("warm start", sizes.mjSTATE_WARMSTART),
        ("control", sizes.mjSTATE_CTRL),
        ("applied force", sizes.mjSTATE_QFRC_APPLIED),
        ("applied force", sizes.mjSTATE_XFRC_APPLIED),
        ("constraint", sizes.mjSTATE_EQ_ACTIVE),
        ("guide", sizes.mjSTATE_MOCAP_POS),
        ("guide", sizes.mjSTATE_MOCAP_QUAT),
        ("user", sizes.mjSTATE_USERDATA),
        ("plugin", sizes.mjSTATE_PLUGIN),
    ):
        count = mujoco.mj_stateSize(model, kind) if kind is not None else 0
        parts += [StatePart(f"{name} {i}", "", counts=False) for i in range(count)]
    missing = mujoco.mj_stateSize(model, STATE) - len(parts)
    if missing < 0:
        raise RobotError("This MuJoCo orders its state in another way; no part of it can be named.")
    return (*parts, *(StatePart(f"more {i}", "", counts=False) for i in range(missing)))


def _positions(model: Any) -> Iterator[StatePart]:
    for joint, body, kind in _joints(model):
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            yield from (StatePart(f"{body} {axis}", unit) for axis, unit in _FREE)
        elif kind == mujoco.mjtJoint.mjJNT_BALL:
            yield from (StatePart(f"{joint} q{c}", "1") for c in "wxyz")
        else:
            slides = kind == mujoco.mjtJoint.mjJNT_SLIDE
            yield StatePart(joint, "m" if slides else "rad")


def _velocities(model: Any) -> Iterator[StatePart]:
    for joint, body, kind in _joints(model):
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            yield from (StatePart(f"{body} {axis}", unit) for axis, unit in _FREE_VELOCITY)
        elif kind == mujoco.mjtJoint.mjJNT_BALL:
            yield from (StatePart(f"{joint} turn {axis}", "rad/s") for axis in _AXES)
        else:
            slides = kind == mujoco.mjtJoint.mjJNT_SLIDE
            yield StatePart(joint, "m/s" if slides else "rad/s")


def _joints(model: Any) -> Iterator[tuple[str, str, int]]:
    """(joint's name, its body's name, kind) of each joint, in the order of the state."""
    for number in range(model.njnt):
        body = model.body(int(model.jnt_bodyid[number])).name
        yield model.joint(number).name or body, body, int(model.jnt_type[number])
