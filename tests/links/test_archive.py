"""What a console fetches from a real media process before it drives, over real sockets."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import zmq

from teleop.audit_pages import AUDIT
from teleop.robot import Image
from teleop.thumbnail_pictures import bgra_of_jpeg
from teleop.thumbnails import Thumbnails
from tests.links.test_media_viewers import CAMERA, MediaProcess, Rig, admitted, watching
from tests.links.video_support import HANG_S, pictures_of, wait_until
from transport.archive_messages import (
    ASK_BYTES,
    ASKS_AT_ONCE,
    ASKS_PER_S,
    ArchiveAnswer,
    ArchiveRequest,
    AuditPiece,
    AuditRequest,
    NotInArchive,
    RewindPart,
    RewindRequest,
    ThumbnailAnswer,
    ThumbnailRequest,
)
from transport.channels import ARCHIVE
from transport.clock import NS_PER_S, now_ns, wall_time
from transport.control_link import LOOPBACK, Asker
from transport.errors import NoAnswer
from transport.messages import Call, Calling, Role, decoder_of, encode

decode: Callable[[bytes], ArchiveAnswer] = decoder_of(ArchiveAnswer)  # type: ignore[arg-type]
numbers = count(1)


class Brightening(Rig):
    """One camera whose pictures grow brighter, and begin anew."""

    shown = 0

    def render(self, camera: str, state: bytes) -> Image:
        self.shown += 1
        return np.full((self.height, self.width, 3), 40 + self.shown % 150, np.uint8)


class Console:
    """Somebody on the robot's list who asks."""

    def __init__(self, process: MediaProcess, name: str, role: Role) -> None:
        self.asker = Asker(ARCHIVE, admitted(process, name, role), LOOPBACK, process.port)

    def ask(self, request: ArchiveRequest) -> ArchiveAnswer:
        answer = decode(self.asker.ask(encode(request), int(HANG_S * 1000)))
        assert answer.request_id == request.request_id
        return answer

    def thumbnail(self, camera: str = CAMERA) -> ThumbnailAnswer | NotInArchive:
        request = ThumbnailRequest(request_id=next(numbers), camera=camera, width=160)
        answer = self.ask(request)
        assert isinstance(answer, ThumbnailAnswer | NotInArchive)
        return answer

    def rewind(self, call_id: int, part: int = 0) -> RewindPart | NotInArchive:
        request = RewindRequest(request_id=next(numbers), call_id=call_id, camera=CAMERA, part=part)
        answer = self.ask(request)
        assert isinstance(answer, RewindPart | NotInArchive)
        return answer

    def audit(self, day: datetime.date | None = None) -> AuditPiece | NotInArchive:
        answer = self.ask(AuditRequest(request_id=next(numbers), day=day))
        assert isinstance(answer, AuditPiece | NotInArchive)
        return answer

    def close(self) -> None:
        self.asker.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[MediaProcess]:
    rig = Brightening()
    with closing(MediaProcess(tmp_path, rig)) as made:
        wait_until(lambda: made.media._recorder is not None, "nobody records")
        wait_until(lambda: rig.shown > 1, "nobody films")
        yield made


@pytest.fixture
def console(process: MediaProcess, closing: ExitStack) -> Console:
    made = Console(process, "watcher", Role.OBSERVER)
    closing.callback(made.close)
    return made


def call(process: MediaProcess, number: int) -> None:
    """The robot calls, as control tells it."""
    told = Call(call_id=number, reason="Wedged", detail="", stamp_ns=now_ns())
    process.saying.append(Calling(boot_id="boot", call=told))


def recorded(process: MediaProcess, seconds: float) -> None:
    """Wait until so much lies in the pre-roll."""

    def long_enough() -> bool:
        recorder = process.media._recorder
        content = recorder.preroll() if recorder else None
        return content is not None and len(content.rows) >= seconds * 30

    wait_until(long_enough, "nothing was recorded")


