"""The ten seconds before a call: picture, a strip of moments, what was measured, and a play bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from teleop.rewind import Rewind
from teleop.rewind_reader import Pixels, RewindReader, Scrubber
from transport import clock
from transport.mailbox import Mailbox
from ui import icons, words
from ui.bridge import Wake
from ui.buttons import KeyButton
from ui.errands import Errands
from ui.hud import MARGIN, TAG_H
from ui.theme import BODY, CAPTION, Theme, font, text_width

SPAN_S: Final = 10.0
MOMENTS: Final = 10  # small pictures, one for each second
STRIP_H, LANES_H = 76, 92
LEFT: Final = 136  # px, of names and values
TICK_MS: Final = 33
LANES: Final = ("Speed", "Motor", "Events")


def _image(pixels: Pixels) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(
        pixels.data.cast("B"), width, height, pixels.strides[0], QImage.Format.Format_RGB32
    )


def moments(rewind: Rewind, count: int = MOMENTS) -> list[tuple[float, Pixels]]:
    """(seconds before the call, small picture): evenly over the rewind, oldest first."""
    reader = RewindReader(rewind)
    found = []
    for number in range(count):
        before_s = SPAN_S * (1 - number / count) - 0.01
        try:
            pixels = reader.picture(rewind.index_at(before_s))
        except ValueError:
            continue
        found.append((before_s, pixels[::4, ::4].copy()))
    return found


class RewindPicture(QWidget):
    """One picture of the rewind, its proportions kept."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pixels: Pixels | None = None  # what the image looks at
        self._image: QImage | None = None
        self._word = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture before the call")

    def show_pixels(self, pixels: Pixels | None) -> None:
        """Another picture; None: there is none."""
        self._pixels = pixels
        self._image = _image(pixels) if pixels is not None else None
        self.update()

    def say(self, word: str) -> None:
        """When it is from, or why there is none."""
        if word != self._word:
            self._word = word
            self.setAccessibleDescription(word)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("win"))
        room = QRectF(self.rect())
        image = self._image
        aspect = image.width() / image.height() if image is not None else 4 / 3
        width = min(room.width(), room.height() * aspect)
        area = QRectF((room.width() - width) / 2, 0, width, width / aspect)
        if image is None:
            painter.fillRect(area, self._theme.color("panel"))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = text_width(self._word, BODY, 500) + 42
        tag = QRectF(area.left() + MARGIN, MARGIN, width, TAG_H)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("win"))
        painter.setOpacity(0.9)
        painter.drawRoundedRect(tag, 4, 4)
        painter.setOpacity(1.0)
        icons.draw(painter, "clock", tag.left() + 8, tag.top() + 5, 14, self._theme.color("text"))
        painter.setPen(self._theme.color("text"))
        painter.setFont(font(BODY, 500))
        painter.drawText(QPointF(tag.left() + 30, tag.top() + 16.5), self._word)


