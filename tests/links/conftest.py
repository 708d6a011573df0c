"""What most tests of sockets begin with; tests of pictures have a `robot` of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.links.link_support import Robot
from transport.control_link import free_base_port


@pytest.fixture
def port() -> int:
    """Where a robot may listen."""
    return free_base_port()


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """What a test opened, closed in the other order."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def robot(closing: ExitStack) -> Robot:
    """A robot's keys and its open door."""
    made = Robot()
    closing.callback(made.door.close)
    return made
