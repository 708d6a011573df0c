"""A scene as a file has it, before a seed varies it: the bundled one of a robot, or another.

What is the same for every simulated scene: finding the file, naming what it lacks or why MuJoCo
cannot build it. `home_scene` and `arm_scene` say what is varied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from teleop.mujoco_loading import mujoco
from teleop.robot import RobotError


@dataclass(frozen=True)
class SceneFile:
    """An MJCF file that has been read."""

    name: str  # of the bundled file, or the path of another
    spec: Any  # mujoco.MjSpec; varied in place, then compiled
    sha256: str  # of the file's bytes
    bundled: str  # the file that it can be compared with
    needed_by: str  # what drives there, for people: "the arm's tasks"

    def body(self, wanted: str) -> Any:
        """The body of that name.

        Raises:
            RobotError: there is none.
        """
        return self._part(self.spec.body, "body", wanted)

    def geom(self, wanted: str) -> Any:
        """The geom of that name.

        Raises:
            RobotError: there is none.
        """
        return self._part(self.spec.geom, "geom", wanted)

    def rub(self, wanted: str, friction: float) -> None:
        """Give a geom another sliding friction; the torsional and rolling ones stay."""
        geom = self.geom(wanted)
        geom.friction = [friction, *list(geom.friction)[1:]]

    def paint(self, material: str, rgb: tuple[float, ...]) -> None:
        """Give a material another colour, 0..1; one that is not there is left out."""
        found = self.spec.material(material)
        if found is not None:  # a user's scene may be painted otherwise
            found.rgba = [*rgb, 1]

    def _part(self, lookup: Callable[[str], Any], kind: str, wanted: str) -> Any:
        found = lookup(wanted)
        if found is None:
            raise RobotError(
                f"{self.name} has no {kind} named {wanted!r}, which {self.needed_by} need. "
                f"Compare with the bundled {self.bundled}."
            )
        return found


def bundled_scene(name: str) -> bytes:
    """The bytes of a scene file that comes with the program."""
    return (resources.files("resources") / "scenes" / name).read_bytes()


@contextmanager
def opened(
    scene_path: Path | None, bundled: str, *, place: str, needed_by: str
) -> Iterator[SceneFile]:
    """The file at `scene_path`, by default the `bundled` one, while a scene is built from it.

    `place` is what the bundled one shows, for people: "home".

    Raises:
        RobotError: it cannot be read, or what is done with it inside is nothing MuJoCo can build.
    """
    name = str(scene_path) if scene_path else bundled
    try:
        if scene_path is None:
            xml = bundled_scene(bundled)
            spec = mujoco.MjSpec.from_string(xml.decode())
        else:
            xml = scene_path.read_bytes()
            spec = mujoco.MjSpec.from_file(str(scene_path))
        yield SceneFile(name, spec, hashlib.sha256(xml).hexdigest(), bundled, needed_by)
    except (ValueError, OSError, mujoco.FatalError) as error:
        raise RobotError(
            f"{name} is not a scene MuJoCo can build: {error}. "
            f"Correct the file there, or start without it to use the bundled {place}."
        ) from None
