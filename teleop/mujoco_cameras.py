"""Cameras of a bundled robot, drawn by MuJoCo from the states they are handed.

What is the same for every simulated scene: the graphics context, its thread, its timing. A robot's
rig says which model is drawn, how it is painted and what its cameras are called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recorder.provenance import CameraSettings
from teleop.lens import Lens, Window
from teleop.mujoco_loading import GL_PROBLEM, mujoco
from teleop.mujoco_sight import Sight
from teleop.mujoco_state import set_state
from teleop.robot import Image, RobotError
from transport.clock import NS_PER_MS, now_ns, sleep_until

# Drawing in software takes every core. The picture drawn before has them first, for its way to the
# screen, which takes 6 to 7 ms: its age falls by 5 ms, that of the next grows by 1 to 2 (measured
# on two cores).
GO_FIRST_NS: Final = 8 * NS_PER_MS
QUICK_NS: Final = 4 * NS_PER_MS  # drawing that takes no longer keeps nobody waiting
SLOW_NS: Final = 10 * NS_PER_MS  # drawing that takes as long has no time for that


@dataclass(frozen=True)
class _View:
    """What is known of a camera from its first picture on."""

    number: int
    lens: Lens | None  # None: it has no perspective
    background: Image | None  # what stands still, of a camera that does so itself


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
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._scene = mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 50)
        self._sight = Sight(self._model, self._data)
        self._whole = Window(0, 0, width, height)
        self._views: dict[str, _View] = {}  # as painted in the present context
        self._gl: Any = None
        self._context: Any = None
        self._drawn_ns = 0
        self._took_ns: dict[str, int] = {}  # by camera, the newest picture

    def resize(self, width: int, height: int) -> None:
        """Draw pictures of another size; before `open` only."""
        self.width, self.height = width, height
        self._whole = Window(0, 0, width, height)

    def render(self, camera: str, state: bytes) -> Image:
        """The picture of `camera` for a robot's snapshot."""
        if self.gives_way and QUICK_NS < self._took_ns.get(camera, 0) < SLOW_NS:
            sleep_until(self._drawn_ns + GO_FIRST_NS)
        begin_ns = now_ns()
        number = self._number(camera)
        set_state(self._model, self._data, state)
        # Poses of bodies, cameras and lights; contacts and forces cannot be seen.
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        if self._context is None:
            self.open()
        self._gl.make_current()
        if camera not in self._views:
            self._views[camera] = self._met(number)
        picture = self._picture(self._views[camera])
        self._drawn_ns = now_ns()
        self._took_ns[camera] = self._drawn_ns - begin_ns
        return picture

    def _met(self, number: int) -> _View:
        self._sight.choose(number, None)
        self._update_scene(number)
        lens = _lens(self._scene, self.width / self.height)
        background = None
        if lens is not None and self._sight.stands_still(number):
            self._sight.choose(number, lens, moving=False)
            background = self._draw(number, self._whole)
        return _View(number, lens, background)

    def _picture(self, view: _View) -> Image:
        lens, background = view.lens, view.background
        if lens is None or background is None:
            self._sight.choose(view.number, lens)
            return self._draw(view.number, self._whole)
        picture = background.copy()
        window = self._sight.covered(view.number, lens, self.width, self.height)
        if window is not None:
            part = lens.part(window, self.width, self.height)
            self._sight.choose(view.number, part)
            top, left = self.height - window.bottom - window.height, window.left
            picture[top : top + window.height, left : left + window.width] = self._draw(
                view.number, window, part
            )
        return picture

    def _draw(self, number: int, window: Window, part: Lens | None = None) -> Image:
        """What `Sight` has chosen, in `window` of the picture, which is that `part` of it."""
        self._update_scene(number)
        if part is not None:
            _narrow(self._scene, part)
        rect = mujoco.MjrRect(window.left, window.bottom, window.width, window.height)
        mujoco.mjr_render(rect, self._scene, self._context)
        bottom_up = np.empty((window.height, window.width, 3), np.uint8)
        mujoco.mjr_readPixels(bottom_up, None, rect, self._context)
        return np.ascontiguousarray(bottom_up[::-1])

    def _update_scene(self, number: int) -> None:
        self._camera.fixedcamid = number
        every, scene = mujoco.mjtCatBit.mjCAT_ALL, self._scene
        model, data, sight = self._model, self._data, self._sight
        mujoco.mjv_updateScene(model, data, sight.first, None, self._camera, every, scene)
        mujoco.mjv_addGeoms(model, data, sight.last, mujoco.MjvPerturb(), every, scene)

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
        self._views.clear()
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
        if not self._sight.needs_stencil:
            _leave_out_stencil(self._context, self.width, self.height)


