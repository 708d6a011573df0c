"""The console's end of the archive against real media processes, and against what is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from teleop.archive_asks import AuditLines, BeforeCall, Got, Look, Missing, Seen
from teleop.archive_link import CLOSED, ArchiveLink, Place
from teleop.audit_pages import AUDIT
from teleop.rewind import Rewind
from teleop.rewind_reader import rewind_pictures
from teleop.rewinds import Rewinds
from teleop.robot import Image
from tests.links.link_support import Robot
from tests.links.test_archive import call, recorded
from tests.links.test_media_viewers import CAMERA, MediaProcess, Rig, admitted
from tests.links.video_support import HANG_S, wait_until
from transport.archive_messages import AuditPiece, NotInArchive, RewindPart, RewindRequest
from transport.channels import ARCHIVE
from transport.clock import NS_PER_S, now_ns, wall_time
from transport.control_link import LOOPBACK, Requests, free_base_port
from transport.curve import Credentials, new_key_pair
from transport.mailbox import Mailbox
from transport.messages import Calling, Role


class Grainy(Rig):
    """One camera whose pictures compress badly and grow brighter: a rewind of many parts."""

    shown = 0

    def render(self, camera: str, state: bytes) -> Image:
        self.shown += 1
        grain = np.random.default_rng(self.shown).integers(0, 60, (self.height, self.width, 3))
        return np.clip(20 + self.shown // 2 + grain, 0, 255).astype(np.uint8)


@pytest.fixture
def link() -> Iterator[ArchiveLink]:
    with closing(ArchiveLink()) as made:
        made.start()
        yield made


@pytest.fixture
def process(tmp_path: Path) -> Iterator[MediaProcess]:
    rig = Grainy()
    with closing(MediaProcess(tmp_path, rig)) as made:
        wait_until(lambda: made.media._recorder is not None, "nobody records")
        wait_until(lambda: rig.shown > 1, "nobody films")
        yield made


def place_of(process: MediaProcess, name: str = "op-1", role: Role = Role.OPERATOR) -> Place:
    return Place(admitted(process, name, role), LOOPBACK, process.port)


def got(link: ArchiveLink, place: Place, wish: Look | BeforeCall | AuditLines) -> Got:
    mailbox: Mailbox[Got] = Mailbox()
    link.ask(place, wish, mailbox.put)
    return taken(mailbox)


def taken(mailbox: Mailbox[Got]) -> Got:
    found = mailbox.wait(HANG_S)
    assert found is not None, "nothing was told"
    return found


class Paused:
    """A robot that stops at the third part of a rewind until it may go on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.there, self.goes_on = threading.Event(), threading.Event()
        part = Rewinds.part

        def slowly(rewinds: Rewinds, request: RewindRequest) -> RewindPart | NotInArchive:
            if request.part == 2:
                self.there.set()
                self.goes_on.wait(HANG_S)
            return part(rewinds, request)

        patch.setattr(Rewinds, "part", slowly)


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paused]:
    made = Paused(monkeypatch)
    yield made
    made.goes_on.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teleop.archive_asks.PATIENCE_NS", 3 * NS_PER_S)


# --- a robot that answers ---


def test_a_look_is_ready_for_the_screen_and_says_how_old_it_is(
    process: MediaProcess, link: ArchiveLink
) -> None:
    before_ns = now_ns()
    seen = got(link, place_of(process, role=Role.OBSERVER), Look(CAMERA))
    assert isinstance(seen, Seen)
    assert seen.bgra.shape == (120, 160, 4)
    assert seen.camera == CAMERA
    assert before_ns <= seen.received_ns <= now_ns()
    assert 0 <= seen.age_ms <= (seen.received_ns - seen.captured_ns) / 1e6


def test_the_whole_rewind_comes_and_its_pictures_are_those_before_the_call(
    process: MediaProcess, link: ArchiveLink
) -> None:
    recorded(process, seconds=2)
    call(process, 4)
    rewind = got(link, place_of(process), BeforeCall(4, CAMERA))
    assert isinstance(rewind, Rewind)
    assert sum(map(len, rewind.packets)) > 200_000, "these are no many parts"
    pictures = list(rewind_pictures(rewind))
    assert len(pictures) == len(rewind.frames) >= 45
    light = [float(pixels[..., :3].mean()) for _, pixels in pictures]
    assert light[-1] > light[0] + 10, "they grow brighter"
    assert all(later > earlier - 3 for earlier, later in pairwise(light))
    assert len(rewind.traces.before_ms) >= len(rewind.frames)


