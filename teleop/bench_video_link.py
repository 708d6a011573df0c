"""The receiving end of `unstick bench video`: viewers of a sender in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from teleop.bench_load import spent_s
from teleop.bench_lossy import Line, LossyRelay
from teleop.bench_video_figures import Frames, Shown
from teleop.bench_video_sender import camera_names
from teleop.both_ends import acquaint
from teleop.child import end_child, start_child, wait_ready
from teleop.video_channel import VideoChannel
from transport.clock import NS_PER_S, now_ns
from transport.control_link import LOOPBACK, free_base_port
from transport.curve import Credentials
from transport.errors import LinkError
from transport.messages import VideoAnswer
from transport.video_peer import StockReceiver
from transport.video_receiver import VideoReceiver

VIEWERS_PER_KEY: Final = 2  # what a robot allows, see transport.viewers
CONNECTED_S: Final = 20.0
WARM_NS: Final = 60 * NS_PER_S  # into a long run, when caches and pools have their size
LOOK_S: Final = 0.002  # between two looks at the mailboxes


class BenchExchange(VideoChannel):
    """The console's channel to the sender at `port`, over a bad line or not."""

    def __init__(
        self,
        credentials: Credentials,
        port: int,
        session: str = "bench",
        over: Callable[[], LossyRelay] | None = None,
    ) -> None:
        super().__init__(
            credentials, LOOPBACK, port, session, take_id=lambda: 1, leaving=lambda: False
        )
        self._over = over

    def exchange_video(self, sdp: str, cameras: Sequence[str]) -> VideoAnswer:
        """Bring an offer to the sender."""
        if self._over is None:
            return super().exchange_video(sdp, cameras)
        relay = self._over()
        answer = super().exchange_video(relay.offered(sdp), cameras)
        return replace(answer, sdp=relay.answered(answer.sdp)) if answer.ok else answer


@dataclass
class Watched:
    """What viewers saw, by camera, and what it cost the sender."""

    frames: dict[str, Sequence[Shown]] = field(default_factory=dict)
    until_ns: int = 0
    sender_cores: float | None = None  # kept busy by the sender meanwhile; None: not known here
    # Resident memory, MB: once all is warm, and at the end; (sender, receiver).
    warm_mb: tuple[float | None, float | None] = (None, None)
    end_mb: tuple[float | None, float | None] = (None, None)

    @property
    def first(self) -> Sequence[Shown]:
        """What was seen of the first camera."""
        return next(iter(self.frames.values()), [])


@dataclass(frozen=True)
class Sending:
    """A sender's process."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def credentials(self, viewer: int = 0) -> Credentials:
        """What the `viewer`-th viewer knocks with; some share a key, as far as a robot allows."""
        name = f"bench-{viewer // VIEWERS_PER_KEY}"
        return acquaint(self.folder, self.folder / name, f"{LOOPBACK}:{self.port}", name)


@contextmanager
def sending(
    width: int, height: int, *, cameras: int = 1, stock: bool = False, viewers: int = 1
) -> Iterator[Sending]:
    """A sender for the length of one measurement, which knows all its viewers beforehand."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_base_port()
        for viewer in range(viewers):
            Sending(folder, port, None).credentials(viewer)  # type: ignore[arg-type]
        options = ["bench-sender", str(folder), str(port), str(width), str(height)]
        options += ["--cameras", str(cameras), *(["--stock"] if stock else [])]
        child = start_child(options)
        try:
            if not wait_ready(child, 20.0):
                raise LinkError("the bench's sender did not start")
            yield Sending(folder, port, child)
        finally:
            end_child(child)


def watch(
    width: int,
    height: int,
    seconds: float,
    *,
    cameras: int = 1,
    viewers: int = 1,
    line: Line | None = None,
) -> Watched:
    """What our receiver sees of our sender. The figures are the first viewer's."""
    names = camera_names(cameras)
    with ExitStack() as closing:
        sender = closing.enter_context(sending(width, height, cameras=cameras, viewers=viewers))
        over = _bad_line(line, closing)
        receivers = []
        for viewer in range(viewers):
            exchange = BenchExchange(
                sender.credentials(viewer), sender.port, f"session-{viewer}", over
            )
            closing.callback(exchange.close)
            receiver = VideoReceiver(names, exchange, bind_host=LOOPBACK)
            receivers.append(receiver)
            receiver.start()
            closing.callback(receiver.close)
        _all_connected(receivers)
        return _seen(receivers[0], seconds, sender)


