"""What is kept of the ten seconds before a call, and how it is handed out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import pytest

from recorder.log import CameraRow
from recorder.preroll import Content, EncodedRow
from recorder.video_track import VideoPacket
from teleop.rewinds import KEPT_BYTES, Rewinds, kept, traces_of
from tests.unit.recorder_support import description, feed, recorder, session, stamp
from transport.archive_messages import (
    MOST_EVENTS,
    PART_BYTES,
    NotInArchive,
    RewindPart,
    RewindRequest,
)
from transport.messages import Call, Calling, Event, Twist, encode

CALLED = 900  # the tick; 15 s after the start
ABOUT = description(observation_names=("speed_mps", "bumper", "motor_a"))


def call(number: int = 1, tick: int = CALLED) -> Call:
    return Call(call_id=number, reason="Wedged", detail="", stamp_ns=stamp(tick))


def calling(number: int = 1, boot_id: str = "boot") -> Calling:
    return Calling(boot_id=boot_id, call=call(number))


OVER = Calling(boot_id="boot", call=None)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """What a recorder holds at a call after 15 s of work, two cameras."""
    rec = recorder(tmp_path_factory.mktemp("episodes"))
    feed(rec, (tick for tick in session(before=CALLED) if tick.tick <= CALLED))
    held = rec.preroll()
    rec.close(stamp(CALLED + 1))
    assert held is not None
    return held


def asked(part: int = 0, number: int = 1, camera: str = "front") -> RewindRequest:
    return RewindRequest(request_id=5, call_id=number, camera=camera, part=part)


def told(rewinds: Rewinds, request: RewindRequest) -> NotInArchive:
    found = rewinds.part(request)
    assert isinstance(found, NotInArchive)
    return found


def parts(rewinds: Rewinds, camera: str = "front") -> Iterator[RewindPart]:
    number = 0
    while isinstance(found := rewinds.part(asked(number, camera=camera)), RewindPart):
        yield found
        number += 1


def rows(count: int, size: int, key_every: int = 15) -> Content:
    """So many rows up to the call, each frame of so many bytes."""
    made = []
    for row in range(count):
        shown = CameraRow(captured_ns=1, repeated=False, frame_crc32=0)
        packet = VideoPacket(bytes([row % 256]) * size, key=row % key_every == 0)
        tick = CALLED - 2 * (count - 1 - row)
        made.append(EncodedRow(row, tick, stamp(tick), {"front": (shown, packet)}))
    return Content(first_row=0, ticks=(), rows=tuple(made))


def test_the_ten_seconds_before_the_call_are_kept_from_a_key_frame_on(content: Content) -> None:
    rewinds = Rewinds(("front", "rear"))
    rewinds.hear(calling(), content, ABOUT)
    for camera in ("front", "rear"):
        first, *rest = parts(rewinds, camera)
        assert first.index is not None
        assert first.index.called_ns == stamp(CALLED)
        assert all(part.index is None for part in rest)
        frames = first.index.frames
        assert frames[0].key
        assert 10_000 <= frames[0].before_ms < 10_600
        assert 0 <= frames[-1].before_ms < 100
        assert sum(frame.size for frame in frames) == sum(
            len(part.frames) for part in (first, *rest)
        )


def test_parts_are_the_frames_bytes_one_after_the_other() -> None:
    rewinds = Rewinds(("front",))
    held = rows(count=40, size=PART_BYTES // 3 + 1)
    rewinds.hear(calling(), held, ABOUT)
    whole = b"".join(row.cameras["front"][1].data for row in held.rows)
    found = list(parts(rewinds))
    assert b"".join(part.frames for part in found) == whole
    assert {part.parts for part in found} == {len(found)} == {-(-len(whole) // PART_BYTES)}
    assert all(len(part.frames) == PART_BYTES for part in found[:-1])
    assert told(rewinds, asked(len(found))).reason == "The rewind has no such part."


def test_a_frame_that_is_larger_than_a_part_is_split() -> None:
    rewinds = Rewinds(("front",))
    rewinds.hear(calling(), rows(count=2, size=3 * PART_BYTES), ABOUT)
    assert [len(part.frames) for part in parts(rewinds)] == [PART_BYTES] * 6


def test_no_more_is_kept_than_is_promised_and_it_begins_with_a_key_frame() -> None:
    size = KEPT_BYTES // 100
    found = kept("boot", call(), rows(count=200, size=size), ABOUT).rows
    assert len(found) * size <= KEPT_BYTES
    assert len(found) == 95  # six groups and five rows of the seventh: 200 is no multiple of 15
    assert found[0].cameras["front"][1].key


def test_a_part_fits_the_channel(content: Content) -> None:
    rewinds = Rewinds(("front", "rear"))
    rewinds.hear(calling(), content, ABOUT)
    assert all(len(encode(part)) < 2 * PART_BYTES for part in parts(rewinds))


def test_what_comes_after_the_call_is_not_of_it(content: Content) -> None:
    early = call(tick=CALLED - 60)
    assert kept("boot", early, content, ABOUT).rows[-1].stamp_ns <= early.stamp_ns


def test_the_same_call_told_again_changes_nothing(content: Content) -> None:
    rewinds = Rewinds(("front",))
    rewinds.hear(calling(), content, ABOUT)
    before = list(parts(rewinds))
    rewinds.hear(calling(), None, ABOUT)
    assert list(parts(rewinds)) == before


def test_it_is_gone_with_the_call(content: Content) -> None:
    rewinds = Rewinds(("front",))
    rewinds.hear(calling(), content, ABOUT)
    rewinds.hear(OVER, content, ABOUT)
    over = told(rewinds, asked())
    assert (over.reason, over.soon) == ("The call is over.", False)


def test_a_newer_call_replaces_it(content: Content) -> None:
    rewinds = Rewinds(("front",))
    rewinds.hear(calling(1), content, ABOUT)
    rewinds.hear(calling(2), content, ABOUT)
    assert told(rewinds, asked(number=1)).reason == "The call is over."
    assert isinstance(rewinds.part(asked(number=2)), RewindPart)


def test_a_call_that_is_not_heard_of_yet_may_come_soon(content: Content) -> None:
    rewinds = Rewinds(("front",))
    assert told(rewinds, asked(number=1)).soon
    rewinds.hear(calling(1), content, ABOUT)
    assert told(rewinds, asked(number=2)).soon


def test_a_robot_that_has_restarted_counts_its_calls_anew(content: Content) -> None:
    rewinds = Rewinds(("front",))
    rewinds.hear(calling(1), content, ABOUT)
    rewinds.hear(OVER, content, ABOUT)
    rewinds.hear(calling(1, boot_id="another"), content, ABOUT)
    assert isinstance(rewinds.part(asked(number=1)), RewindPart)


@pytest.mark.parametrize("held", [None, Content(first_row=0, ticks=(), rows=())])
def test_where_nothing_was_recorded_that_is_said(held: Content | None) -> None:
    rewinds = Rewinds(("front",))
    rewinds.hear(calling(), held, None)
    assert told(rewinds, asked()).reason == "No pictures were taken before this call."


def test_a_camera_that_is_none_is_told_with_those_there_are() -> None:
    assert (
        told(Rewinds(("front", "rear")), asked(camera="left")).reason
        == "No camera left; there are: front, rear."
    )


def test_traces_have_a_value_for_each_row_on_the_time_before_the_call(content: Content) -> None:
    rewinds = Rewinds(("front", "rear"))
    rewinds.hear(calling(), content, ABOUT)
    first = next(parts(rewinds))
    assert first.index is not None
    traces = first.index.traces
    shown = [frame.before_ms for frame in first.index.frames]
    assert list(traces.before_ms[: len(shown)]) == shown
    for series in (traces.speed_mps, traces.asked_mps, traces.motor_a, traces.bumper):
        assert len(series) == len(traces.before_ms)
    assert [(event.kind, event.before_ms) for event in traces.events] == [("call", 0.0)]


def test_values_are_those_of_the_sensors_and_a_broken_one_has_none() -> None:
    ticks = [
        msgspec.structs.replace(
            tick,
            observation=(0.25, 1.0, math.nan),
            requested=Twist(forward_mps=-0.5, turn_radps=0.0),
        )
        for tick in session(before=4)
        if tick.tick < 4
    ]
    traces = traces_of(ticks, ABOUT, stamp(4))
    assert traces.before_ms == (66.7, 33.3)
    assert traces.speed_mps == (0.25, 0.25)
    assert traces.asked_mps == (-0.5, -0.5)
    assert traces.motor_a == (None, None)
    assert traces.bumper == (True, True)


def test_of_a_hand_the_magnitude_was_asked_for() -> None:
    arm = description(action_names=("forward_mps", "left_mps", "up_mps", "grip_ps"))
    tick = msgspec.structs.replace(
        next(session()), requested=Twist(forward_mps=-0.3, turn_radps=0.0, left_mps=0.4)
    )
    assert traces_of([tick], arm, stamp(0)).asked_mps == (0.5,)


def test_a_robot_without_such_sensors_has_no_such_traces() -> None:
    traces = traces_of(list(session(before=4))[:4], description(), stamp(4))
    assert (traces.speed_mps, traces.motor_a, traces.bumper) == ((), (), ())


def test_of_very_many_events_the_newest_are_kept() -> None:
    events = tuple(Event(kind="marker", text=str(number)) for number in range(500))
    tick = msgspec.structs.replace(next(session()), events=events)
    found = traces_of([tick], ABOUT, stamp(0)).events
    assert [event.text for event in found] == [str(n) for n in range(500 - MOST_EVENTS, 500)]