def first_part(console: Console, number: int) -> RewindPart:
    found: list[RewindPart | NotInArchive] = []

    def there() -> bool:
        found.append(console.rewind(number))
        return isinstance(found[-1], RewindPart)

    wait_until(there, "no rewind")
    part = found[-1]
    assert isinstance(part, RewindPart)
    return part


def test_an_observer_sees_the_newest_picture_and_its_age(
    process: MediaProcess, console: Console
) -> None:
    wait_until(lambda: isinstance(console.thumbnail(), ThumbnailAnswer), "no thumbnail")
    before_ns = now_ns()
    first = console.thumbnail()
    assert isinstance(first, ThumbnailAnswer)
    assert bgra_of_jpeg(first.jpeg).shape == (120, 160, 4)
    age_ns = first.age_ms * 1e6
    assert before_ns <= first.captured_ns + age_ns <= now_ns()

    def newer() -> bool:
        later = console.thumbnail()
        assert isinstance(later, ThumbnailAnswer)
        return later.captured_ns > first.captured_ns

    wait_until(newer, "it is not made again")


def test_a_camera_that_is_none_is_told_with_those_there_are(console: Console) -> None:
    answer = console.thumbnail("left")
    assert isinstance(answer, NotInArchive)
    assert answer.reason == "No camera left; there are: front."


def test_what_was_before_the_call_is_fetched_in_parts_and_goes_with_it(
    process: MediaProcess, console: Console
) -> None:
    recorded(process, seconds=2)
    call(process, 7)
    first = first_part(console, 7)
    assert first.index is not None
    frames = first.index.frames
    assert len(frames) >= 45
    assert frames[0].key
    assert frames[-1].before_ms < 500
    assert len(first.index.traces.before_ms) >= len(frames)
    size = len(first.frames)
    for part in range(1, first.parts):
        answer = console.rewind(7, part)
        assert isinstance(answer, RewindPart)
        assert answer.index is None
        size += len(answer.frames)
    assert size == sum(frame.size for frame in frames)

    process.saying.append(Calling(boot_id="boot", call=None))
    wait_until(lambda: isinstance(console.rewind(7), NotInArchive), "it was kept")
    over = console.rewind(7)
    assert isinstance(over, NotInArchive)
    assert over.reason == "The call is over."


def test_it_does_not_age_away_while_the_call_waits(process: MediaProcess, console: Console) -> None:
    recorded(process, seconds=1)
    call(process, 1)
    first = first_part(console, 1)
    recorder = process.media._recorder
    assert recorder is not None
    began = recorder.preroll()
    assert began is not None

    def forgotten() -> bool:
        now = recorder.preroll()
        return now is not None and now.first_row > began.first_row

    wait_until(forgotten, "the ring forgets nothing")
    again = console.rewind(1)
    assert isinstance(again, RewindPart)
    assert (again.frames, again.index) == (first.frames, first.index)


def test_who_drives_may_read_the_audit_log_and_an_observer_may_not(
    process: MediaProcess, console: Console, tmp_path: Path
) -> None:
    folder = tmp_path / AUDIT
    folder.mkdir(exist_ok=True)  # the robot writes its own log there, too: of today
    yesterday = wall_time().date() - datetime.timedelta(days=1)
    (folder / f"toy-1-{yesterday}.jsonl").write_bytes(b'{"event":"takeover"}\n{"torn')
    refused = console.audit()
    assert isinstance(refused, NotInArchive)
    assert refused.reason == "Observers are not shown the audit log."
    for role in (Role.OPERATOR, Role.SUPERVISOR, Role.MAINTENANCE):
        with closing(Console(process, role, role)) as reader:
            days = reader.audit()
            assert isinstance(days, AuditPiece)
            assert yesterday in days.days
            piece = reader.audit(yesterday)
            assert isinstance(piece, AuditPiece)
            assert piece.lines == b'{"event":"takeover"}\n'


