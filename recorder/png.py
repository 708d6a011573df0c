"""Pictures as PNG, for pages that hold them (ISO/IEC 15948): 8 bit RGB, nothing else.

Pure. The video library could write one, too, but only through a container and an encoder.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np

from recorder.replayable import Image

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_RGB: Final = 2  # colour type
_UP: Final = 2  # filter: the difference to the pixel above, which a picture has little of


def png_of(image: Image) -> bytes:
    """The PNG of an image, (height, width, 3) RGB."""
    height, width, _ = image.shape
    above = np.zeros_like(image)
    above[1:] = image[:-1]
    rows = np.full((height, 1 + 3 * width), _UP, np.uint8)
    rows[:, 1:] = (image - above).reshape(height, -1)  # modulo 256, as the filter is defined
    head = struct.pack(">IIBBBBB", width, height, 8, _RGB, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def shrunk(image: Image, most_px: int) -> Image:
    """`image` made smaller by a whole number, each pixel a mean, until it is `most_px` wide."""
    height, width, _ = image.shape
    times = max(1, -(-width // most_px))
    rows, columns = max(1, height // times), max(1, width // times)
    times_down, times_across = height // rows, width // columns
    cut = image[: rows * times_down, : columns * times_across]
    blocks = cut.reshape(rows, times_down, columns, times_across, 3)
    small: Image = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    return small


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
