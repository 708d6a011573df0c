"""A console that does nothing but watch: the operator's real link and video receiver, no window.

`python -m tests.faults.viewer_child ADDRESS PORT CONFIG_FOLDER [ICE_FILE]`. Says every picture of
the front camera (capture stamp and arrival, one clock), and what it would tell the operator
whenever that changes; leaves when standard input closes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from teleop.credentials import credentials_for
from teleop.ice_files import console_ice
from teleop.operator_link import OperatorLink
from tests.faults.child_lines import listen, say
from tests.faults.film_child import CAMERA
from tests.faults.namespace import be_a_machine_of_its_own
from transport.clock import now_ns

LOOK_S = 0.02


def main(address: str, port: int, config: Path, ice: Path | None = None) -> None:
    """Watch until standard input closes."""
    link = OperatorLink(credentials_for(config, address, port), address, port)
    video = link.video((CAMERA,), console_ice(config, ice))
    leaving = listen()
    link.start()
    video.start()
    said = ("", "")
    try:
        while not leaving.is_set():
            told = (video.problem, video.way)
            if told != said:
                said = told
                say(problem=told[0], way=told[1], stamp_ns=now_ns())
            picture = video.mailboxes[CAMERA].wait(LOOK_S)
            if picture is not None:
                say(
                    number=picture.number,
                    captured_ns=picture.captured_ns,
                    stamp_ns=picture.decoded_ns,
                )
    finally:
        video.close()
        link.close()


if __name__ == "__main__":
    be_a_machine_of_its_own()
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *map(Path, sys.argv[4:]))
