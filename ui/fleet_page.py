"""The page of the fleet: small pictures, all robots as a table, the figures of eight weeks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from teleop.archive_asks import Seen
from teleop.metrics_words import Line
from ui import icons
from ui.buttons import KeyButton
from ui.call_list import image_of
from ui.chips import draw_ring
from ui.fleet_state import COLUMNS, Count, FleetRow, thumbs_of
from ui.hud import hatch
from ui.panels import Heading, column, paint_panel
from ui.screen import Chip, Look
from ui.theme import BODY, CAPTION, TITLE, Theme, font, text_width

ROW_H: Final = 32
ROLE: Final = Qt.ItemDataRole.UserRole
FIGURES_W: Final = {True: 0, False: 400}
THUMBS: Final = {True: 8, False: 16}
IN_ROW: Final = 8
WIDTHS: Final = (110, 180, 140, 130, 0, 70, 80, 100, 80, 90, 90)  # px; 0: what is left
LESS: Final = frozenset({1, 6, 7, 8})  # columns that small windows leave out
STALE_MS: Final = 5_000.0  # a small picture that old is veiled

Index = QModelIndex | QPersistentModelIndex


class Thumbs(QWidget):
    """A small picture of each of the first robots; a click shows one in the window."""

    went = Signal(str)  # RobotGlimpse.paired

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: tuple[FleetRow, ...] = ()
        self._looks: Mapping[str, Seen] = {}
        self._now_ns = 0
        self._most = THUMBS[False]
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Live pictures")

    @property
    def shown(self) -> tuple[str, ...]:
        """The robots whose pictures are wanted."""
        return tuple(row.paired for row in self._rows)

    def arrange(self, width: int, most: int) -> None:
        """So many at most, on so many px."""
        self._most = most
        self._fit(width)

    def show_rows(self, rows: tuple[FleetRow, ...], looks: Mapping[str, Seen], now_ns: int) -> None:
        """Take new values."""
        before = len(self._rows)
        self._rows, self._looks, self._now_ns = thumbs_of(rows, self._most), looks, now_ns
        if len(self._rows) != before:
            self._fit(self.width())
        self.update()

    def _fit(self, width: int) -> None:
        lines = -(-len(self._rows) // IN_ROW)
        self.setFixedHeight(max(1, lines * self._line_h(width)))

    def _line_h(self, width: int) -> int:
        return round((width / IN_ROW - 8) * 3 / 4) + 34

    def _box(self, number: int) -> QRectF:
        line, place = divmod(number, IN_ROW)
        width = self.width() / IN_ROW
        height = self._line_h(self.width())
        return QRectF(place * width + 4, line * height + 4, width - 8, height - 6)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for number, row in enumerate(self._rows):
            if self._box(number).contains(event.position()):
                self.went.emit(row.paired)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("win"))
        for number, row in enumerate(self._rows):
            self._draw(painter, row, self._box(number))

    def _draw(self, painter: QPainter, row: FleetRow, box: QRectF) -> None:
        theme = self._theme
        picture = QRectF(box.left(), box.top(), box.width(), box.height() - 26)
        painter.fillRect(box, theme.color("panel"))
        seen = self._looks.get(row.paired)
        if seen is None:
            painter.setPen(theme.color("text3"))
            painter.setFont(font(CAPTION))
            painter.drawText(picture, Qt.AlignmentFlag.AlignCenter, "no picture")
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(picture, image_of(seen))
            age_ms = seen.age_ms + (self._now_ns - seen.received_ns) / 1e6
            if age_ms > STALE_MS or row.control.word == "NO LINK":
                self._veil(painter, picture, age_ms)
        chip, ink = row.control, theme.ink(row.control.look)
        painter.setPen(QPen(self._frame(chip), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        y = box.bottom() - 9
        painter.setFont(font(BODY, 600))
        painter.setPen(theme.color("text"))
        word_w = text_width(chip.word, CAPTION, 600) + 22
        room = int(box.width() - word_w - 18)
        name = QFontMetrics(painter.font()).elidedText(row.robot, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(box.left() + 8, y), name)
        if chip.look in (Look.YOURS, Look.HOLD, Look.LATCHED):  # filled chips, here as words
            role = {Look.YOURS: "blue", Look.HOLD: "amber", Look.LATCHED: "red"}[chip.look]
            ink = theme.color(role)
        x = box.right() - word_w
        icons.draw(painter, chip.icon, x, y - 11, 14, ink)
        painter.setFont(font(CAPTION, 600))
        painter.setPen(ink)
        painter.drawText(QPointF(x + 18, y), chip.word)

    def _frame(self, chip: Chip) -> Any:
        return self._theme.outline(chip.look if chip.look is not Look.QUIET else Look.DIM)

    def _veil(self, painter: QPainter, picture: QRectF, age_ms: float) -> None:
        painter.fillRect(picture, self._theme.color("win"))
        painter.setOpacity(0.5)
        painter.drawTiledPixmap(
            picture, hatch("#C3C9CF", 90, 12, self.devicePixelRatioF()), picture.topLeft()
        )
        painter.setOpacity(1.0)
        painter.setFont(font(BODY, 600))
        painter.setPen(self._theme.color("amber"))
        painter.drawText(picture, Qt.AlignmentFlag.AlignCenter, f"STALE {age_ms / 1000:.0f} s")


class _Rows(QAbstractTableModel):
    """The rows of the table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[FleetRow, ...] = ()

    def take(self, rows: tuple[FleetRow, ...]) -> None:
        """New values; only rows that differ are painted anew."""
        before, self.rows = self.rows, rows
        if len(before) != len(rows):
            self.layoutChanged.emit()
            return
        for number, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(number, 0), self.index(number, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_aligned(section))
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == ROLE:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.cells[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.cells[index.column()]
        return None


def _aligned(section: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if section >= 5 else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class _Cell(QStyledItemDelegate):
    """Draws a cell; states with their shape."""

    def __init__(self, theme: Theme, table: QTableView) -> None:
        super().__init__(table)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(60, ROW_H)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = self._theme
        row, section = index.data(ROLE), index.column()
        box = QRectF(option.rect)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.fillRect(box, theme.color("hover" if chosen else "panel"))
        painter.setPen(theme.color("line"))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        x, room = box.left() + 8, box.width() - 16
        weight = 600 if section == 0 else 400
        ink = theme.color("text" if section in (0, 9, 10) else "text2")
        chip = {2: row.control, 3: row.readiness}.get(section)
        if chip is not None:
            ink = self._ink(chip)
            icons.draw(painter, chip.icon, x, box.center().y() - 7, 14, ink)
            x, room, weight = x + 20, room - 20, 600 if chip.look is not Look.QUIET else 400
        painter.setFont(font(BODY, weight))
        painter.setPen(ink)
        text = QFontMetrics(painter.font()).elidedText(
            row.cells[section], Qt.TextElideMode.ElideRight, int(room)
        )
        painter.drawText(QRectF(x, box.top(), room, box.height()), _aligned(section), text)
        if option.state & QStyle.StateFlag.State_HasFocus:
            draw_ring(painter, box, theme.color("blue"))
        painter.restore()

    def _ink(self, chip: Chip) -> Any:
        roles = {
            Look.YOURS: "blue",
            Look.HOLD: "amber",
            Look.LIMITED: "amber",
            Look.LATCHED: "red",
            Look.FAILED: "red",
        }
        return self._theme.color(roles.get(chip.look, "text2"))


class Counts(QWidget):
    """How many robots are in which state."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._counts: tuple[Count, ...] = ()
        self._robots = 0
        self.setFixedHeight(ROW_H)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(self, counts: tuple[Count, ...], robots: int) -> None:
        """Take new values."""
        if (counts, robots) != (self._counts, self._robots):
            self._counts, self._robots = counts, robots
            told = ", ".join(f"{one.number} {one.word}" for one in counts)
            self.setAccessibleName(f"{robots} robots: {told}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setFont(font(BODY, 600))
        painter.setPen(theme.color("text"))
        painter.drawText(QPointF(12, 20), "Robots")
        x = 12.0 + text_width("Robots", BODY, 600) + 8
        painter.setFont(font(BODY))
        painter.setPen(theme.color("text3"))
        painter.drawText(QPointF(x, 20), f"{self._robots}")
        x += text_width(f"{self._robots}", BODY) + 24
        for one in self._counts:
            odd = one.look in (Look.LIMITED, Look.HOLD, Look.LATCHED, Look.FAILED)
            role = "red" if one.look in (Look.LATCHED, Look.FAILED) else "amber"
            ink = theme.color(role if odd else "text2")
            icons.draw(painter, one.icon, x, 9, 14, ink)
            text = f"{one.number} {one.word}"
            painter.setFont(font(BODY, 600 if odd else 400))
            painter.setPen(ink)
            painter.drawText(QPointF(x + 20, 20), text)
            x += 20 + text_width(text, BODY, 600) + 20


class FigureRows(QWidget):
    """One row for each figure: name, eight weeks as a line, value, of how many."""

    H: Final = 58

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lines: tuple[Line, ...] = ()
        self._weeks: tuple[tuple[float | None, ...], ...] = ()
        self._said = "Fetched from the robots …"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.H)
        self.setAccessibleName("Figures of the fleet")

    def show_lines(
        self, lines: tuple[Line, ...], weeks: tuple[tuple[float | None, ...], ...]
    ) -> None:
        """Take new values; `weeks` has for each line its number in each week."""
        if (lines, weeks) != (self._lines, self._weeks):
            self._lines, self._weeks = lines, weeks
            self.setFixedHeight(max(1, len(lines)) * self.H)
            told = "; ".join(f"{one.name} {one.value}, {one.of}" for one in lines)
            self.setAccessibleDescription(told)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        if not self._lines:
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text3"))
            painter.drawText(QPointF(12, 24), self._said)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, line in enumerate(self._lines):
            y = number * self.H
            painter.setPen(theme.color("line"))
            painter.drawLine(QPointF(0, y + self.H - 1), QPointF(self.width(), y + self.H - 1))
            painter.setFont(font(BODY))
            painter.setPen(theme.color("text"))
            painter.drawText(QPointF(12, y + 24), line.name)
            painter.setFont(font(TITLE, 600))
            value_w = text_width(line.value, TITLE, 600)
            painter.drawText(QPointF(self.width() - 12 - value_w, y + 25), line.value)
            painter.setFont(font(CAPTION))
            painter.setPen(theme.color("text3"))
            of = QFontMetrics(painter.font()).elidedText(
                line.of, Qt.TextElideMode.ElideRight, self.width() - 24
            )
            painter.drawText(QPointF(12, y + 44), of)
            if number < len(self._weeks):
                room = self.width() - 12 - value_w - 16 - 170
                if room > 40:
                    self._trend(painter, self._weeks[number], QRectF(166, y + 10, room, 20))

    def _trend(self, painter: QPainter, values: tuple[float | None, ...], box: QRectF) -> None:
        known = [(n, v) for n, v in enumerate(values) if v is not None]
        if len(known) < 2:
            return
        low, high = min(v for _, v in known), max(v for _, v in known)
        span = (high - low) or 1.0
        points = [
            QPointF(
                box.left() + box.width() * n / max(1, len(values) - 1),
                box.bottom() - box.height() * (v - low) / span,
            )
            for n, v in known
        ]
        painter.setPen(QPen(self._theme.color("text2"), 1.4))
        painter.drawPolyline(points)
        painter.setBrush(self._theme.color("text"))
        painter.drawEllipse(points[-1], 2.4, 2.4)


class FleetPage(QWidget):
    """Everything; `sought` is what somebody looks for."""

    went = Signal(str)  # RobotGlimpse.paired
    exported = Signal(str)  # csv, json, html

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._compact = False
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        self.thumbs = Thumbs(theme)
        left.addWidget(self.thumbs)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        self.counts = Counts(theme)
        self.search = QLineEdit()
        self.search.setPlaceholderText("robot or site")
        self.search.setAccessibleName("Find a robot")
        self.search.setFont(font(BODY))
        self.search.setFixedSize(200, 26)
        head.addWidget(self.counts, 1)
        head.addWidget(self.search)
        left.addLayout(head)
        self.table = QTableView()
        self._rows = _Rows()
        self.table.setModel(self._rows)
        self.table.setItemDelegate(_Cell(theme, self.table))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setAccessibleName("All robots")
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_H)
        header = self.table.horizontalHeader()
        header.setSectionsClickable(False)
        header.setFixedHeight(28)
        header.setFont(font(CAPTION))
        for section, width in enumerate(WIDTHS):
            if width:
                self.table.setColumnWidth(section, width)
            else:
                header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
        left.addWidget(self.table, 1)
        whole.addLayout(left, 1)
        self._right = _Panel(theme)
        box = column(self._right, (0, 0, 0, 0), 0)
        box.addWidget(Heading(theme, "Figures", count="8 weeks"))
        self.figures = FigureRows(theme)
        box.addWidget(self.figures)
        box.addStretch(1)
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 8)
        for name, kind in (("CSV…", "csv"), ("JSON…", "json"), ("HTML report…", "html")):
            button = KeyButton(theme, name)
            button.clicked.connect(lambda _on=False, which=kind: self.exported.emit(which))
            row.addWidget(button)
        box.addLayout(row)
        whole.addWidget(self._right)
        self.thumbs.went.connect(self.went)
        self.table.activated.connect(lambda index: self.went.emit(index.data(ROLE).paired))
        self.table.doubleClicked.connect(lambda index: self.went.emit(index.data(ROLE).paired))

    def show_rows(
        self,
        rows: tuple[FleetRow, ...],
        counts: tuple[Count, ...],
        robots: int,
        looks: Mapping[str, Seen],
        now_ns: int,
    ) -> None:
        """Take new values."""
        self.thumbs.show_rows(rows, looks, now_ns)
        self.counts.show_counts(counts, robots)
        self._rows.take(rows)

    def chosen(self) -> str:
        """The robot of the selected row; empty: none."""
        index = self.table.currentIndex()
        return index.data(ROLE).paired if index.isValid() else ""

    def arrange(self, width: int, height: int, compact: bool) -> None:
        """Widths of the columns."""
        self._right.setVisible(not compact)
        self._right.setFixedWidth(FIGURES_W[False])
        self.thumbs.arrange(width - (0 if compact else FIGURES_W[False]), THUMBS[compact])
        for section in LESS:
            self.table.setColumnHidden(section, compact)


class _Panel(QWidget):
    """A column in the panel's colour."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_panel(self, self._theme)
