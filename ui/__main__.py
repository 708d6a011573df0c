"""`python -m ui ADDRESS`: the operator console; `unstick console` and `unstick demo` start it."""

from __future__ import annotations

import signal


def main() -> None:
    """Entry point. Ctrl-C while the modules load ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    import typer

    from ui.console import console

    typer.run(console)


if __name__ == "__main__":
    main()
