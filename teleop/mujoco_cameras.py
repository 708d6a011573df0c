"""Cameras of a bundled robot, drawn by MuJoCo from the states they are handed.

What is the same for every simulated scene: the graphics context, its thread, its timing. A robot's
rig says which model is drawn, how it is painted and what its cameras are called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from recorder.provenance import CameraSettings
from teleop.mujoco_loading import GL_PROBLEM, mujoco
from teleop.mujoco_state import set_state
from teleop.robot import Image, RobotError
from transport.clock import NS_PER_MS, now_ns, sleep_until

# Drawing in software takes every core. The picture drawn before has them first, for its way to the
# screen, which takes 6 to 7 ms: its age falls by 5 ms, that of the next grows by 1 to 2 (measured
# on two cores).
GO_FIRST_NS: Final = 8 * NS_PER_MS
SLOW_NS: Final = 10 * NS_PER_MS  # drawing that takes as long has no time for that


class MujocoCameras:
    """A `CameraRig` that draws one model; subclasses make it theirs.

    The graphics context belongs to the thread of the first `render`; call `close` there too.
    """

    noisy: bool = False  # where nothing moves, two pictures are the same
    gives_way: bool = True  # to the picture before, as long as that is on its way to a screen

    def __init__(
        self,
        model: Any,
        names: tuple[str, ...],
        paint: Callable[[Any], None],
        width: int,
        height: int,
    ) -> None:
        self.names = names
        self.width = width
        self.height = height
        self._model = model
        self._paint = paint
        self._data = mujoco.MjData(self._model)
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._option = mujoco.MjvOption()
        self._option.geomgroup[3] = 0  # collision shapes that are not looked at
        self._scene = mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 50)
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._gl: Any = None
        self._context: Any = None
        self._drawn_ns = self._took_ns = 0

    def render(self, camera: str, state: bytes) -> Image:
        """The picture of `camera` for a robot's snapshot."""
        if self.gives_way and self._took_ns < SLOW_NS:
            sleep_until(self._drawn_ns + GO_FIRST_NS)
        begin_ns = now_ns()
        self._view.fixedcamid = self._number(camera)
        set_state(self._model, self._data, state)
        # Poses of bodies, cameras and lights; contacts and forces cannot be seen.
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        if self._context is None:
            self.open()
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self._model,
            self._data,
            self._option,
            None,
            self._view,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        mujoco.mjr_render(self._rect, self._scene, self._context)
        bottom_up = np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_readPixels(bottom_up, None, self._rect, self._context)
        picture = np.ascontiguousarray(bottom_up[::-1])
        self._drawn_ns = now_ns()
        self._took_ns = self._drawn_ns - begin_ns
        return picture

    def settings(self, camera: str) -> CameraSettings:
        """Of the simulated camera: an exact pinhole."""
        number = self._number(camera)
        body = self._model.body(self._model.cam_bodyid[number]).name
        focal_px = self.height / 2 / math.tan(math.radians(self._model.cam_fovy[number]) / 2)
        x, y, z = (float(v) for v in self._model.cam_pos[number])
        qw, qx, qy, qz = (float(v) for v in self._model.cam_quat[number])
        return CameraSettings(
            serial="simulated",
            frame=body,
            position_m=(x, y, z),
            rotation_wxyz=(qw, qx, qy, qz),
            focal_px=(focal_px, focal_px),
            centre_px=(self.width / 2, self.height / 2),
        )

    def _number(self, camera: str) -> int:
        found = int(mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, camera))
        if found < 0:
            raise RobotError(
                f"The scene has no camera {camera!r}; compare with the bundled scene file."
            )
        return found

    def close(self) -> None:
        """Release the graphics context; idempotent."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
            self._context = None
        if self._gl is not None:
            self._gl.free()
            self._gl = None

    def open(self) -> None:
        """Make a graphics context in this thread and upload the painted scene."""
        if GL_PROBLEM:
            raise RobotError(_no_graphics(GL_PROBLEM))
        self._model.vis.global_.offwidth = self.width
        self._model.vis.global_.offheight = self.height
        self._paint(self._model)
        try:
            self._gl = mujoco.GLContext(self.width, self.height)
            self._gl.make_current()
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except (ImportError, AttributeError, OSError, RuntimeError, mujoco.FatalError) as error:
            self.close()
            raise RobotError(_no_graphics(f"{type(error).__name__}: {error}")) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        _use_one_mipmap(self._context)


def _use_one_mipmap(context: Any) -> None:
    """Sample one mipmap level instead of blending two: a fifth of the time of software GL."""
    from OpenGL import GL  # only where there is a context: the import itself loads libraries

    for texture in context.texture[: context.ntexture]:
        GL.glBindTexture(GL.GL_TEXTURE_2D, int(texture))
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_MIN_FILTER, GL.GL_LINEAR_MIPMAP_NEAREST)
    GL.glBindTexture(GL.GL_TEXTURE_2D, 0)


def _no_graphics(problem: str) -> str:
    return (
        f"The cameras have no OpenGL ({problem}). On Debian install libegl1 and libgl1-mesa-dri, "
        "or libosmesa6 and set MUJOCO_GL=osmesa."
    )
