"""The media process of a robot: cameras, WebRTC, recording, and the replay of what was recorded.

Threads: `bus` hears every control tick; `recorder` owns the recorder; `labels` keeps what is said
of sealed episodes, `disk-space` asks how much room there is; `cameras` takes the pictures (the
simulated rig draws the newest tick's state); one `encode-NAME` per camera serves the stream;
`archive` serves what consoles fetch before they drive; the main thread answers viewers, reports,
and starts the replay of each sealed episode in a process of its own. They hand over through
mailboxes; a late reader gets the newest value and the loss is counted. When this process dies the
robot goes on, and its next start recovers the open episode.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from recorder.episode import CameraFormat
from recorder.episode_recorder import NO_CUSTODY, EpisodeRecorder, Heard
from recorder.provenance import Custody
from recorder.recover import recover_all
from teleop.archive import Archive
from teleop.audit_pages import AuditPages
from teleop.auditing import Auditing
from teleop.camera_watch import Shot
from teleop.child import SEAL_S
from teleop.disk_space import DiskSpace
from teleop.filming import Filming
from teleop.gate import DRIVERS
from teleop.labelling import Labelling
from teleop.replay_queue import ReplayQueue
from teleop.rewinds import Rewinds
from teleop.robot import CameraRig, camera_settings, camera_sight
from teleop.roster import RosterFile
from teleop.site import VideoRates
from teleop.streamed_camera import StreamedCamera
from transport.channels import MEDIA_STATE, MEDIA_STATE_HZ, TICKS_PER_ROW, VIDEO
from transport.clock import NS_PER_S, now_ns
from transport.control_link import LOOPBACK, BusReceiver, Publisher, Requests
from transport.curve import Credentials, Door
from transport.ice_servers import NO_SERVERS, IceServers
from transport.mailbox import Mailbox
from transport.messages import (
    Calling,
    CameraStatus,
    Description,
    MalformedMessage,
    MediaState,
    RecorderPhase,
    Rendition,
    RobotBus,
    Said,
    Tick,
    ViewerMessage,
    decoder_of,
    encode,
)
from transport.rate_limit import RateLimit
from transport.video_sender import VideoSender

log = logging.getLogger("media")

TICKS_WAITING = 600  # 10 s between the bus and the recorder
PICTURES_WAITING = 16  # between the cameras and the recorder; more means the recorder hangs

_decode_bus: Callable[[bytes], RobotBus] = decoder_of(RobotBus)  # type: ignore[arg-type]
_decode_viewer: Callable[[bytes], ViewerMessage] = decoder_of(ViewerMessage)  # type: ignore[arg-type]


class Media:
    """The media process around one camera rig."""

    def __init__(
        self,
        name: str,
        rig: CameraRig,
        door: Door,
        roster: RosterFile,
        bus: Credentials,
        host: str,
        port: int,
        episodes: Path,
        scene: Path | None = None,
        ice: IceServers = NO_SERVERS,
        rates: VideoRates | None = None,
        custody: Custody = NO_CUSTODY,
        audit_pages: AuditPages | None = None,
        audit: Auditing | None = None,
        every: int = 1,
    ) -> None:
        """`bus` are the robot's own keys, for its inner bus; `rates` bound what cameras may send.

        `scene` is the file a replay has to be given, if it is not the bundled one; `ice` are the
        servers that help pictures on their way; `audit` is closed with this, and `audit_pages`
        reads what it wrote. A picture is taken for each `every`-th row; the others repeat it and
        say so.
        """
        self._name = name
        self._film_every = TICKS_PER_ROW * every
        self._rig = rig
        self._episodes = episodes
        self._custody = custody
        self._audit = audit
        self._roster = roster
        self._members = roster.read()
        self._bus = BusReceiver(bus, port)
        self._viewers = Requests(VIDEO, door, host, port)
        self._states = Publisher(MEDIA_STATE, door, host, port)
        self._rewinds = Rewinds(rig.names)
        self._archive = Archive(door, roster, host, port, self._rewinds, rig.names, audit_pages)
        self._streams: dict[str, StreamedCamera] = {}
        self._sender = VideoSender(
            rig.names,
            self._need_key_frame,
            bind_host=host if host == LOOPBACK else "",
            ice=ice,
            limits=dict.fromkeys(rig.names, (rates or VideoRates()).limits(rig.width, rig.height)),
        )
        streams = [
            StreamedCamera(rig, camera, self._sender, rendition)
            for camera in rig.names
            for rendition in Rendition
        ]
        self._streams = {stream.name: stream for stream in streams}
        self._ticks: Mailbox[Tick] = Mailbox()
        self._pictures: deque[Shot] = deque(maxlen=PICTURES_WAITING)
        self._recorder: EpisodeRecorder | None = None
        self._recorder_status = (RecorderPhase.PREROLL, "", 0.0, "waits for control")
        self._to_record: queue.Queue[RobotBus] = queue.Queue()
        self._boot_id = ""
        self._description: Description | None = None
        self._telling = RateLimit(per_s=0.1, burst=1)  # a flood must not fill the log
        self._unrecorded = dict.fromkeys(rig.names, 0)
        self._sights = {name: camera_sight(rig, name) for name in rig.names}
        self._sealed: deque[Path] = deque()
        self._labelling = Labelling(
            *(episodes, self._say_to_recorder, self._sealed.append),
            sealed=audit.sealed if audit is not None else None,
        )
        self._disk_space = DiskSpace(episodes)
        self._replays = ReplayQueue(scene)
        self._filming = Filming(rig, streams, self._took)
        self._leaving = threading.Event()
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), name=name, daemon=True)
            for name, work in (
                ("bus", self._hear_bus),
                ("recorder", self._record),
                ("cameras", self._take_pictures),
                ("recovery", self._recover),
            )
        ]

    def start(self) -> None:
        """Start all threads and wait until the cameras are open.

        Raises:
            RobotError: the cameras cannot be opened.
        """
        self._sender.start()
        self._disk_space.free_bytes(now_ns())  # answered by the first report
        for stream in self._streams.values():
            stream.start()
        self._archive.start()
        for thread in self._threads:
            thread.start()
        while not self._filming.opened.wait(0.05):
            if self._failure is not None:
                raise self._failure

    def run(self, leaving: threading.Event) -> None:
        """Serve until `leaving` is set."""
        report_ns = now_ns()
        while not leaving.is_set():
            self._answer_viewers(wait_ms=20)
            while self._sealed:
                self._replays.waiting.append(self._sealed.popleft())
            if self._recorder_status[0] is RecorderPhase.RECORDING:
                self._replays.prepare()
            before = self._replays.notice
            self._replays.poll()
            notice = self._replays.notice
            if self._audit is not None and notice is not None and notice is not before:
                self._audit.judged(notice)
            if now_ns() >= report_ns:
                report_ns += NS_PER_S // MEDIA_STATE_HZ
                self._states.publish(encode(self._report()))
            for failure in (self._failure, *(s.failure for s in self._streams.values())):
                if failure is not None:
                    raise failure

    def close(self) -> None:
        """Seal what is open and let go of everything; idempotent."""
        self._leaving.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(SEAL_S)
        if self._audit is not None:
            self._audit.close()
        for stream in self._streams.values():
            stream.close()
        self._sender.close()
        self._archive.close()
        self._replays.close()
        self._disk_space.close()
        for link in (self._bus, self._viewers, self._states):
            link.close()

    def _need_key_frame(self, stream: str) -> None:
        self._streams[stream].need_key_frame()

    def _guard(self, work: Callable[[], None]) -> None:
        """The top of a thread: a failure ends the process, its parent starts it again."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            self._failure = error

    def _recover(self) -> None:
        """Beside everything else: recovering a long episode must not keep the robot waiting."""
        try:
            for recovery in recover_all(self._episodes):
                log.warning("left by a crash: %s", recovery)
        except Exception:  # cameras and control's pictures must not go down with an old episode
            log.exception("episodes left by a crash are not recovered")

    # --- bus thread: ticks to the cameras and to the recorder ---

    def _hear_bus(self) -> None:
        while not self._leaving.is_set():
            message = self._next_message()
            if self._audit is not None:
                self._audit.heard(message)
            if message is None:
                continue
            if isinstance(message, Tick) and message.tick % self._film_every == 0:
                self._ticks.put(message)
            # A recorder that far behind has lost ticks; their numbers show it in the episode. What
            # an operator said about one is rare and has no number: it waits however long it takes.
            if not isinstance(message, Tick) or self._to_record.qsize() < TICKS_WAITING:
                self._to_record.put(message)

    def _next_message(self) -> RobotBus | None:
        raw = self._bus.receive(wait_ms=50)
        try:
            return _decode_bus(raw) if raw is not None else None
        except MalformedMessage as error:
            log.error("tick that cannot be read: %s", error)
            return None

    # --- recorder thread ---

    def _record(self) -> None:
        while not self._leaving.is_set():
            with contextlib.suppress(queue.Empty):
                self._hear(self._to_record.get(timeout=0.005))
            recorder = self._recorder
            if recorder is None:
                self._pictures.clear()
                continue
            while self._pictures:
                shot = self._pictures.popleft()
                recorder.picture(shot.camera, shot.captured_ns, shot.picture)
            recorder.poll(now_ns())
            for sealed in recorder.sealed():
                self._sealed.append(sealed)
                self._labelling.sealed(sealed)
            self._recorder_status = recorder.status()
        while not self._to_record.empty():  # what was heard belongs to the episode, too
            self._hear(self._to_record.get_nowait())
        if self._recorder is not None:
            self._recorder.close(now_ns())
        self._labelling.close()

    def _hear(self, message: RobotBus) -> None:
        if isinstance(message, Description):
            self._meet(message)
            return
        if isinstance(message, Said):
            self._labelling.say(message)
            return
        if isinstance(message, Calling):
            content = None if self._recorder is None else self._recorder.preroll()
            self._rewinds.hear(message, content, self._description)
            return
        # A control process that restarted is recorded once it has said who it is.
        if self._recorder is not None and message.boot_id == self._boot_id:
            self._recorder.tick(message)

    def _say_to_recorder(self, said: Said) -> Heard:
        return Heard.NOT_HERE if self._recorder is None else self._recorder.say(said)

    def _meet(self, description: Description) -> None:
        """The first description starts the recorder; another boot id means control restarted."""
        self._description = description
        if self._recorder is None:
            cameras = [
                CameraFormat(
                    name=name,
                    width=self._rig.width,
                    height=self._rig.height,
                    settings=camera_settings(self._rig, name),
                )
                for name in self._rig.names
            ]
            self._recorder = EpisodeRecorder(
                self._episodes,
                description,
                cameras,
                custody=self._custody,
                gate_sha256=gate_sha256(),
                config_sha256=hashlib.sha256(encode(description)).hexdigest(),
            )
            self._boot_id = description.boot_id
        elif description.boot_id != self._boot_id:
            self._recorder.restart(description)
            self._boot_id = description.boot_id

    # --- camera thread ---

    def _take_pictures(self) -> None:
        self._filming.run(self._ticks, self._leaving)

    def _took(self, shot: Shot) -> None:
        self._archive.saw(shot)
        size = (shot.picture.width, shot.picture.height)
        fits = size == (self._rig.width, self._rig.height)
        if not fits or len(self._pictures) == PICTURES_WAITING:
            self._unrecorded[shot.camera] += 1
        if fits:
            self._pictures.append(shot)

    # --- main thread ---

    def _heed_roster(self) -> None:
        """A key that was struck off the list loses its open connections."""
        members = self._roster.refreshed(now_ns())
        if members is self._members:
            return
        self._members = members
        if any(members.member_of(key) is None for key in self._states.guests):
            self._states.cut()
        self._sender.keep_only({member.key for member in members.members})

    def _answer_viewers(self, wait_ms: int) -> None:
        asked = self._viewers.receive(wait_ms)
        self._heed_roster()  # whom the door has let in meanwhile is on the list by now
        member = None if asked is None else self._members.member_of(asked.key)
        if asked is None or member is None:
            return
        try:
            message = _decode_viewer(asked.message)
        except MalformedMessage as error:
            if self._telling.admits(asked.key, now_ns()):
                log.warning("message of viewer %s that cannot be read: %s", member.name, error)
            return
        reply = self._sender.hear(asked.key, message, may_drive=member.role in DRIVERS)
        self._viewers.reply(asked.who, encode(reply))

    def _report(self) -> MediaState:
        phase, episode, seconds, detail = self._recorder_status
        return MediaState(
            robot=self._name,
            stamp_ns=now_ns(),
            cameras=tuple(self._camera_status(self._streams[name]) for name in self._rig.names),
            recorder=phase,
            episode=episode,
            episode_s=seconds,
            recorder_detail=detail[:400],
            last=self._labelling.last,
            validating=self._replays.running.name if self._replays.running else "",
            verdict=self._replays.notice,
            disk_free_bytes=self._disk_space.free_bytes(now_ns()),
        )

    def _camera_status(self, stream: StreamedCamera) -> CameraStatus:
        name, stamp_ns = stream.name, now_ns()
        watch, plan = self._filming.watches[name], self._sender.plan(name)
        return CameraStatus(
            name=name,
            width=watch.width or self._rig.width,
            height=watch.height or self._rig.height,
            fps=round(self._filming.fps[name], 1),
            captured=watch.counts.captured,
            encoded=stream.encoded,
            skipped=stream.shots.overwritten,
            viewers=self._sender.connections(name),
            condition=watch.condition(stamp_ns),
            problem=watch.problem(stamp_ns),
            since_s=round(watch.since_s(stamp_ns), 1),
            left_out=stream.left_out,
            unsent=self._sender.skipped(name),
            unrecorded=self._unrecorded[name],
            unusable=watch.counts.unusable,
            black=watch.counts.black,
            repeated=watch.counts.repeated,
            jumped=watch.counts.jumped,
            bitrate_bps=plan.bitrate_bps,
            stream_fps=round(plan.fps, 1),
            sight=self._sights[name],
        )


def gate_sha256() -> str:
    """Hash of the sources that decide about motion, for the manifest of an episode."""
    digest = hashlib.sha256()
    for name in ("gate", "gate_state", "requests", "mode", "lease", "safety"):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()