class Strip(QWidget):
    """Small pictures a second apart; a click goes there."""

    went = Signal(float)  # seconds before the call

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._moments: list[tuple[float, Pixels]] = []
        self._at_s = 0.0
        self.setFixedHeight(STRIP_H)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Moments before the call")

    def show_moments(self, found: list[tuple[float, Pixels]]) -> None:
        """Other pictures."""
        self._moments = found
        self.update()

    def show_at(self, before_s: float) -> None:
        """Which moment is shown."""
        self._at_s = before_s
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        share = event.position().x() / max(1, self.width())
        self.went.emit(SPAN_S * (1 - min(1.0, max(0.0, share))))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("win"))
        width = self.width() / MOMENTS
        for number in range(MOMENTS):
            box = QRectF(number * width + 1, 0, width - 2, STRIP_H - 20)
            begin_s = SPAN_S * (1 - number / MOMENTS)
            shown = next((p for s, p in self._moments if abs(s - begin_s) < 0.5), None)
            if shown is None:
                painter.fillRect(box, theme.color("panel"))
            else:
                painter.drawImage(box, _image(shown))
            chosen = begin_s - SPAN_S / MOMENTS < self._at_s <= begin_s
            if chosen:
                painter.setPen(QPen(theme.color("text"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(1, 1, -1, -1))
            painter.setFont(font(CAPTION, 600 if chosen else 400))
            painter.setPen(theme.color("text" if chosen else "text3"))
            text = f"−{begin_s:.0f} s"
            x = box.right() - text_width(text, CAPTION, 600)
            painter.drawText(QPointF(x, STRIP_H - 6), text)


class Lanes(QWidget):
    """Speed, motor current and events over the ten seconds; a click goes there."""

    went = Signal(float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rewind: Rewind | None = None
        self._at_s = 0.0
        self.setFixedHeight(LANES_H)
        self.setAccessibleName("What was measured before the call")

    def show_rewind(self, rewind: Rewind | None) -> None:
        """Another rewind."""
        self._rewind = rewind
        self.update()

    def show_at(self, before_s: float) -> None:
        """The playhead."""
        self._at_s = before_s
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        area = self._area()
        share = (event.position().x() - area.left()) / max(1.0, area.width())
        self.went.emit(SPAN_S * (1 - min(1.0, max(0.0, share))))

    def _area(self) -> QRectF:
        return QRectF(LEFT, 4, self.width() - LEFT - 8, LANES_H - 24)

    def _x(self, before_s: float) -> float:
        area = self._area()
        return area.right() - area.width() * before_s / SPAN_S

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, rewind = self._theme, self._rewind
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("win"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        height = area.height() / len(LANES)
        traces = rewind.traces if rewind is not None else None
        series: tuple[Sequence[float | None], ...] = (
            (traces.speed_mps, traces.motor_a) if traces is not None else ((), ())
        )
        for number, name in enumerate(LANES):
            y = area.top() + number * height
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text2"))
            painter.drawText(QPointF(0, y + height / 2 + 4), name)
            painter.setPen(theme.color("line"))
            painter.drawLine(QPointF(area.left(), y + height), QPointF(area.right(), y + height))
            if traces is None or number >= len(series):
                continue
            lane = QRectF(area.left(), y + 3, area.width(), height - 6)
            self._trace(painter, traces.before_ms, series[number], lane)
            self._value(painter, traces.before_ms, series[number], "m/s" if not number else "A", y)
        if traces is not None:
            y = area.top() + 2 * height
            for one in traces.events:
                x = self._x(one.before_ms / 1000)
                if x < area.left():
                    continue
                icon = "triangle" if one.kind == "call" else "other"
                role = "amber" if one.kind == "call" else "text2"
                icons.draw(painter, icon, x - 7, y + height / 2 - 7, 14, theme.color(role))
        self._axis(painter, area)

    def _trace(
        self,
        painter: QPainter,
        before_ms: Sequence[float],
        values: Sequence[float | None],
        lane: QRectF,
    ) -> None:
        known = [(b, v) for b, v in zip(before_ms, values, strict=False) if v is not None]
        if len(known) < 2:
            return
        low = min(0.0, *(v for _, v in known))
        high = max(0.05, *(v for _, v in known))
        points = [
            QPointF(self._x(b / 1000), lane.bottom() - lane.height() * (v - low) / (high - low))
            for b, v in known
            if b <= SPAN_S * 1000
        ]
        painter.setPen(QPen(self._theme.color("text2"), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))

    def _value(
        self,
        painter: QPainter,
        before_ms: Sequence[float],
        values: Sequence[float | None],
        unit: str,
        y: float,
    ) -> None:
        """What it was at the playhead."""
        known = [(b, v) for b, v in zip(before_ms, values, strict=False) if v is not None]
        if not known:
            return
        _, value = min(known, key=lambda one: abs(one[0] / 1000 - self._at_s))
        text = f"{words.signed(value)} {unit}"
        painter.setFont(font(BODY, 600))
        painter.setPen(self._theme.color("text"))
        x = LEFT - 10 - text_width(text, BODY, 600)
        painter.drawText(QPointF(x, y + self._area().height() / len(LANES) / 2 + 4), text)

    def _axis(self, painter: QPainter, area: QRectF) -> None:
        theme = self._theme
        painter.setFont(font(CAPTION))
        painter.setPen(theme.color("text3"))
        for seconds in range(0, int(SPAN_S) + 1, 2):
            text = "call" if not seconds else f"−{seconds} s"
            x = self._x(seconds) - text_width(text, CAPTION) / 2
            x = min(x, self.width() - text_width(text, CAPTION))
            painter.drawText(QPointF(x, LANES_H - 6), text)
        x = self._x(self._at_s)
        painter.setPen(QPen(theme.color("text"), 2))
        painter.drawLine(QPointF(x, 2), QPointF(x, area.bottom()))


class RewindView(QWidget):
    """All of it; the pictures are decoded on threads of their own."""

    live = Signal()

    def __init__(self, theme: Theme, errands: Errands) -> None:
        super().__init__()
        self._errands = errands
        self._rewind: Rewind | None = None
        self._scrubber: Scrubber | None = None
        self._at_s = SPAN_S
        self._speed = 1.0
        self._decoded: Mailbox[tuple[int, Pixels]] = Mailbox()
        self._wake = Wake(self._show_decoded, self)
        self.picture = RewindPicture(theme)
        self.strip, self.lanes = Strip(theme), Lanes(theme)
        self.to_start = KeyButton(theme, "", "", "back")
        self.to_start.setAccessibleName("To the beginning")
        self.play_button = KeyButton(theme, "Play 10 s", "B", "play")
        self.speed_button = KeyButton(theme, "1x")
        self.speed_button.setAccessibleName("Speed")
        self.live_button = KeyButton(theme, "Live picture", "L", "ready")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(6)
        outer.addWidget(self.strip)
        outer.addWidget(self.lanes)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.to_start, self.play_button, self.speed_button, self.live_button):
            row.addWidget(button)
        row.addStretch(1)
        outer.addLayout(row)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._ticked_ns = 0
        for part in (self.strip, self.lanes):
            part.went.connect(self.seek)
        self.to_start.clicked.connect(lambda: self.seek(SPAN_S))
        self.play_button.clicked.connect(self.play)
        self.speed_button.clicked.connect(self._next_speed)
        self.live_button.clicked.connect(self.live)
        self._enable()

    @property
    def rewind(self) -> Rewind | None:
        """What is shown."""
        return self._rewind

    @property
    def playing(self) -> bool:
        """Whether time runs."""
        return self._timer.isActive()

    def show_rewind(self, rewind: Rewind | None, word: str = "") -> None:
        """Another rewind; None: there is none, `word` says why."""
        if rewind is self._rewind and rewind is not None:
            return
        self._stop()
        if rewind is not self._rewind:
            self._rewind = rewind
            if self._scrubber is not None:
                self._scrubber.close()
                self._scrubber = None
            self.picture.show_pixels(None)
            self.strip.show_moments([])
            self.lanes.show_rewind(rewind)
            self._enable()
        if rewind is None:
            self.picture.say(word)
            return
        self._scrubber = Scrubber(rewind, self._take)
        self._errands.do("moments", lambda: moments(rewind), self._momented, lambda _: None)
        self.seek(1.0)

    def seek(self, before_s: float) -> None:
        """Go to a moment before the call."""
        self._at_s = min(SPAN_S, max(0.0, before_s))
        self.strip.show_at(self._at_s)
        self.lanes.show_at(self._at_s)
        if self._rewind is not None and self._scrubber is not None:
            self.picture.say(f"REWIND −{self._at_s:.1f} s")
            self._scrubber.show(self._rewind.index_at(self._at_s))

    def play(self) -> None:
        """Let it run, from the beginning if it is at its end; or hold it."""
        if self._rewind is None:
            return
        if self.playing:
            self._stop()
            return
        if self._at_s <= 1.0:
            self.seek(SPAN_S)
        self._ticked_ns = clock.now_ns()
        self._timer.start()
        self.play_button.say("Hold")

    def close_view(self) -> None:
        """End its thread; idempotent."""
        self._stop()
        self._wake.close()
        if self._scrubber is not None:
            self._scrubber.close()
            self._scrubber = None

    def _stop(self) -> None:
        self._timer.stop()
        self.play_button.say("Play 10 s")

    def _tick(self) -> None:
        now_ns = clock.now_ns()
        passed_s = (now_ns - self._ticked_ns) / clock.NS_PER_S
        self._ticked_ns = now_ns
        self.seek(self._at_s - passed_s * self._speed)
        if self._at_s <= 0.0:
            self._stop()

    def _next_speed(self) -> None:
        self._speed = {1.0: 2.0, 2.0: 0.5, 0.5: 1.0}[self._speed]
        self.speed_button.say(f"{self._speed:g}x")

    def _enable(self) -> None:
        for button in (self.to_start, self.play_button, self.speed_button):
            button.setEnabled(self._rewind is not None)

    def _take(self, index: int, pixels: Pixels) -> None:
        """On the scrubber's thread."""
        if self._decoded.put((index, pixels)):
            self._wake.poke()

    def _show_decoded(self) -> None:
        decoded = self._decoded.take()
        if decoded is not None:
            self.picture.show_pixels(decoded[1])

    def _momented(self, found: list[tuple[float, Pixels]]) -> None:
        self.strip.show_moments(found)
