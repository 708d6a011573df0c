"""The robot's end of the archive, on a thread of its own: what consoles fetch before they drive.

It serves what others have anyway: the newest pictures, the rewind of the present call, the audit
log's lines. Nothing waits for it, not even when a disk hangs or somebody asks without end; what
goes wrong with one request is answered, logged, and the next one is served.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from teleop.audit_pages import AuditPages
from teleop.camera_watch import Shot
from teleop.rewinds import Rewinds
from teleop.roster import Member, RosterFile
from teleop.thumbnails import Thumbnails
from transport.archive_messages import (
    ASK_BYTES,
    ASKS_AT_ONCE,
    ASKS_PER_S,
    ArchiveAnswer,
    ArchiveRequest,
    AuditRequest,
    NotInArchive,
    RewindRequest,
    ThumbnailAnswer,
    ThumbnailRequest,
)
from transport.channels import ARCHIVE
from transport.clock import NS_PER_MS, now_ns
from transport.control_link import Requests
from transport.curve import Door
from transport.messages import MalformedMessage, Role, decoder_of, encode
from transport.rate_limit import RateLimit

log = logging.getLogger("archive")

QUEUE: Final = 4  # answers that one connection may leave lying; who reads none gets no more
LEAVE_S: Final = 2.0
AUDITORS: Final = (Role.SUPERVISOR, Role.OPERATOR, Role.MAINTENANCE)

_decode: Callable[[bytes], ArchiveRequest] = decoder_of(ArchiveRequest)  # type: ignore[arg-type]


class Archive:
    """Serves everybody on the robot's list; `start` it, `close` it."""

    def __init__(
        self,
        door: Door,
        roster: RosterFile,
        host: str,
        port: int,
        rewinds: Rewinds,
        cameras: tuple[str, ...],
        audit: AuditPages | None,
    ) -> None:
        """`audit` is None where no audit log is kept."""
        # Others than the robot's answers are short: nobody may leave 512 KB lying here.
        asked = replace(ARCHIVE, max_bytes=ASK_BYTES)
        self._requests = Requests(asked, door, host, port, queue=QUEUE)
        self._roster = roster
        self._rewinds = rewinds
        self._cameras = cameras
        self._audit = audit
        self._thumbnails = Thumbnails()
        self._admits = RateLimit(ASKS_PER_S, ASKS_AT_ONCE)
        self._telling = RateLimit(per_s=0.1, burst=1)  # a flood must not fill the log
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="archive", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; idempotent."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE_S)
        self._requests.close()

    def saw(self, shot: Shot) -> None:
        """A camera's newest picture; from the thread that films."""
        self._thumbnails.saw(shot)

    def _serve(self) -> None:
        while not self._leaving.is_set():
            asked = self._requests.receive(wait_ms=50)
            if asked is None:
                continue
            member = self._roster.refreshed(now_ns()).member_of(asked.key)
            if member is None or not self._admits.admits(asked.key, now_ns()):
                continue  # a revoked key, or a flood: no answer
            answer = self._answer(asked.message, member)
            if answer is not None:
                self._requests.reply(asked.who, encode(answer))

    def _answer(self, raw: bytes, member: Member) -> ArchiveAnswer | None:
        try:
            request = _decode(raw)
        except MalformedMessage as error:
            if self._telling.admits(member.key, now_ns()):
                log.warning("request of %s that cannot be read: %s", member.name, error)
            return None
        try:
            return self._found(request, member)
        except Exception:  # whatever it is, the robot goes on filming
            if self._telling.admits(member.key, now_ns()):
                log.exception("%s cannot be answered", type(request).__name__)
            return _none(request, "The robot cannot answer this; its log says why.")

    def _found(self, request: ArchiveRequest, member: Member) -> ArchiveAnswer:
        match request:
            case ThumbnailRequest():
                return self._thumbnail(request)
            case RewindRequest():
                return self._rewinds.part(request)
            case AuditRequest():
                if member.role not in AUDITORS:
                    return _none(request, "Observers are not shown the audit log.")
                if self._audit is None:
                    return _none(request, "This robot keeps no audit log.")
                return self._audit.piece(request)

    def _thumbnail(self, request: ThumbnailRequest) -> ThumbnailAnswer | NotInArchive:
        if request.camera not in self._cameras:
            return _none(
                request, f"No camera {request.camera}; there are: {', '.join(self._cameras)}."
            )
        found = self._thumbnails.of(request.camera, request.width, now_ns())
        if found is None:
            return _none(request, f"No picture from {request.camera} yet.", soon=True)
        return ThumbnailAnswer(
            request_id=request.request_id,
            camera=request.camera,
            captured_ns=found.captured_ns,
            age_ms=max(0.0, (now_ns() - found.captured_ns) / NS_PER_MS),
            jpeg=found.jpeg,
        )


def _none(request: ArchiveRequest, reason: str, *, soon: bool = False) -> NotInArchive:
    return NotInArchive(request_id=request.request_id, reason=reason[:400], soon=soon)
