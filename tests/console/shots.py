"""Draws the real window in many states to PNG files: `python -m tests.console.shots OUT [NAME …]`.

Not a test: the pictures are for looking at.
"""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import msgspec
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QDialog

from teleop.operator_view import LinkView, Reach
from tests.console import shot_views as views
from tests.console.fakes import CALL, FakeLink, FakeVideo, dark, driven, frozen, link_view, resized
from transport import clock
from transport.messages import (
    Hand,
    Hold,
    HoldReason,
    Lease,
    Mode,
    Outcome,
    Phase,
)
from transport.picture import Picture
from transport.video_figures import VideoFigures
from ui.main_window import MainWindow
from ui.screen import Act
from ui.theme import Theme, dressed

S = clock.NS_PER_S
RENDERS = {"front": "/tmp/render_front.png", "ceiling": "/tmp/render_ceiling.png"}


@lru_cache
def camera_image(camera: str) -> npt.NDArray[np.uint8]:
    """A rendered camera picture when there is one, else a drawn room."""
    path = Path(RENDERS.get(camera, ""))
    image = QImage(str(path)) if path.is_file() else drawn(camera)
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), dtype=np.uint8)
    return rows.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()].copy()


def drawn(camera: str) -> QImage:
    """A floor, a wall, legs of furniture."""
    image = QImage(640, 480, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if camera == "ceiling":
        image.fill(QColor("#8a6a48"))
        painter.fillRect(170, 140, 280, 170, QColor("#8d3f36"))
        painter.fillRect(220, 10, 260, 90, QColor("#4b6178"))
        painter.fillRect(20, 180, 100, 130, QColor("#7a5430"))
        painter.setBrush(QColor("#d8d8d8"))
        painter.drawEllipse(QPointF(430, 120), 16, 16)
        painter.end()
        return image
    wall = QLinearGradient(0, 0, 0, 260)
    wall.setColorAt(0, QColor("#55524e"))
    wall.setColorAt(1, QColor("#a9a49c"))
    painter.fillRect(0, 0, 640, 260, wall)
    floor = QLinearGradient(0, 250, 0, 480)
    floor.setColorAt(0, QColor("#6b4a2e"))
    floor.setColorAt(1, QColor("#a87f55"))
    painter.fillRect(0, 250, 640, 230, floor)
    painter.setPen(QPen(QColor("#5a3d24"), 2))
    for x in range(-600, 1300, 110):
        painter.drawLine(QPointF(320 + (x - 320) * 0.25, 250), QPointF(x, 480))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#8d3f36"))
    painter.drawPolygon(
        QPolygonF([QPointF(120, 270), QPointF(560, 270), QPointF(640, 330), QPointF(0, 330)])
    )
    painter.fillRect(0, 0, 640, 70, QColor("#0c0c0c"))
    for x, w in ((130, 26), (205, 16), (470, 18), (575, 30)):
        painter.fillRect(x, 60, w, 250 if w > 20 else 205, QColor("#3a2a1e"))
    painter.end()
    return image


@dataclass
class Shot:
    """One window to draw."""

    name: str
    make: Callable[[], LinkView]
    size: tuple[int, int] = (1920, 1080)
    light: bool = False
    age_ms: float = 62.0
    second_age_ms: float = 71.0
    pictures: bool = True
    popup: bool = False
    late: bool = False
    note: str = ""  # how the lease left this console
    asks: Act | None = None  # the question that is open
    sheet: bool = False
    figures: bool = False
    relay_dead: bool = False
    frozen: bool = False  # the robot says that its cameras take no picture
    resized: tuple[str, ...] = ()  # cameras whose pictures have not the size that is recorded
    dark: bool = False  # the robot says that its pictures are black
    cameras: tuple[str, ...] = ("front", "ceiling")


EIGHT = ("front", "ceiling", "left", "right", "rear", "wrist", "gripper", "dock")
CAME = VideoFigures(
    width=640,
    height=480,
    bitrate_bps=1_214_000.0,
    received_fps=30.0,
    lost_fraction=0.002,
    jitter_ms=2.1,
    decode_ms=1.4,
    abandoned=3,
    key_requests=1,
)
DEAD_RELAY = (
    "this console's relay turn:turn.example.org:3478?transport=tcp does not answer: "
    "is it running, and is its port open?"
)
NOTE = "sup-1 took the robot from op-1: people near the robot, driver did not answer"

SHOTS = (
    Shot("call", views.calling),
    Shot("drive", views.driving),
    Shot("hold", views.holding, age_ms=186.0, second_age_ms=2600.0, popup=True, late=True),
    Shot("stop", views.stopped),
    Shot("lost", views.lost, age_ms=41_000.0, second_age_ms=41_000.0),
    Shot("searching", views.searching, pictures=False),
    Shot("exact", views.proved),
    Shot("diverged", views.diverged, age_ms=640.0),
    Shot("call-1280", views.calling, (1280, 800)),
    Shot("drive-1280", views.driving, (1280, 800)),
    Shot("hold-1280", views.holding, (1280, 800), age_ms=186.0, second_age_ms=2600.0, late=True),
    Shot("stop-1280", views.stopped, (1280, 800)),
    Shot("searching-1280", views.searching, (1280, 800), pictures=False),
    Shot("exact-1280", views.proved, (1280, 800)),
    Shot("drive-light", views.driving, light=True),
    Shot(
        "hold-light",
        views.holding,
        light=True,
        age_ms=186.0,
        second_age_ms=2600.0,
        popup=True,
        late=True,
    ),
    Shot("call-light", views.calling, light=True),
    Shot("drive-1600", views.driving, (1600, 1000)),
    Shot("drive-1366", views.driving, (1366, 768)),
    Shot("drive-2560", views.driving, (2560, 1440)),
    *(
        replace(shot, name=f"{shot.name}{suffix}", size=size)
        for suffix, size in (("", (1920, 1080)), ("-1280", (1280, 800)), ("-1180", (1180, 720)))
        for shot in (
            Shot("arm-drive", views.arm_driving),
            Shot("arm-edge", views.arm_at_the_edge),
            Shot("arm-standby", views.arm_standing_by),
            Shot("arm-keys", views.arm_driving, sheet=True),
        )
    ),
    Shot("arm-drive-light", views.arm_driving, light=True),
    Shot("keys-1280", views.driving, (1280, 800), sheet=True),
    Shot("keys-light", views.driving, light=True, sheet=True),
    *(
        replace(shot, name=f"{shot.name}{suffix}", size=size)
        for suffix, size in (("", (1600, 1000)), ("-1280", (1280, 800)))
        for shot in (
            Shot("asked", views.asked),
            Shot("asking", views.asking),
            Shot("displaced", views.displaced, note=NOTE),
            Shot("observing", views.observing),
            Shot("called-observing", views.called_observing),
            Shot("supervising", views.supervising, popup=True),
            Shot("take-over", views.supervising, asks=Act.TAKE_OVER),
            Shot("reset", views.stopped, asks=Act.RESET),
            Shot("clear-fault", views.faulty, asks=Act.CLEAR_FAULT),
            Shot("unattended", views.unattended),
            Shot("late", views.late, popup=True),
            Shot("slow", views.slow),
            Shot("lent", views.lent),
            Shot("unlabelled", views.unlabelled),
            Shot("idle", views.idle, popup=True),
            Shot("replay", views.replaying),
            Shot("replay-approach", views.replay_approaching),
            Shot("replay-judge", views.replay_to_judge),
            Shot("replay-ended", views.replay_ended),
            Shot("note", views.idle, asks=Act.NOTE),
            Shot("testing", views.testing),
            Shot("no-stop", views.untestable),
            Shot("safe-stop", views.safe_stop),
            Shot("faulty", views.faulty),
            Shot("wrong-robot", views.wrong_robot, pictures=False),
            Shot("not-paired", views.not_paired, pictures=False),
        )
    ),
    *(
        replace(shot, name=f"{shot.name}{suffix}", size=size)
        for suffix, size in (("", (1920, 1080)), ("-1280", (1280, 800)), ("-1180", (1180, 720)))
        for shot in (
            Shot("figures", views.driving, figures=True),
            Shot("figures-light", views.driving, figures=True, light=True),
            Shot("figures-one", views.driving, figures=True, cameras=EIGHT[:1]),
            Shot("figures-four", views.driving, figures=True, cameras=EIGHT[:4]),
            Shot("figures-eight", views.driving, figures=True, cameras=EIGHT, second_age_ms=2600.0),
            Shot("figures-relay", views.driving, figures=True, relay_dead=True),
            Shot("figures-asked", views.asked, figures=True),
            Shot("frozen", views.holding, age_ms=3_200.0, second_age_ms=3_200.0, frozen=True),
            Shot("black", views.driving, (1280, 800), dark=True, popup=True),
            Shot("resized", views.driving, resized=EIGHT[:1], popup=True),
            Shot("resized-two", views.driving, resized=EIGHT[:2], figures=True),
            Shot("way", views.holding, age_ms=3_200.0, second_age_ms=62.0),
        )
    ),
    Shot("asked-light", views.asked, (1280, 800), light=True),
    Shot("take-over-light", views.supervising, (1280, 800), light=True, asks=Act.TAKE_OVER),
    Shot("late-light", views.late, (1280, 800), light=True, popup=True),
)


def tell_past(window: MainWindow, now: LinkView, late: bool) -> None:
    """Eight minutes of history, so that timeline, traces and track have something to show."""
    noise = random.Random(7)
    base_ns = clock.now_ns()
    heading, x, y = 0.3, 0.2, -0.8
    end_state = now.state
    for back in range(478 * 5, 0, -1):
        t_s = 478 - back / 5
        stamp_ns = base_ns - back * S // 5
        latency = 76 + noise.gauss(0, 4) + (150 if 196 < t_s < 206 else 0)
        if late and t_s > 400:
            latency = 200 + noise.gauss(20, 12)
        speed = 0.25 + 0.05 * math.sin(t_s / 7)
        mode, phase, call, lease = Mode.AUTONOMY, Phase.AUTONOMOUS, None, Lease()
        hold = None
        wedged = t_s >= 280
        if wedged:
            speed = 0.0
            mode, phase, call = Mode.HOLD, Phase.HANDOVER, CALL
            hold = Hold(reason=HoldReason.CALLING)
        mine = (
            now.yours
            or (now.state is not None and now.reach is Reach.LOST)
            or (now.media is not None and now.media.verdict is not None)
        )
        if t_s >= 319 and mine:
            speed = 0.2 + 0.12 * math.sin(t_s / 3)
            mode, phase, call, hold = Mode.TELEOP, Phase.RECOVERY, None, None
            lease = driven().lease
        if t_s >= 440 and now.media is not None and now.media.verdict is not None and not now.yours:
            mode, phase, lease = Mode.AUTONOMY, Phase.AUTONOMOUS, Lease(epoch=4)
        if not wedged or lease.session:
            heading += 0.12 * math.sin(t_s / 9) + noise.gauss(0, 0.02)
            x += speed * math.cos(heading) / 5
            y += speed * math.sin(heading) / 5
        if end_state is not None and end_state.hand is not None:
            x, y = 0.35 + 0.12 * math.sin(t_s / 5), 0.18 * math.cos(t_s / 7)
            heading = 0.6 * math.sin(t_s / 11)
        if end_state is None:
            view = now
        else:
            outcome = Outcome.SUCCESS if t_s > 430 and lease.session else Outcome.UNLABELLED
            hand = end_state.hand and Hand(
                z_m=0.15 + 0.1 * math.sin(t_s / 4),
                grip=0.5 + 0.5 * math.sin(t_s / 6),
                grip_n=max(0.0, 8 * math.sin(t_s / 6)),
            )
            state = msgspec.structs.replace(
                end_state,
                hand=hand,
                mode=mode,
                phase=phase,
                call=call,
                lease=lease,
                hold=hold,
                x_m=x,
                y_m=y,
                speed_mps=speed,
                motor_a=(1.8 if speed else 0.3) + noise.gauss(0, 0.15),
                tilt_rad=0.02 + noise.gauss(0, 0.002),
                stamp_ns=CALL.stamp_ns + int((t_s - 280) * S),
                outcome=outcome,
                heading_rad=heading,
            )
            view = link_view(state)
        window.history.note(view, latency if end_state else None, stamp_ns)
        if int(t_s * 5) == 2000 and mine:
            window.history.mark("marker", "marker 1", stamp_ns)
    if end_state is not None:
        later_ns = CALL.stamp_ns + 198 * S - end_state.stamp_ns
        wanted = end_state.wanted
        if wanted is not None:
            wanted = msgspec.structs.replace(wanted, until_ns=wanted.until_ns + later_ns)
        expires_ns = end_state.lease.expires_ns + later_ns
        window._link.shown = replace(  # type: ignore[attr-defined]
            now,
            state=msgspec.structs.replace(
                end_state,
                x_m=x,
                y_m=y,
                heading_rad=heading,
                stamp_ns=end_state.stamp_ns + later_ns,
                lease=msgspec.structs.replace(end_state.lease, expires_ns=expires_ns),
                wanted=wanted,
            ),
        )


def draw(app: QApplication, theme: Theme, shot: Shot, out: Path) -> None:
    theme.choose(Qt.ColorScheme.Light if shot.light else Qt.ColorScheme.Dark)
    view = shot.make()
    if shot.frozen and view.media is not None:
        view = replace(view, media=frozen(view.media))
    if shot.resized and view.media is not None:
        view = replace(view, media=resized(view.media, *shot.resized))
    if shot.dark and view.media is not None:
        view = replace(view, media=dark(view.media))
    link = FakeLink(view)
    video = FakeVideo(tuple(shot.cameras))
    video.figures = dict.fromkeys(shot.cameras, CAME)
    video.server_trouble = DEAD_RELAY if shot.relay_dead else ""
    boxes = video.mailboxes
    window = MainWindow(link, video, theme, title="Unstick")
    window._timer.stop()
    window.history.__init__()  # type: ignore[misc]
    tell_past(window, view, shot.late)
    window.resize(*shot.size)
    window.show()
    app.processEvents()
    for number in range(12):
        if shot.pictures:
            for place, camera in enumerate(shot.cameras):
                age = (shot.age_ms, shot.second_age_ms)[place % 2]
                now_ns = clock.now_ns()
                frame = Picture(
                    camera, number, now_ns - int(age * 1e6), now_ns, now_ns, camera_image(camera)
                )
                boxes[camera].put(frame)
            window.wake()
        app.processEvents()
        window.refresh()
    window.robot.settle.__init__()  # type: ignore[misc]
    for feed in window.cameras.feeds.values():
        if shot.pictures:
            feed._painted_at.clear()
            now_ns = clock.now_ns()
            feed._painted_at.extend(now_ns - (29 - n) * S // 30 for n in range(30))
            feed._lags_ns.extend([feed._lags_ns[-1]] * 30)
            while len(feed._lags_ns) > 30:
                feed._lags_ns.popleft()
    window.refresh()
    if shot.popup:
        window.toggle_reasons()
    if shot.figures:
        window.toggle_figures()
    if shot.sheet:
        window.show_keys()
    if shot.note:
        window.history.facts = replace(window.history.facts, note=shot.note)
    if shot.asks is not None:
        window.act(shot.asks)
    for _ in range(4):
        app.processEvents()
        window._turns = 0
        window.refresh()
        window.main_video.update()
    app.processEvents()
    whole = window.grab()
    for dialog in window.findChildren(QDialog):
        painter = QPainter(whole)
        painter.fillRect(whole.rect(), QColor(0, 0, 0, 90))
        painter.drawPixmap(window.mapFromGlobal(dialog.pos()), dialog.grab())
        painter.end()
        dialog.close()
    whole.save(str(out / f"{shot.name}.png"))
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, 52)


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:]
    app = QApplication([])
    theme = dressed(app)
    for shot in SHOTS:
        if not names or shot.name in names:
            draw(app, theme, shot, out)
            print(shot.name)


if __name__ == "__main__":
    main()
