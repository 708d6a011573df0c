"""The window's end of `unstick bench video`: the console's video widget alone in a real window.

Prints the ages of the pictures at the end of their paint, in ms, as one JSON list.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from teleop.bench_video_link import BenchExchange
from teleop.bench_video_sender import camera_names
from teleop.credentials import credentials_for
from transport.control_link import LOOPBACK
from transport.picture import Picture
from transport.video_receiver import VideoReceiver
from ui.bridge import Wake
from ui.camera_feed import CameraFeed
from ui.theme import Theme, load_fonts
from ui.video_view import VideoView


def main(keys: Path, port: int, width: int, height: int, seconds: float) -> None:
    """Show the stream of the sender at `port` for `seconds`."""
    app = QApplication([])
    load_fonts()
    ages: list[float] = []

    def painted(picture: Picture, painted_ns: int) -> None:
        ages.append((painted_ns - picture.captured_ns) / 1e6)

    (camera,) = camera_names(1)
    exchange = BenchExchange(credentials_for(keys, LOOPBACK, port), port)
    receiver = VideoReceiver((camera,), exchange, bind_host=LOOPBACK)
    feed = CameraFeed(camera, receiver.mailboxes[camera])
    view = VideoView(Theme(app), feed, on_painted=painted)
    view.resize(width, height)
    wake = Wake(view.wake, view)
    receiver.subscribe(wake.poke)
    view.show()
    receiver.start()
    QTimer.singleShot(round(seconds * 1000), app.quit)
    app.exec()
    wake.close()
    receiver.close()
    exchange.close()
    sys.stdout.write(json.dumps(ages) + "\n")


if __name__ == "__main__":
    _, folder, port_given, wide, high, duration = sys.argv
    main(Path(folder), int(port_given), int(wide), int(high), float(duration))
