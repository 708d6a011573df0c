"""Owns the import of MuJoCo: the OpenGL backend must be chosen before it, once per process.

Whoever steps or draws a scene takes `mujoco` from here, and from `GL_PROBLEM` why it cannot draw.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def _import_mujoco() -> tuple[Any, str]:
    """MuJoCo, and why it has no OpenGL ("" when it has).

    MuJoCo loads its OpenGL backend while it is imported and fails altogether when the libraries
    are missing; physics needs none, so it is imported once more with drawing switched off.
    """
    if sys.platform == "linux":
        os.environ.setdefault("MUJOCO_GL", "egl")  # offscreen, with or without a display
    try:
        import mujoco.rollout  # many steps in C; mujoco itself comes with it
    except ModuleNotFoundError:
        raise
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        problem = f"{type(error).__name__}: {error}"
        backend = os.environ.get("MUJOCO_GL", "")
        os.environ["MUJOCO_GL"] = "disabled"
        import mujoco.rollout

        return mujoco, f"MUJOCO_GL={backend or 'unset'}: {problem}"
    return mujoco, ""


mujoco, GL_PROBLEM = _import_mujoco()