def _all_connected(receivers: Sequence[VideoReceiver]) -> None:
    deadline = time.monotonic() + CONNECTED_S
    while any(receiver.problem for receiver in receivers) and time.monotonic() < deadline:
        time.sleep(0.05)


def _seen(receiver: VideoReceiver, seconds: float, sender: Sending) -> Watched:
    frames = {camera: Frames() for camera in receiver.mailboxes}
    seen = Watched(frames=dict(frames))
    for mailbox in receiver.mailboxes.values():
        mailbox.take()  # from before
    begin_ns, began = now_ns(), spent_s(sender.process.pid)
    end_ns = begin_ns + round(seconds * NS_PER_S)
    warm_ns = begin_ns + min(WARM_NS, (end_ns - begin_ns) // 4)
    while now_ns() < end_ns:
        time.sleep(LOOK_S)
        if seen.warm_mb == (None, None) and now_ns() > warm_ns:
            seen.warm_mb = _memory_mb(sender)
        for camera, mailbox in receiver.mailboxes.items():
            picture = mailbox.take()
            if picture is not None:
                # As for the peers: when the decoder gave the frame out, not yet converted.
                frames[camera].append(Shown(picture.captured_ns, picture.received_ns))
    seen.until_ns = now_ns()
    spent = spent_s(sender.process.pid)
    if began is not None and spent is not None:
        seen.sender_cores = (spent - began) / ((seen.until_ns - begin_ns) / NS_PER_S)
    seen.end_mb = _memory_mb(sender)
    return seen


def _memory_mb(sender: Sending) -> tuple[float | None, float | None]:
    return resident_mb(sender.process.pid), resident_mb(os.getpid())


def watch_stock(
    width: int, height: int, seconds: float, *, viewers: int = 1, line: Line | None = None
) -> Watched:
    """The same of stock aiortc."""
    with ExitStack() as closing:
        sender = closing.enter_context(sending(width, height, stock=True, viewers=viewers))
        receivers = []
        for viewer in range(viewers):
            exchange = BenchExchange(
                sender.credentials(viewer),
                sender.port,
                f"session-{viewer}",
                _bad_line(line, closing),
            )

            def answered(sdp: str, exchange: BenchExchange = exchange) -> str:
                try:
                    return exchange.exchange_video(sdp, camera_names(1)).sdp
                finally:
                    exchange.close()

            receivers.append(StockReceiver(answered, LOOPBACK))
            receivers[-1].start()
        begin_ns, began = now_ns(), spent_s(sender.process.pid)
        time.sleep(seconds)
        until_ns, spent = now_ns(), spent_s(sender.process.pid)
        for receiver in receivers:
            receiver.close()
        assert sender.process.stdin is not None
        assert sender.process.stdout is not None
        sender.process.stdin.close()
        captured = json.loads(sender.process.stdout.readline() or "[{}]")[0]
    frames = [
        Shown(captured[str(number)], decoded_ns)
        for number, decoded_ns in receivers[0].decoded_ns.items()
        if str(number) in captured and decoded_ns >= begin_ns
    ]
    cores = None
    if began is not None and spent is not None:
        cores = (spent - began) / ((until_ns - begin_ns) / NS_PER_S)
    return Watched({camera_names(1)[0]: frames}, until_ns, cores)


def _bad_line(line: Line | None, closing: ExitStack) -> Callable[[], LossyRelay] | None:
    """Where each new connection gets its way through a bad line; None for a good one."""
    if line is None:
        return None

    def made() -> LossyRelay:
        relay = LossyRelay(line)
        closing.callback(relay.close)
        return relay

    return made


def painted_ms(width: int, height: int, seconds: float) -> list[float]:
    """Ages at paint, from the console's own video widget in a real window."""
    environment = dict(os.environ)
    if sys.platform == "linux" and not environment.get("DISPLAY"):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with sending(width, height) as sender:
        sender.credentials()
        keys = str(sender.folder / "bench-0")
        options = [keys, str(sender.port), str(width), str(height), str(seconds)]
        done = subprocess.run(
            [sys.executable, "-m", "ui.paint_bench", *options],
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=False,
        )
    if done.returncode:
        sys.stderr.write(done.stderr)
        return []
    ages: list[float] = json.loads(done.stdout)
    return ages


def resident_mb(pid: int) -> float | None:
    """A process's memory (Linux)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
