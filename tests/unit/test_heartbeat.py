"""One stamp in memory that two processes map: never torn, gone when both are done."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop.heartbeat import Heartbeat, Pulse
from teleop.safety import ConfigError

ROOT = Path(__file__).parents[2]
ONE_BITS = 0x7EFEFEFEFEFEFEFE
OTHER_BITS = 0x0101010101010101


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    made = Pulse(tmp_path)
    yield made
    made.close()


def test_a_beat_is_felt_at_the_other_end(pulse: Pulse) -> None:
    heart = Heartbeat(pulse.path)
    assert pulse.last_ns() == 0
    for stamp_ns in (1, 2**62, 5):
        heart.beat(stamp_ns)
        assert pulse.last_ns() == stamp_ns
    heart.close()


def test_the_agent_can_ask_for_a_hold_and_the_beat_goes_on(pulse: Pulse) -> None:
    heart = Heartbeat(pulse.path)
    heart.beat(7)
    assert not heart.hold_asked()
    pulse.ask_to_hold()
    assert heart.hold_asked()
    assert pulse.last_ns() == 7
    heart.beat(8)
    assert heart.hold_asked()
    heart.close()


def test_the_file_is_its_owners_alone_and_goes_with_the_agent(pulse: Pulse) -> None:
    if sys.platform != "win32":
        assert stat.S_IMODE(pulse.path.stat().st_mode) == 0o600
    pulse.close()
    pulse.close()
    assert not pulse.path.exists()


def test_it_beats_on_without_its_name(pulse: Pulse) -> None:
    heart = Heartbeat(pulse.path)
    pulse.unlink()
    pulse.unlink()
    if sys.platform != "win32":
        assert not pulse.path.exists()
    heart.beat(7)
    assert pulse.last_ns() == 7
    heart.close()
    heart.close()
    pulse.close()
    assert not pulse.path.exists()


def test_each_start_has_a_file_of_its_own(pulse: Pulse, tmp_path: Path) -> None:
    other = Pulse(tmp_path)
    assert pulse.path != other.path
    other.close()


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_a_control_without_its_agents_file_does_not_start(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "heartbeat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="unstick agent"):
        Heartbeat(path)


def test_no_stamp_is_ever_half_written(pulse: Pulse) -> None:
    """Another process alternates two stamps that differ in every byte, as fast as it can."""
    code = (
        "import sys; from pathlib import Path; from teleop.heartbeat import Heartbeat\n"
        "heart = Heartbeat(Path(sys.argv[1]))\n"
        f"while True: heart.beat({ONE_BITS}); heart.beat({OTHER_BITS})"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(pulse.path)], cwd=ROOT)
    try:
        seen: set[int] = set()
        while not {ONE_BITS, OTHER_BITS} <= seen:
            assert writer.poll() is None, "the writer has ended"
            seen |= {pulse.last_ns() for _ in range(300_000)}
    finally:
        writer.kill()
        writer.wait()
    assert seen <= {0, ONE_BITS, OTHER_BITS}
