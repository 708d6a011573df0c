"""Each kind of event that the robot can put into a tick is told where a tick is explained."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from recorder import episode

ROOT = Path(__file__).parents[2]


def emitted() -> Iterator[str]:
    """The `kind` of each `Event(...)` of the running program."""
    for package in ("teleop", "recorder", "transport", "ui"):
        for path in (ROOT / package).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event":
                    (kind,) = [word.value for word in node.keywords if word.arg == "kind"]
                    if isinstance(kind, ast.Constant):
                        yield str(kind.value)
                    else:
                        assert isinstance(kind, ast.Name), f"{path}: a kind that cannot be read"
                        yield str(getattr(episode, kind.id))


def documented() -> set[str]:
    """The kinds in the row `events` of the table of a tick's columns."""
    text = (ROOT / "recorder" / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `events` \|(.*)\|$", text, re.MULTILINE)
    return set(re.findall(r"`([a-z_]+)`", row))


def test_every_kind_of_event_is_documented_and_no_other() -> None:
    kinds = set(emitted())
    assert {"call", "takeover", "hand_back", "stop"} <= kinds, "the search finds nothing"
    assert documented() == kinds
