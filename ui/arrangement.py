"""Which camera is in which place of the window: the main view, the second one, the strip. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Arrangement:
    """Cameras keep their numbers, those of the keys; what changes is where they are shown."""

    cameras: tuple[str, ...]  # by number, the first is 1
    places: tuple[str, ...]  # the main view first, then the second, then the strip

    def number(self, camera: str) -> int:
        """The key of a camera."""
        return self.cameras.index(camera) + 1

    def with_main(self, camera: str) -> Arrangement:
        """`camera` and the one in the main view change places."""
        before = self.places[0]
        other = {before: camera, camera: before}
        return replace(self, places=tuple(other.get(each, each) for each in self.places))


def arranged(cameras: Sequence[str], kept: Sequence[str] = ()) -> Arrangement:
    """In the order of their numbers, or as `kept` says; what is not there any more is left out, and
    what is new comes last."""
    known = [camera for camera in dict.fromkeys(kept) if camera in cameras]
    places = [*known, *(camera for camera in cameras if camera not in known)]
    return Arrangement(tuple(cameras), tuple(places))
