"""`unstick` and `python -m teleop`: the command line."""

from __future__ import annotations

import signal


def main() -> None:
    """Entry point. Ctrl-C while the modules load ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from teleop.cli import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