def test_a_rewind_that_is_wanted_before_the_cameras_know_of_the_call_comes(
    process: MediaProcess, link: ArchiveLink
) -> None:
    recorded(process, seconds=1)
    place, mailbox = place_of(process), Mailbox[Got]()
    assert isinstance(got(link, place, Look(CAMERA)), Seen)
    link.ask(place, BeforeCall(1, CAMERA), mailbox.put)
    assert mailbox.wait(1.0) is None
    call(process, 1)
    assert isinstance(taken(mailbox), Rewind)


def test_looks_go_on_while_a_rewind_is_fetched(
    process: MediaProcess, link: ArchiveLink, paused: Paused
) -> None:
    recorded(process, seconds=2)
    call(process, 1)
    place, rewind, look = place_of(process), Mailbox[Got](), Mailbox[Got]()
    link.ask(place, BeforeCall(1, CAMERA), rewind.put)
    assert paused.there.wait(HANG_S)
    link.ask(place, Look(CAMERA), look.put)
    paused.goes_on.set()
    assert isinstance(taken(look), Seen)
    assert rewind.take() is None, "the look came last"
    assert isinstance(taken(rewind), Rewind)


def test_the_audit_log_is_fetched_line_by_line(
    process: MediaProcess, link: ArchiveLink, tmp_path: Path
) -> None:
    (tmp_path / AUDIT).mkdir(exist_ok=True)  # the robot writes its own log there, too: of today
    yesterday = wall_time().date() - timedelta(days=1)
    lines = b"".join(b"%06d %s\n" % (number, b"x" * 200) for number in range(1000))
    (tmp_path / AUDIT / f"toy-1-{yesterday}.jsonl").write_bytes(lines)
    place = place_of(process)
    days = got(link, place, AuditLines())
    assert isinstance(days, AuditPiece)
    assert yesterday in days.days
    read, offset = b"", 0
    while offset < len(lines):
        piece = got(link, place, AuditLines(yesterday, offset))
        assert isinstance(piece, AuditPiece)
        read, offset = read + piece.lines, piece.next_offset
    assert read == lines


def test_what_the_robot_refuses_is_told_in_its_words(
    process: MediaProcess, link: ArchiveLink
) -> None:
    refused = got(link, place_of(process), Look("left"))
    assert refused == Missing("No camera left; there are: front.")


# --- one that stops answering ---


def test_a_call_that_ends_in_the_middle_of_its_rewind_is_told(
    process: MediaProcess, link: ArchiveLink, paused: Paused
) -> None:
    recorded(process, seconds=2)
    call(process, 1)
    place, rewind = place_of(process), Mailbox[Got]()
    link.ask(place, BeforeCall(1, CAMERA), rewind.put)
    assert paused.there.wait(HANG_S)
    process.saying.append(Calling(boot_id="boot", call=None))
    wait_until(lambda: process.media._rewinds._kept is None, "it was kept")
    paused.goes_on.set()
    assert taken(rewind) == Missing("The call is over.")


@pytest.mark.usefixtures("impatient")
def test_a_robot_that_dies_in_the_middle_of_a_rewind_is_told(
    tmp_path: Path, link: ArchiveLink, paused: Paused
) -> None:
    with closing(MediaProcess(tmp_path, Grainy())) as process:
        recorded(process, seconds=2)
        call(process, 1)
        rewind: Mailbox[Got] = Mailbox()
        link.ask(place_of(process), BeforeCall(1, CAMERA), rewind.put)
        assert paused.there.wait(HANG_S)
    found = taken(rewind)
    assert isinstance(found, Missing)
    assert found.reason.startswith("The robot has not answered for")


@pytest.mark.usefixtures("impatient")
def test_a_robot_that_is_away_keeps_nobody_waiting_for_another(
    process: MediaProcess, link: ArchiveLink
) -> None:
    place = place_of(process)
    away = Place(place.credentials, LOOPBACK, free_base_port())
    gone: Mailbox[Got] = Mailbox()
    link.ask(away, Look(CAMERA), gone.put)
    assert isinstance(got(link, place, Look(CAMERA)), Seen)
    found = taken(gone)
    assert isinstance(found, Missing)
    assert found.reason.endswith("s: unreachable.")


