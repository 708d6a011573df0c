"""What has to be drawn of a MuJoCo model for one camera, and in which order.

Software OpenGL pays for every pixel of every shape, also where another hides it, and for every
corner, also out of sight. So what is out of sight is left out, and what is large, floor and
walls, comes last, where most of it is found hidden. Neither changes a pixel. Where a camera stands
still, what stands still looks the same in every picture. Groups of geoms, which are for looks
alone, tell MuJoCo which to draw; a model that is drawn thus is for drawing alone.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teleop.lens import Lens, Window
from teleop.mujoco_loading import mujoco

SHOWN_GROUPS: Final = 3  # MuJoCo's own: from the fourth on they are collision shapes and the like
_LAST: Final = 4  # groups that are free here
_HIDDEN: Final = 5
LARGE: Final = 0.5  # of the scene's extent: the radius around what is drawn last


class Sight:
    """One model, `Sight.choose` before each picture."""

    def __init__(self, model: Any, data: Any) -> None:
        self._model, self._data = model, data
        self._shown = model.geom_group < SHOWN_GROUPS
        self._groups = np.where(self._shown, model.geom_group, _HIDDEN).astype(np.int32)
        self._endless = model.geom_rbound == 0  # planes
        large = self._endless | (model.geom_rbound > LARGE * model.stat.extent)
        self._groups[self._shown & large] = _LAST
        self._moves = _moving(model)[model.geom_bodyid]
        self._sites = model.site_group.copy()
        self._site_moves = _moving(model)[model.site_bodyid]
        site_shown = self._site_moves & (self._sites < SHOWN_GROUPS)
        self._moving_geoms = np.flatnonzero(self._shown & self._moves)
        self._moving_sites = np.flatnonzero(site_shown)
        self._radii = np.concatenate(
            [
                model.geom_rbound[self._moving_geoms],
                np.linalg.norm(model.site_size[self._moving_sites], axis=1),
            ]
        )
        self.first, self.last = mujoco.MjvOption(), mujoco.MjvOption()
        self.last.geomgroup[:] = self.last.sitegroup[:] = self.last.flags[:] = 0
        self.last.geomgroup[_LAST] = 1
        for flag in (mujoco.mjtVisFlag.mjVIS_TEXTURE, mujoco.mjtVisFlag.mjVIS_STATIC):
            self.last.flags[flag] = 1

    @property
    def needs_stencil(self) -> bool:
        """Whether anything throws a shadow or mirrors: MuJoCo cuts those out by stencil."""
        model = self._model
        shadows = model.vis.quality.shadowsize > 0 and bool(model.light_castshadow.any())
        return shadows or bool(model.mat_reflectance.any())

    def stands_still(self, camera: int) -> bool:
        """Whether what does not move looks the same in every picture of `camera`.

        Not where light moves, where things throw shadows or are mirrored, and not where the model
        has parts whose bounds nobody asks for here.
        """
        model = self._model
        moving = _moving(model)
        beams = bool((model.sensor_type == mujoco.mjtSensor.mjSENS_RANGEFINDER).any())
        others = model.nskin + model.nflex + model.ntendon > 0
        return not (
            moving[model.cam_bodyid[camera]]
            or model.cam_mode[camera] != mujoco.mjtCamLight.mjCAMLIGHT_FIXED
            or moving[model.light_bodyid].any()
            or (model.light_mode != mujoco.mjtCamLight.mjCAMLIGHT_FIXED).any()
            or self.needs_stencil
            or beams
            or others
            or (self._endless & self._moves & self._shown).any()
        )

    def covered(self, camera: int, lens: Lens, width: int, height: int) -> Window | None:
        """Where in the picture there may be anything that moves."""
        data = self._data
        places = np.concatenate(
            [data.geom_xpos[self._moving_geoms], data.site_xpos[self._moving_sites]]
        )
        return lens.covered(self._seen_from(camera, places), self._radii, width, height)

    def choose(self, camera: int, lens: Lens | None, *, moving: bool = True) -> None:
        """Show what `lens` has in sight, everything without one; `moving` or without that."""
        model = self._model
        shown = self._shown
        if lens is not None:
            places = self._seen_from(camera, self._data.geom_xpos)
            shown = shown & (self._endless | lens.sees(places, model.geom_rbound))
        if not moving:
            shown = shown & ~self._moves
        model.geom_group[:] = np.where(shown, self._groups, _HIDDEN)
        model.site_group[:] = np.where(self._site_moves & (not moving), _HIDDEN, self._sites)

    def _seen_from(self, camera: int, places: Any) -> Any:
        eye, axes = self._data.cam_xpos[camera], self._data.cam_xmat[camera].reshape(3, 3)
        return (places - eye) @ axes


def _moving(model: Any) -> Any:
    """Of each body: whether it may move against the world."""
    return (model.body_weldid != 0) | (model.body_mocapid[model.body_rootid] >= 0)