def _lens(scene: Any, aspect: float) -> Lens | None:
    """Of the camera that the scene was updated for."""
    seen = mujoco.mjv_averageCamera(scene.camera[0], scene.camera[1])
    if seen.orthographic:
        return None
    near = seen.frustum_near
    half = seen.frustum_width or aspect * (seen.frustum_top - seen.frustum_bottom) / 2
    return Lens(
        left=(seen.frustum_center - half) / near,
        right=(seen.frustum_center + half) / near,
        bottom=seen.frustum_bottom / near,
        top=seen.frustum_top / near,
    )


def _narrow(scene: Any, part: Lens) -> None:
    """Let the camera that the scene was updated for see that part alone."""
    for eye in scene.camera:  # of a pair for stereo, whose mean is drawn
        near = eye.frustum_near
        eye.frustum_center = (part.left + part.right) / 2 * near
        eye.frustum_width = (part.right - part.left) / 2 * near
        eye.frustum_bottom, eye.frustum_top = part.bottom * near, part.top * near


def _use_one_mipmap(context: Any) -> None:
    """Sample one mipmap level instead of blending two: a fifth of the time of software GL."""
    from OpenGL import GL  # only where there is a context: the import itself loads libraries

    for texture in context.texture[: context.ntexture]:
        GL.glBindTexture(GL.GL_TEXTURE_2D, int(texture))
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_MIN_FILTER, GL.GL_LINEAR_MIPMAP_NEAREST)
    GL.glBindTexture(GL.GL_TEXTURE_2D, 0)


def _leave_out_stencil(context: Any, width: int, height: int) -> None:
    """Depth alone, of the same kind: half the bytes of what MuJoCo asks for, a tenth of the time.

    Where that is refused, it stays as it was.
    """
    from OpenGL import GL, error

    if context.offSamples:
        return
    buffer, framebuffer = GL.GL_RENDERBUFFER, GL.GL_FRAMEBUFFER
    try:
        depth = GL.glGenRenderbuffers(1)
        GL.glBindRenderbuffer(buffer, depth)
        GL.glRenderbufferStorage(buffer, GL.GL_DEPTH_COMPONENT32F, width, height)
    except error.Error:
        return
    GL.glBindFramebuffer(framebuffer, context.offFBO)
    GL.glFramebufferRenderbuffer(framebuffer, GL.GL_DEPTH_STENCIL_ATTACHMENT, buffer, 0)
    GL.glFramebufferRenderbuffer(framebuffer, GL.GL_DEPTH_ATTACHMENT, buffer, depth)
    if GL.glCheckFramebufferStatus(framebuffer) != GL.GL_FRAMEBUFFER_COMPLETE:
        whole = context.offDepthStencil
        GL.glFramebufferRenderbuffer(framebuffer, GL.GL_DEPTH_STENCIL_ATTACHMENT, buffer, whole)


def _no_graphics(problem: str) -> str:
    return (
        f"The cameras have no OpenGL ({problem}). On Debian install libegl1 and libgl1-mesa-dri, "
        "or libosmesa6 and set MUJOCO_GL=osmesa."
    )
