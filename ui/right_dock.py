"""The right dock: second camera, further cameras as thumbnails, ground track, telemetry."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from transport.messages import RobotKind, RobotState
from ui import icons, words
from ui.history import TRACK_S, History
from ui.layout import ASPECT, THUMB_GAP, THUMB_H, THUMBS_IN_ROW, right_fixed, shows_track
from ui.panels import Heading, column, paint_panel
from ui.screen import Chip, Look, Screen
from ui.telemetry import Telemetry
from ui.theme import BODY, CAPTION, Theme, font, text_width
from ui.video_view import VideoView

# The map never zooms in further, so that standing still looks like it.
MIN_SPAN_M = {RobotKind.ROVER: 2.0, RobotKind.ARM: 0.4}
SELF_TEST_H = 28
GRIDS_M = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)


class GroundTrack(QWidget):
    """Where the robot was in the last two minutes, north up; your stretches in blue.

    Of an arm: its hand over the table, as seen from behind its base, forward up.
    """

    def __init__(self, theme: Theme, history: History) -> None:
        super().__init__()
        self._theme = theme
        self._history = history
        self._state: RobotState | None = None
        self._kind = RobotKind.ROVER
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Ground track")

    def show_state(self, state: RobotState | None) -> None:
        """Redraw with the newest pose; called at the pace of the track."""
        self._state = state
        self._kind = state.kind if state is not None else self._kind
        self.update()

    def _east_north(self, x_m: float, y_m: float) -> tuple[float, float]:
        """To the right and up on the map: a hand's x leads up, its y to the left."""
        return (x_m, y_m) if self._kind is RobotKind.ROVER else (-y_m, x_m)

    def sizeHint(self) -> QSize:
        return QSize(304, 124)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("win"))
        spots = list(self._history.track)
        painter.setFont(font(CAPTION))
        if not spots:
            painter.setPen(theme.color("text3"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No pose from the robot")
            return
        call = self._history.facts.call_spot if self._history.facts.call else None
        places = [self._east_north(spot.x_m, spot.y_m) for spot in spots]
        places += [self._east_north(*call)] if call else []
        xs, ys = zip(*places, strict=True)
        span = max(
            MIN_SPAN_M[self._kind],
            (max(ys) - min(ys)) * 1.35,
            (max(xs) - min(xs)) * 1.35 * self.height() / self.width(),
        )
        scale = self.height() / span
        grid = next((size for size in GRIDS_M if size * scale >= 34), GRIDS_M[-1])
        # In steps, so that the map does not crawl along with the robot; by less than its margin.
        step_m = grid / 4
        middle_x = round((max(xs) + min(xs)) / 2 / step_m) * step_m
        middle_y = round((max(ys) + min(ys)) / 2 / step_m) * step_m

        def at(x_m: float, y_m: float) -> QPointF:
            east_m, north_m = self._east_north(x_m, y_m)
            return QPointF(
                self.width() / 2 + (east_m - middle_x) * scale,
                self.height() / 2 - (north_m - middle_y) * scale,
            )

        self._grid(painter, at(0, 0), grid * scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._path(painter, at)
        if call is not None:
            where = at(*call)
            painter.setPen(QPen(theme.color("win"), 1.5))
            painter.setBrush(theme.color("amber"))
            corners = [(-6, 5), (6, 5), (0, -7)]
            painter.drawPolygon(QPolygonF([where + QPointF(x, y) for x, y in corners]))
            painter.setPen(theme.color("text2"))
            painter.drawText(QPointF(where.x() + 12, where.y() - 8), "call")
        if self._state is not None:
            up_rad = 0.0 if self._kind is RobotKind.ROVER else math.pi / 2
            where = at(self._state.x_m, self._state.y_m)
            self._robot(painter, where, self._state.heading_rad + up_rad)
        self._notes(painter, grid, scale)

    def _grid(self, painter: QPainter, origin: QPointF, step: float) -> None:
        painter.setPen(QPen(self._theme.color("line"), 1))
        x = origin.x() % step
        while x < self.width():
            painter.drawLine(round(x), 0, round(x), self.height())
            x += step
        y = origin.y() % step
        while y < self.height():
            painter.drawLine(0, round(y), self.width(), round(y))
            y += step

    def _path(self, painter: QPainter, at: object) -> None:
        assert callable(at)
        spots = list(self._history.track)
        start = 0
        for number in range(1, len(spots) + 1):
            if number < len(spots) and spots[number].yours == spots[start].yours:
                continue
            part = spots[start : min(number + 1, len(spots))]
            ink = self._theme.color("blue" if spots[start].yours else "text3")
            painter.setPen(QPen(ink, 1.8))
            painter.drawPolyline(QPolygonF([at(spot.x_m, spot.y_m) for spot in part]))
            start = number

    def _robot(self, painter: QPainter, where: QPointF, heading_rad: float) -> None:
        painter.save()
        painter.translate(where)
        painter.rotate(-math.degrees(heading_rad))
        body = QPainterPath()
        body.addEllipse(QPointF(0, 0), 7, 7)
        nose = QPainterPath()
        nose.addPolygon(QPolygonF([QPointF(16, 0), QPointF(3, 6.6), QPointF(3, -6.6)]))
        nose.closeSubpath()
        painter.setPen(QPen(self._theme.color("win"), 1.5))
        painter.setBrush(self._theme.color("text"))
        painter.drawPath(body.united(nose))
        painter.restore()

    def _notes(self, painter: QPainter, grid: float, scale: float) -> None:
        painter.setFont(font(CAPTION))
        painter.setPen(self._theme.color("text2"))
        up = "N up" if self._kind is RobotKind.ROVER else "Forward up"
        note = f"{up} · {TRACK_S // 60} min"
        x = self.width() - 12 - text_width(note, CAPTION)
        y = self.height() - 8
        painter.fillRect(
            QRectF(x - 4, 4, text_width(note, CAPTION) + 8, 18), self._theme.color("win")
        )
        painter.drawText(QPointF(x, 17), note)
        words = f"{grid:g} m"
        painter.fillRect(
            QRectF(8, y - 14, grid * scale + 20 + text_width(words, CAPTION), 18),
            self._theme.color("win"),
        )
        painter.setPen(QPen(self._theme.color("text"), 2))
        painter.drawLine(QPointF(12, y - 4), QPointF(12 + grid * scale, y - 4))
        painter.drawText(QPointF(12 + grid * scale + 8, y), words)


class SelfTestLine(QWidget):
    """Shape and figures of the session's self-test in one line; the whole in its tooltip."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._chip = Chip("dashed", "")
        self.setFixedHeight(SELF_TEST_H)
        self.setAccessibleName("Self-test")

    def show_chip(self, chip: Chip) -> None:
        """Take a new value."""
        if chip == self._chip:
            return
        self._chip = chip
        self.setAccessibleName(f"Self-test: {chip.word}")
        self.setAccessibleDescription(chip.detail)
        self.setToolTip(chip.detail)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, chip = self._theme, self._chip
        painter = QPainter(self)
        painter.setPen(theme.color("line"))
        painter.drawLine(0, 0, self.width(), 0)
        failed = chip.look is Look.FAILED
        ink = theme.ink(chip.look) if failed else theme.color("text2")
        mid = self.height() / 2
        icons.draw(painter, chip.icon, 12, mid - 7, 14, ink)
        painter.setPen(ink)
        painter.setFont(font(BODY))
        painter.drawText(QPointF(32, mid + 4.5), "Self-test")
        painter.setFont(font(BODY, 400 if chip.look is Look.DIM else 600))
        painter.setPen(theme.color("text") if chip.look is Look.QUIET else ink)
        box = QRectF(32, 0, self.width() - 44, self.height())
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, flags, chip.word)


class RightDock(QWidget):
    """Camera, track and telemetry, one below the other."""

    def __init__(
        self,
        theme: Theme,
        history: History,
        second: VideoView | None,
        strip: tuple[VideoView, ...] = (),
    ) -> None:
        super().__init__()
        self._theme = theme
        self.second = second
        self.strip = strip
        self.setAccessibleName("Second camera and telemetry")
        outer = column(self, (0, 0, 0, 0), 0)
        self.camera_title = Heading(theme, "")
        self.track = GroundTrack(theme, history)
        self.telemetry = Telemetry(theme, history)
        if second is not None:
            outer.addWidget(self.camera_title)
            self._frame = QVBoxLayout()
            self._frame.setContentsMargins(6, 6, 6, 6)
            self._frame.addWidget(second)
            outer.addLayout(self._frame)
        if strip:
            self._thumbs = QGridLayout()
            self._thumbs.setContentsMargins(6, 0, 6, THUMB_GAP)
            self._thumbs.setSpacing(THUMB_GAP)
            for number, view in enumerate(strip):
                self._thumbs.addWidget(view, *divmod(number, THUMBS_IN_ROW))
            outer.addLayout(self._thumbs)
        self.track_title = Heading(theme, "Ground track")
        outer.addWidget(self.track_title)
        outer.addWidget(self.track, 1)
        outer.addWidget(Heading(theme, "Telemetry", count="60 s"))
        outer.addWidget(self.telemetry)
        self.self_test = SelfTestLine(theme)
        outer.addWidget(self.self_test)

    def show_second(self, screen: Screen) -> None:
        """Name the cameras of the dock; each tooltip says how its camera is."""
        faces = screen.pictures[1:]
        views = (*((self.second,) if self.second is not None else ()), *self.strip)
        for view, face in zip(views, faces, strict=True):
            name = f"{view.feed.number} {face.title}"
            if view is self.second:
                self.camera_title.say(name, "" if face.veil else face.tag.detail)
            state = f"{face.veil.title}. {face.veil.detail}" if face.veil else face.tag.word
            tip = f"{name}: {state}\nClick, or press {view.feed.number}, for the main view"
            if view.toolTip() != tip:
                view.setToolTip(tip)

    def show_state(self, state: RobotState | None) -> None:
        """Where the robot is; a hand's place is told in the title of the map as well."""
        self.track.show_state(state)
        if state is not None:
            hand = state.kind is RobotKind.ARM
            title = "Hand from above" if hand else "Ground track"
            self.track_title.say(title, words.place(state) if hand else "")
            self.track.setAccessibleName(title)

    def arrange(self, width: int, body: int, compact: bool) -> None:
        """Sizes of the parts for this size of window."""
        if self.second is not None:
            fixed = right_fixed(compact, len(self.strip))
            self.second.setFixedHeight(min(round((width - 16) / ASPECT) + 4, body - fixed))
        for view in self.strip:
            view.setFixedHeight(THUMB_H[compact])
        track = shows_track(compact, len(self.strip))
        self.track.setVisible(track)
        self.track_title.setVisible(track)
        self.telemetry.setFixedHeight(5 * 28 + 8 if compact else 5 * 36 + 8)
        self.track.setMinimumHeight(96 if compact else 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_panel(self, self._theme)
