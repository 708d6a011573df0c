"""The home's surfaces, painted at start: planks, rug, wood grain, books, baked soft shadows.

Only the cameras use it; physics and the scene's hash do not depend on a colour. Shadows are painted
because drawing them costs software OpenGL forty milliseconds a frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teleop.mujoco_loading import mujoco

Pixels = npt.NDArray[np.float32]  # (height, width) or (height, width, 3), 0 .. 1

FLOORS: Final = ((0.70, 0.50, 0.33), (0.78, 0.63, 0.46), (0.56, 0.42, 0.31))  # oak, maple, smoked
RUGS: Final = (
    ((0.56, 0.22, 0.19), (0.86, 0.77, 0.62), (0.30, 0.13, 0.13)),
    ((0.24, 0.33, 0.46), (0.85, 0.82, 0.73), (0.13, 0.18, 0.27)),
    ((0.78, 0.72, 0.62), (0.42, 0.33, 0.27), (0.62, 0.53, 0.43)),
    ((0.27, 0.38, 0.33), (0.84, 0.79, 0.65), (0.15, 0.22, 0.19)),
)
BOOK_COLOURS: Final = (
    (0.55, 0.2, 0.16),
    (0.2, 0.3, 0.45),
    (0.25, 0.4, 0.32),
    (0.8, 0.75, 0.62),
    (0.35, 0.26, 0.42),
    (0.75, 0.52, 0.22),
    (0.18, 0.2, 0.24),
    (0.5, 0.56, 0.62),
)
ROOM_M: Final = (2.5, 2.0)  # half sizes of the floor
PLANK_M: Final = (1.25, 0.125)
SEAM_M: Final = 0.003
SOFT_M: Final = 0.01  # grid of the painted shadows
# Soft shadows on the floor: body, offset (away from the window), half sizes, softness, darkness.
SHADOWS: Final = (
    ("sofa", 0.0, 0.03, 0.93, 0.36, 0.16, 0.62),
    ("sofa", 0.05, -0.05, 0.95, 0.42, 0.35, 0.30),
    ("dining_table", 0.0, 0.0, 0.52, 0.32, 0.40, 0.42),
    ("dining_table", 0.22, -0.10, 0.60, 0.40, 0.20, 0.22),
    ("low_table", 0.0, 0.0, 0.38, 0.23, 0.20, 0.40),
    ("low_table", 0.11, -0.05, 0.41, 0.26, 0.10, 0.30),
    ("sideboard", 0.0, 0.0, 0.74, 0.19, 0.14, 0.6),
    ("sideboard", 0.05, 0.05, 0.75, 0.20, 0.30, 0.25),
    ("bookshelf", -0.03, 0.0, 0.17, 0.50, 0.30, 0.5),
    ("toy_box", 0.04, -0.02, 0.18, 0.14, 0.10, 0.5),
    ("toy_ball", 0.03, -0.02, 0.03, 0.03, 0.09, 0.55),
    ("plant", 0.02, 0.0, 0.12, 0.12, 0.30, 0.5),
    ("slippers", -0.06, 0.0, 0.03, 0.10, 0.05, 0.4),
    ("slippers", 0.08, 0.03, 0.03, 0.10, 0.05, 0.4),
    *((f"chair_{number}", 0.0, 0.0, 0.15, 0.15, 0.22, 0.36) for number in (1, 2, 3, 4)),
)
PANES: Final = ((-0.62, -0.08), (0.02, 0.56))  # sunlight through the window: y from, to at its foot


def paint(model: Any, seed: int) -> None:
    """Fill the scene's flat textures: planks, rug, wood grain, walls, and soft shadows on them.

    Called before a graphics context uploads them. A scene without these textures stays as it is.
    """
    rng = np.random.default_rng([seed, 1])
    floor, rug = FLOORS[int(rng.integers(len(FLOORS)))], RUGS[int(rng.integers(len(RUGS)))]
    fill(model, "floor", lambda high, wide: _planks(model, floor, high, wide, rng))
    fill(model, "rug", lambda high, wide: _rug(model, rug, high, wide, rng))
    fill(model, "wood", lambda high, wide: _wood(high, wide, rng))
    fill(model, "wall", lambda high, wide: _wall(high, wide))
    for shelf in (1, 2, 3, 4):
        fill(model, f"books_{shelf}", lambda high, wide: _books(high, wide, rng))


_WOOD: Final = np.array([0.72, 0.5, 0.33])
_WALL: Final = np.array([0.87, 0.845, 0.79])


def fill(model: Any, name: str, draw: Callable[[int, int], Pixels]) -> None:
    """Fill one flat texture of the model, if it has it, with what `draw` makes of its size."""
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_TEXTURE, name)
    if index < 0 or model.tex_nchannel[index] != 3:
        return
    high, wide = int(model.tex_height[index]), int(model.tex_width[index])
    pixels = np.clip(draw(high, wide) * 255, 0, 255).astype(np.uint8)
    start = int(model.tex_adr[index])
    model.tex_data[start : start + pixels.size] = pixels.ravel()


def _single(image: Any) -> Pixels:
    """Single precision: a floor of four million texels is painted while somebody waits."""
    return np.asarray(image, np.float32)


def _centres(count: int) -> Pixels:
    return (np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(count)


def _grain(high: int, wide: int, stretch: int, rng: np.random.Generator) -> Pixels:
    """Noise of about -1 .. 1 drawn out along x, as wood is."""
    coarse = _single(0.6 * rng.standard_normal((high, wide // stretch + 2)))
    at = np.arange(wide) / stretch
    left = at.astype(int)
    part = _single(at - left)
    return coarse[:, left] * (1 - part) + coarse[:, left + 1] * part


def _wood(high: int, wide: int, rng: np.random.Generator) -> Pixels:
    return _single((1 + 0.05 * _grain(high, wide, 32, rng))[..., None] * _WOOD)


def _planks(
    model: Any, colour: tuple[float, ...], high: int, wide: int, rng: np.random.Generator
) -> Pixels:
    x = _centres(wide) * np.float32(2 * ROOM_M[0] / PLANK_M[0])  # in planks
    y = (1 - _centres(high)) * np.float32(2 * ROOM_M[1] / PLANK_M[1])  # the first row is far away
    row = y.astype(int)
    shift = _single(rng.uniform(0, 1, row.max() + 1))[row]
    along = x[None, :] + shift[:, None]
    column = along.astype(int)
    tones = _single(rng.uniform(0.88, 1.08, (row.max() + 1, column.max() + 1)))
    tone = tones[row[:, None], column]
    seam = (along - column < SEAM_M / PLANK_M[0]) | ((y - row) < SEAM_M / PLANK_M[1])[:, None]
    tone *= np.where(seam, np.float32(0.68), np.float32(1))
    tone += np.float32(0.035) * _grain(high, wide, 40, rng)
    small = (round(2 * ROOM_M[1] / SOFT_M), round(2 * ROOM_M[0] / SOFT_M))
    grid_x, grid_y = np.meshgrid(
        (2 * _centres(small[1]) - 1) * ROOM_M[0],
        (1 - 2 * _centres(small[0])) * ROOM_M[1],
    )
    light = _enlarged(_light(model, grid_x, grid_y), high, wide)
    return _single((tone * light)[..., None] * _single(colour))


def _enlarged(image: Pixels, high: int, wide: int) -> Pixels:
    """Linear interpolation to a larger size."""

    def axis(old: int, new: int) -> tuple[npt.NDArray[np.intp], Pixels]:
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1.001)
        return at.astype(np.intp), _single(at % 1)

    (top, down), (left, right) = axis(image.shape[0], high), axis(image.shape[1], wide)
    rows = image[top] * (1 - down[:, None]) + image[top + 1] * down[:, None]
    return _single(rows[:, left] * (1 - right) + rows[:, left + 1] * right)


def _light(model: Any, x: Pixels, y: Pixels) -> Pixels:
    """How bright the floor is at world points: sun patches, shaded under furniture and at walls."""
    light = np.ones_like(x)
    for low, up in PANES:
        slant = y - 0.12 * (x + 1.0)  # the sun stands a little to the south
        inside = np.minimum(np.minimum(slant - low, up - slant), np.minimum(x + 0.95, 0.5 - x))
        light += 0.22 * np.clip(inside / 0.05 + 0.5, 0, 1)
    wall = np.minimum(ROOM_M[0] - np.abs(x), ROOM_M[1] - np.abs(y))
    light *= 1 - 0.28 * np.exp(-wall / 0.14)
    for name, dx, dy, half_x, half_y, soft, dark in SHADOWS:
        index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name)
        if index < 0:
            continue
        where, quat = model.body_pos[index], model.body_quat[index]
        turn = 2 * math.atan2(quat[3], quat[0])
        cos, sin = math.cos(turn), math.sin(turn)
        to_x, to_y = x - where[0] - dx, y - where[1] - dy
        along = np.abs(cos * to_x + sin * to_y) - half_x
        across = np.abs(cos * to_y - sin * to_x) - half_y
        outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
        signed = outside + np.minimum(np.maximum(along, across), 0)
        part = np.clip(0.5 - signed / (2 * soft), 0, 1)
        light *= 1 - dark * part * part * (3 - 2 * part)
    return _single(light)


def _rug(
    model: Any,
    palette: tuple[tuple[float, ...], ...],
    high: int,
    wide: int,
    rng: np.random.Generator,
) -> Pixels:
    """Bands along the edge, a lattice of lozenges in the field, and the weave."""
    ground, light, dark = (np.array(colour) for colour in palette)
    u, v = np.meshgrid(_centres(wide) * 1.8, (1 - _centres(high)) * 1.26)
    edge = np.minimum(np.minimum(u, 1.8 - u), np.minimum(v, 1.26 - v))
    pixels = np.broadcast_to(ground, (high, wide, 3)).copy()
    lattice = (
        np.abs((u - 0.9) % 0.225 - 0.1125) / 0.1125 + np.abs((v - 0.63) % 0.21 - 0.105) / 0.105
    )
    pixels[(lattice > 0.93) & (lattice < 1.07)] = light
    pixels[lattice < 0.3] = dark
    zigzag = np.abs((u + v) % 0.16 - 0.08) + np.abs((u - v) % 0.16 - 0.08)
    band = edge < 0.2
    pixels[band] = dark
    pixels[band & (edge > 0.05) & (edge < 0.15) & (zigzag < 0.045)] = light
    for low, up, colour in ((0.0, 0.03, light), (0.042, 0.05, light), (0.16, 0.2, light)):
        pixels[(edge >= low) & (edge < up)] = colour
    pixels[(edge >= 0.17) & (edge < 0.19)] = ground
    weave = 1 + 0.05 * rng.standard_normal((high, wide))
    weave[::3] *= 0.93
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, "rug")
    centre, quat = model.body_pos[index], model.body_quat[index]
    turn = 2 * math.atan2(quat[3], quat[0])
    x = centre[0] + math.cos(turn) * (u - 0.9) - math.sin(turn) * (v - 0.63)
    y = centre[1] + math.sin(turn) * (u - 0.9) + math.cos(turn) * (v - 0.63)
    return _single(pixels * (weave * _light(model, _single(x), _single(y)))[..., None])


def _wall(high: int, wide: int) -> Pixels:
    """Plaster, darker towards the floor and the ceiling."""
    up = 1 - _centres(high)  # the first row is the top one
    shade = 1 - 0.22 * np.exp(-up / 0.08) - 0.12 * np.exp(-(1 - up) / 0.1)
    return _single(np.broadcast_to(shade[:, None, None] * _WALL, (high, wide, 3)))


def _books(high: int, wide: int, rng: np.random.Generator) -> Pixels:
    """A row of spines seen from the front; above a low book it is dark."""
    pixels = np.full((high, wide, 3), 0.07, np.float32)
    left = 0
    while left < wide:
        right = min(wide, left + int(rng.integers(6, 15)))  # 22 to 52 mm
        top = int(high * rng.uniform(0.0, 0.32))
        colour = _single(BOOK_COLOURS[int(rng.integers(len(BOOK_COLOURS)))])
        pixels[top:, left:right] = colour * np.float32(rng.uniform(0.85, 1.1))
        pixels[top + 8 : top + 11, left:right] *= np.float32(rng.uniform(0.6, 1.5))  # its title
        pixels[top:, right - 1] *= np.float32(0.45)
        left = right
    return pixels
