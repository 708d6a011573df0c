"""The table's surfaces, painted at start: a cutting mat with its grid, a pegboard, soft shadows.

Only the cameras use it; physics and the scene's hash do not depend on a colour.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teleop import home_paint
from teleop.home_paint import Pixels, fill
from teleop.mujoco_loading import mujoco

MAT_M: Final = ((0.07, 0.55), (-0.34, 0.34))  # x and y of its edges, as in arm.xml
MAT: Final = (0.17, 0.19, 0.21)
LINES: Final = (0.30, 0.33, 0.35)
GRID_M: Final = (0.05, 0.01)  # strong and weak lines
# Soft shadows on the mat: body, half size with softness, darkness. What moves has none.
SHADOWS: Final = (("tray", 0.095, 0.45), ("turret", 0.13, 0.5))


def paint(model: Any, seed: int) -> None:
    """Fill the scene's flat textures; one that a user's scene lacks is left out."""
    home_paint.paint(model, seed)  # bench and walls are made of what the home is made of
    rng = np.random.default_rng([seed, 1])
    fill(model, "mat", lambda high, wide: _mat(model, high, wide, rng))
    fill(model, "board", _pegboard)


def _mat(model: Any, high: int, wide: int, rng: np.random.Generator) -> Pixels:
    """Rows of the texture run along y, from the far edge to the near one; columns along x."""
    (x_low, x_high), (y_low, y_high) = MAT_M
    x = x_low + (np.arange(wide) + 0.5) / wide * (x_high - x_low)
    y = y_high - (np.arange(high) + 0.5) / high * (y_high - y_low)
    x, y = np.meshgrid(x, y)
    light = 1 + 0.025 * rng.standard_normal((high, wide))
    pixels = np.broadcast_to(MAT, (high, wide, 3)).copy()
    edge = np.minimum(np.minimum(x - x_low, x_high - x), np.minimum(y - y_low, y_high - y))
    for pitch_m, half_m, strength in ((GRID_M[1], 0.0004, 0.22), (GRID_M[0], 0.0007, 0.75)):
        off = np.minimum(np.abs(x % pitch_m), pitch_m - np.abs(x % pitch_m))
        off = np.minimum(off, np.minimum(np.abs(y % pitch_m), pitch_m - np.abs(y % pitch_m)))
        on = ((off < half_m) & (edge > 0.01))[..., None] * strength
        pixels = pixels * (1 - on) + np.array(LINES) * on
    for name, half_m, dark in SHADOWS:
        body = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name)
        if body < 0:
            continue
        at_x, at_y = model.body_pos[body][:2]
        away = np.maximum(np.abs(x - at_x), np.abs(y - at_y)) / half_m
        light *= 1 - dark * np.clip(1.5 - 1.5 * away, 0, 1)
    return np.asarray(pixels * light[..., None], np.float32)


def _pegboard(high: int, wide: int) -> Pixels:
    """Hardboard with round holes, an inch apart."""
    u, v = np.meshgrid(np.arange(wide) * 0.6 / wide % 0.025, np.arange(high) * 0.32 / high % 0.025)
    hole = np.hypot(u - 0.0125, v - 0.0125) < 0.0035
    return np.where(hole[..., None], np.float32(0.25), np.array([0.80, 0.76, 0.69], np.float32))