@pytest.mark.parametrize(
    "day", ["../../keys/robot", "2026-11-30/../../x", "2026-11-31", "2026-11-30\x00", "", 5, None]
)
def test_a_day_that_is_none_reaches_no_file(
    process: MediaProcess, console: Console, day: object, closing: ExitStack
) -> None:
    import msgspec

    raw = {"type": "audit_request", "request_id": 1, "day": day}
    if day is None:
        raw["path"] = "/etc/passwd"  # closed: nothing that is not in the schema is read
    with pytest.raises(NoAnswer):
        console.asker.ask(msgspec.msgpack.encode(raw), 300)
    assert process.media._failure is None
    assert isinstance(console.thumbnail(), ThumbnailAnswer)


def test_bytes_that_are_no_request_or_too_many_end_nothing(
    process: MediaProcess, console: Console
) -> None:
    console.asker.reach(int(HANG_S * 1000))
    good = encode(ThumbnailRequest(request_id=1, camera=CAMERA, width=160))
    for raw in (b"", b"\xc1", b"\xff" * ASK_BYTES, good[:-1], good + b"\x00"):
        assert console.asker.send(raw)
    assert isinstance(console.thumbnail(), ThumbnailAnswer)
    with closing(Console(process, "rude", Role.OBSERVER)) as rude:
        rude.asker.reach(int(HANG_S * 1000))
        rude.asker.send(b"x" * (ASK_BYTES + 600))  # libzmq ends this connection
        rude.asker.socket.send_multipart([b"a", b"b", good], zmq.NOBLOCK)
        assert isinstance(console.thumbnail(), ThumbnailAnswer)
    assert process.media._failure is None


def test_a_flood_of_one_key_is_not_answered_and_others_are(
    process: MediaProcess, console: Console
) -> None:
    with closing(Console(process, "flood", Role.OBSERVER)) as flood:
        began_ns = now_ns()
        sent, answers = 0, 0
        flood.asker.reach(int(HANG_S * 1000))
        while sent < 2_000:
            message = encode(ThumbnailRequest(request_id=sent, camera=CAMERA, width=160))
            sent += flood.asker.send(message)
            answers += flood.asker.take() is not None
        assert isinstance(console.thumbnail(), ThumbnailAnswer)
        while flood.asker.take() is not None:
            answers += 1
        took_s = (now_ns() - began_ns) / NS_PER_S
    assert answers <= ASKS_AT_ONCE + ASKS_PER_S * took_s + 1


def test_a_key_that_is_struck_off_the_list_is_not_answered(
    process: MediaProcess, console: Console
) -> None:
    assert console.thumbnail()
    process.roster.revoke("watcher")
    wait_until(
        lambda: process.roster.refreshed(now_ns()).named("watcher") is None, "it is still there"
    )
    with pytest.raises(NoAnswer):
        console.asker.ask(
            encode(ThumbnailRequest(request_id=1, camera=CAMERA, width=160)), timeout_ms=500
        )


def test_what_fails_here_is_told_and_disturbs_neither_cameras_nor_recorder(
    process: MediaProcess, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no encoder")

    monkeypatch.setattr(Thumbnails, "of", broken)
    with watching(process, "driver", Role.OPERATOR) as driver:
        for _ in range(3):
            answer = console.thumbnail()
            assert isinstance(answer, NotInArchive)
            assert answer.reason == "The robot cannot answer this; its log says why."
        pictures_of(driver, CAMERA, 30)
    assert process.media._failure is None


def test_a_disk_that_hangs_under_the_audit_log_stops_no_camera(
    process: MediaProcess, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(*_: object) -> tuple[datetime.date, ...]:
        hangs.set()
        goes_on.wait(HANG_S)
        return ()

    monkeypatch.setattr("teleop.audit_pages.AuditPages.days", hang)
    try:
        with (
            watching(process, "driver", Role.OPERATOR) as driver,
            closing(Console(process, "reader", Role.OPERATOR)) as reader,
        ):
            pictures_of(driver, CAMERA, 3)
            reader.asker.reach(int(HANG_S * 1000))
            reader.asker.send(encode(AuditRequest(request_id=1)))
            assert hangs.wait(HANG_S)
            rows = process.media._recorder_status
            pictures_of(driver, CAMERA, 60)
            assert process.media._failure is None
            assert process.media._recorder_status[0] is rows[0]
    finally:
        goes_on.set()
