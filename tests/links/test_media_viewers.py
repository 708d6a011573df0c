"""The media process and its viewers, with keys: the list says who is answered, and who sees on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from teleop.audit_file import AuditWriter
from teleop.audit_pages import AUDIT, AuditPages
from teleop.auditing import Auditing
from teleop.both_ends import acquaint
from teleop.key_files import ROBOT_KEY, load_or_make
from teleop.media import Media
from teleop.operator_link import OperatorLink
from teleop.robot import CameraRig, Image
from teleop.robot_door import robot_door
from teleop.roster import AUTHORIZED_KEYS, RosterFile
from teleop.video_channel import VideoChannel
from tests.links.video_support import HANG_S, pictures_of, wait_until
from tests.unit.recorder_support import description
from transport.clock import now_ns
from transport.control_link import LOOPBACK, BusSender, free_base_port
from transport.curve import Credentials
from transport.messages import (
    STILL,
    AnnotationKind,
    Calling,
    Mode,
    Outcome,
    Phase,
    RobotBus,
    Role,
    Said,
    Source,
    Tick,
    encode,
)
from transport.video_receiver import VideoReceiver

CAMERA = "front"


class Rig:
    """One camera that sees grey."""

    names = (CAMERA,)
    width = 160
    height = 120
    noisy = False

    def open(self) -> None:
        pass

    def render(self, camera: str, state: bytes) -> Image:
        return np.full((self.height, self.width, 3), 128, np.uint8)

    def close(self) -> None:
        pass


def tick(number: int, mode: Mode) -> Tick:
    return Tick(
        tick=number,
        stamp_ns=now_ns(),
        boot_id="boot",
        mode=mode,
        source=Source.HOLD,
        phase=Phase.HANDOVER,
        intervention=-1,
        outcome=Outcome.UNLABELLED,
        observation=(),
        policy=STILL,
        human=STILL,
        requested=STILL,
        applied=STILL,
        deadman=False,
        command_seq=-1,
        command_age_ms=-1.0,
        picture_age_ms=-1.0,
        observed_ns=0,
        received_ns=0,
        applied_ns=0,
        input_ns=0,
        sent_ns=0,
        clock_offset_ns=0,
        clock_error_ns=-1,
        missed_before=0,
        state=b"",
    )


class MediaProcess:
    """The media process in this one, and the ticks that it would hear from control."""

    def __init__(self, folder: Path, rig: CameraRig | None = None) -> None:
        self.folder = folder
        self.rig = rig or Rig()
        self.mode = Mode.READY
        self.saying: deque[Said | Calling] = deque()  # what control passes on between its ticks
        self.boot_id = "boot"  # another one: control has started anew
        self.port = free_base_port()
        keys = load_or_make(folder / ROBOT_KEY)
        self.roster = RosterFile(folder / AUTHORIZED_KEYS)
        self.door = robot_door(keys, self.roster)
        itself = Credentials(keys, keys.public)
        self.bus = BusSender(self.door, self.port)
        self.media = Media(
            "toy-1",
            self.rig,
            self.door,
            self.roster,
            itself,
            LOOPBACK,
            self.port,
            folder / "episodes",
            audit_pages=AuditPages(folder / AUDIT, "toy-1"),
            audit=Auditing("toy-1", self.roster, AuditWriter(folder, "toy-1")),
        )
        self.leaving = threading.Event()
        self.threads = [
            threading.Thread(target=work, daemon=True) for work in (self._tick, self._serve)
        ]
        for thread in self.threads:
            thread.start()

    def viewers(self) -> int:
        return self.media._sender.viewers(CAMERA)

    def close(self) -> None:
        self.leaving.set()
        for thread in self.threads:
            thread.join(10.0)
        self.media.close()
        self.bus.close()
        self.door.close()

    def _tick(self) -> None:
        number = 0
        while not self.leaving.wait(1 / 60):
            number += 1
            self.bus.send(encode(structs.replace(tick(number, self.mode), boot_id=self.boot_id)))
            while self.saying:
                self.bus.send(encode(self.saying.popleft()))
            if number % 60 == 1:
                self.bus.send(encode(description(boot_id=self.boot_id, cameras=self.rig.names)))

    def _serve(self) -> None:
        self.media.start()
        self.media.run(self.leaving)


def admitted(process: MediaProcess, name: str, role: Role) -> Credentials:
    """What a console knocks with once the robot has it on its list."""
    address = f"{LOOPBACK}:{process.port}"
    credentials = acquaint(process.folder, process.folder / name, address, name, role)
    key = credentials.own.public
    wait_until(
        lambda: process.roster.refreshed(now_ns()).member_of(key) is not None, "not on the list"
    )
    return credentials


@contextmanager
def asking(process: MediaProcess, name: str, role: Role) -> Iterator[VideoChannel]:
    """What somebody on the list asks for pictures through, with whatever words."""
    credentials = admitted(process, name, role)
    numbers = count(1)
    channel = VideoChannel(
        credentials, LOOPBACK, process.port, name, numbers.__next__, lambda: False
    )
    with closing(channel):
        yield channel


@contextmanager
def watching(
    process: MediaProcess, name: str, role: Role, cameras: tuple[str, ...] = (CAMERA,)
) -> Iterator[VideoReceiver]:
    link = OperatorLink(admitted(process, name, role), LOOPBACK, process.port)
    receiver = link.video(cameras)
    link.start()
    receiver.start()
    with closing(link), closing(receiver):
        yield receiver


def test_who_is_let_in_while_the_robot_waits_for_offers_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(MediaProcess(tmp_path)) as process:
        offers = process.media._viewers
        hear, waiting = offers.receive, threading.Event()

        def hear_patiently(wait_ms: int) -> object:
            waiting.set()
            return hear(2_000)  # the list changes within one wait

        monkeypatch.setattr(offers, "receive", hear_patiently)
        assert waiting.wait(HANG_S)
        with asking(process, "newcomer", Role.OPERATOR) as channel:
            answer = channel.exchange_video("v=0", ("rear",))
        assert answer.reason == "no camera rear; there are: front"


def test_a_key_that_is_struck_off_the_list_loses_the_picture_at_once(tmp_path: Path) -> None:
    with (
        closing(MediaProcess(tmp_path)) as process,
        watching(process, "driver", Role.OPERATOR) as driver,
        watching(process, "watcher", Role.OBSERVER) as watcher,
    ):
        for receiver in (driver, watcher):
            pictures_of(receiver, CAMERA, 3)
            wait_until(lambda r=receiver: r.problem == "", "it was not confirmed")  # type: ignore[misc]
        assert process.viewers() == 2
        process.roster.revoke("watcher")
        wait_until(lambda: process.viewers() == 1, "the revoked viewer was kept")
        wait_until(lambda: watcher.problem != "", "the revoked console noticed nothing")
        watcher.mailboxes[CAMERA].take()
        driver.mailboxes[CAMERA].take()
        pictures_of(driver, CAMERA, 60)
        assert watcher.mailboxes[CAMERA].take() is None
        assert driver.problem == ""
        assert process.viewers() == 1


def test_what_an_operator_said_outlives_a_recorder_that_has_fallen_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks it missed leave a gap in their numbers; a label that it missed would leave nothing."""
    catching_up, heard = threading.Event(), list[RobotBus]()

    def hear(media: Media, message: RobotBus) -> None:
        catching_up.wait(HANG_S)
        heard.append(message)

    monkeypatch.setattr("teleop.media.TICKS_WAITING", 2)
    monkeypatch.setattr(Media, "_hear", hear)
    said = Said(episode="episode-1", kind=AnnotationKind.OUTCOME, text="success", by="ada")
    with closing(MediaProcess(tmp_path)) as process:
        waiting = process.media._to_record
        wait_until(lambda: waiting.qsize() >= 2, "no ticks")
        process.saying.append(said)
        wait_until(lambda: said in waiting.queue, "it was dropped")
        assert sum(isinstance(each, Tick) for each in waiting.queue) <= 2
        catching_up.set()
        wait_until(lambda: said in heard, "it was not said to the recorder")