@pytest.mark.usefixtures("impatient")
def test_whoever_is_not_on_the_list_is_told_so(process: MediaProcess, link: ArchiveLink) -> None:
    known = place_of(process).credentials
    stranger = Place(Credentials(new_key_pair(), known.robot), LOOPBACK, process.port)

    def told_so() -> bool:
        found = got(link, stranger, Look(CAMERA))
        assert isinstance(found, Missing)
        return found.reason.endswith("s: not paired.")

    wait_until(told_so, "it was never told")


def test_bytes_that_are_no_answer_are_told_and_the_next_answer_counts(
    link: ArchiveLink, robot: Robot, port: int, closing: ExitStack
) -> None:
    requests = Requests(ARCHIVE, robot.door, LOOPBACK, port)
    closing.callback(requests.close)
    place, mailbox = Place(robot.console(), LOOPBACK, port), Mailbox[Got]()
    for rubbish in (b"", b"\xc1", b"\xff" * 100_000):
        link.ask(place, Look(CAMERA), mailbox.put)
        asked = requests.receive(wait_ms=int(HANG_S * 1000))
        assert asked is not None
        requests.reply(asked.who, rubbish)
        found = taken(mailbox)
        assert isinstance(found, Missing)
        assert found.reason.startswith("The robot's answer cannot be read")


# --- the link itself ---


def test_a_listener_that_fails_is_nobody_elses_trouble(
    process: MediaProcess, link: ArchiveLink
) -> None:
    def broken(_: Got) -> None:
        raise RuntimeError("window has gone")

    place = place_of(process)
    link.ask(place, AuditLines(), broken)
    assert isinstance(got(link, place, Look(CAMERA)), Seen)


def test_an_address_that_is_none_is_told(process: MediaProcess, link: ArchiveLink) -> None:
    known = place_of(process)
    found = got(link, Place(known.credentials, "no host:at all", known.port), Look(CAMERA))
    assert isinstance(found, Missing)
    assert found.reason.startswith("This robot cannot be asked:")


def test_a_connection_that_nobody_uses_is_closed_and_made_again(
    process: MediaProcess, link: ArchiveLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.archive_link.IDLE_NS", NS_PER_S // 10)
    place = place_of(process)
    assert isinstance(got(link, place, Look(CAMERA)), Seen)
    wait_until(lambda: not link._robots, "it was kept")
    assert isinstance(got(link, place, Look(CAMERA)), Seen)


def test_a_robot_that_is_forgotten_tells_nothing_any_more(
    process: MediaProcess, link: ArchiveLink
) -> None:
    place, rewind = place_of(process), Mailbox[Got]()
    link.ask(place, BeforeCall(9, CAMERA), rewind.put)
    wait_until(lambda: bool(link._robots), "it was never asked")
    link.forget(place)
    wait_until(lambda: not link._robots, "it was kept")
    assert rewind.take() is None


def test_beyond_the_most_robots_the_one_used_longest_ago_is_dropped_and_told(
    link: ArchiveLink, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleop.archive_link.MOST_ROBOTS", 2)
    credentials, told = robot.console(), [Mailbox[Got]() for _ in range(3)]
    for mailbox in told:
        link.ask(Place(credentials, LOOPBACK, free_base_port()), Look(CAMERA), mailbox.put)
    assert taken(told[0]) == Missing("Too many robots are asked at once; ask again.")
    wait_until(lambda: len(link._robots) == 2, "the last one found no room")


def test_closing_tells_whoever_still_waits(process: MediaProcess) -> None:
    waiting, later = Mailbox[Got](), Mailbox[Got]()
    link = ArchiveLink()
    link.start()
    place = place_of(process)
    link.ask(place, BeforeCall(9, CAMERA), waiting.put)
    link.close()
    link.close()
    link.ask(place, Look(CAMERA), later.put)
    assert taken(waiting) == taken(later) == Missing(CLOSED)


def test_a_link_that_was_never_started_closes(robot: Robot) -> None:
    ArchiveLink().close()
