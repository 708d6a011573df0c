"""How the fault tests' child programs are told and tell: a JSON object per line."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

_telling = threading.Lock()


def say(**words: object) -> None:
    """One line of JSON, from any thread."""
    line = json.dumps(words) + "\n"
    with _telling:
        sys.stdout.write(line)
        sys.stdout.flush()


def takes_no_orders(order: dict[str, Any]) -> None:
    """Of a child that only has to leave."""
    raise AssertionError(f"this child takes no orders: {order}")


def listen(obey: Callable[[dict[str, Any]], object] = takes_no_orders) -> threading.Event:
    """Obey from now on, in a thread; what is returned is set when standard input closes."""
    leaving = threading.Event()

    def hear() -> None:
        for line in sys.stdin:
            obey(json.loads(line))
        leaving.set()

    threading.Thread(target=hear, daemon=True).start()
    return leaving
