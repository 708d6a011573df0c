"""Which scripted operator does which of the arm's tasks. See `arm_script`."""

from __future__ import annotations

from recorder.provenance import CameraSettings
from teleop.arm_script import ArmOperator, Work, manner
from teleop.pick_script import Picker
from teleop.push_script import Pusher


def operator_for(task: str, camera: CameraSettings, person: int) -> ArmOperator:
    """Somebody who takes the robot, does `task` and hands back; no two persons work alike."""
    return ArmOperator(worker(task, camera, person))


def worker(task: str, camera: CameraSettings, person: int) -> Work:
    """The same, without the session around it."""
    workers: dict[str, type[Picker] | type[Pusher]] = {"pick-place": Picker, "push": Pusher}
    return workers[task](camera, manner(person))
