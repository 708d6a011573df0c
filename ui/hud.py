"""What is drawn over a picture: tag, numbers, veil, banner, frame. Plain functions on a QPainter.

All of it sits in corners, so that the ground ahead stays free, on plates that read over anything.
"""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF

from ui import icons
from ui.screen import Banner, HandFace, Hud, Look, PictureFace, Veil
from ui.theme import (
    BODY,
    CAPTION,
    FIGURE,
    ON_PLATE,
    ON_PLATE_2,
    ON_PLATE_AMBER,
    PLATE,
    PLATE_OPACITY,
    SUBJECT,
    TITLE,
    Theme,
    font,
    text_width,
)

MARGIN = 8
TAG_H = 24
PLATE_H = 80
VEIL_W = 480  # of its plate, at most
VEIL_WORDS_W = 240  # a narrower picture has its title only
TITLE_LINE, DETAIL_LINE = 24, 18
SPEED_W = 248  # a negative speed, its unit, and a negative wish
HAND_W = 168  # a height below zero, its unit
HAND_STEPS = 12  # positions of the LIVE hand


def _plate(opacity: float = PLATE_OPACITY) -> QColor:
    color = QColor(PLATE)
    color.setAlphaF(opacity)
    return color


def _text(
    painter: QPainter, x: float, y: float, text: str, color: str, px: int = BODY, weight: int = 400
) -> float:
    """Draw text at a baseline; returns the x behind it."""
    painter.setFont(font(px, weight))
    painter.setPen(QColor(color))
    painter.drawText(QPointF(x, y), text)
    return x + text_width(text, px, weight)


@lru_cache(maxsize=8)
def hatch(color: str, alpha: int, step: int, ratio: float) -> QPixmap:
    """A tile of 45° lines, `step` px apart."""
    size = round(step * ratio)
    tile = QPixmap(size, size)
    tile.fill(Qt.GlobalColor.transparent)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ink = QColor(color)
    ink.setAlpha(alpha)
    painter.setPen(QPen(ink, 1.6 * ratio))
    for shift in (-size, 0, size):
        painter.drawLine(shift - 1, size + 1, shift + size + 1, -1)
    painter.end()
    tile.setDevicePixelRatio(ratio)
    return tile


def draw_live(painter: QPainter, x: float, y: float, color: QColor, hand: int) -> None:
    """A ring with a hand that advances with each painted frame: proof that the picture moves."""
    painter.setPen(QPen(color, 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    centre = QPointF(x + 7, y + 7)
    painter.drawEllipse(centre, 5.6, 5.6)
    angle = 2 * math.pi * (hand % HAND_STEPS) / HAND_STEPS
    painter.drawLine(
        centre, QPointF(centre.x() + 5.0 * math.sin(angle), centre.y() - 5.0 * math.cos(angle))
    )


def draw_tag(painter: QPainter, face: PictureFace, title: str, hand: int, area: QRectF) -> None:
    """Camera, LIVE / LATE / STALE / NO PICTURE, age, rate."""
    tag = face.tag
    parts = [tag.detail] if tag.detail else []
    title_w = text_width(title, BODY, 600) + 10 if title else 0
    word_w = text_width(tag.word, BODY, 600 if tag.look is Look.HOLD else 500)
    age_w = text_width(parts[0], BODY) + 6 if parts else 0
    rate_w = text_width(face.fps, BODY) + 12 if face.fps else 0
    x, y = area.left() + MARGIN, area.top() + MARGIN
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_plate())
    if tag.look is Look.HOLD:
        painter.drawRoundedRect(QRectF(x, y, title_w + 6, TAG_H), 4, 4)
        _text(painter, x + 8, y + 16.5, title, ON_PLATE, weight=600)
        x += title_w + 12
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#F0B84A"))
        painter.drawRoundedRect(QRectF(x, y, 30 + word_w + age_w + 8, TAG_H), 4, 4)
        icons.draw(painter, tag.icon, x + 8, y + 5, 14, QColor("#1B1402"))
        after = _text(painter, x + 28, y + 16.5, tag.word, "#1B1402", weight=600)
        if parts:
            _text(painter, after + 6, y + 16.5, parts[0], "#1B1402")
        return
    width = 8 + title_w + 20 + word_w + age_w + rate_w + 8
    painter.drawRoundedRect(QRectF(x, y, width, TAG_H), 4, 4)
    _text(painter, x + 8, y + 16.5, title, ON_PLATE, weight=600)
    x += 8 + title_w
    ink = ON_PLATE_AMBER if tag.look is Look.LIMITED else ON_PLATE
    if tag.icon == "live":
        draw_live(painter, x, y + 5, QColor(ink), hand)
    else:
        icons.draw(painter, tag.icon, x, y + 5, 14, QColor(ink))
    x = _text(painter, x + 20, y + 16.5, tag.word, ink, weight=500)
    for part, gap in ((tag.detail, 6), (face.fps, 12)):
        if part:
            x = _text(painter, x + gap, y + 16.5, part, ON_PLATE_2)


def draw_small_tag(
    painter: QPainter, face: PictureFace, number: str, hand: int, area: QRectF
) -> None:
    """For a thumbnail: its number and the shape of its state."""
    hold = face.tag.look is Look.HOLD
    number_w = text_width(number, CAPTION, 600)
    box = QRectF(area.left() + 4, area.top() + 4, number_w + 28, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ON_PLATE_AMBER) if hold else _plate())
    painter.drawRoundedRect(box, 4, 4)
    ink = "#1B1402" if hold else ON_PLATE_AMBER if face.tag.look is Look.LIMITED else ON_PLATE
    x = _text(painter, box.left() + 5, box.top() + 14, number, ink, CAPTION, 600)
    if face.tag.icon == "live":
        draw_live(painter, x + 4, box.top() + 3, QColor(ink), hand)
    else:
        icons.draw(painter, face.tag.icon, x + 4, box.top() + 3, 14, QColor(ink))


def draw_hud(painter: QPainter, hud: Hud, area: QRectF) -> None:
    """Speed at the bottom left, heading or hand at the bottom right, blind distance between."""
    _speed(painter, hud, area)
    if hud.hand is None:
        _heading(painter, hud, area)
    else:
        _hand(painter, hud.hand, area)
    _blind(painter, hud, area)
    if hud.no_arc:
        _no_arc(painter, hud.no_arc, area)


def _no_arc(painter: QPainter, text: str, area: QRectF) -> None:
    width = text_width(text, CAPTION) + 16
    box = QRectF(area.center().x() - width / 2, area.bottom() - MARGIN - 2 * TAG_H - 4, width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_plate())
    painter.drawRoundedRect(box, 4, 4)
    _text(painter, box.left() + 8, box.top() + 14, text, ON_PLATE_2, CAPTION)


def _speed(painter: QPainter, hud: Hud, area: QRectF) -> None:
    cap_w = text_width(hud.cap, BODY) + (20 if hud.cap_look is Look.LIMITED else 0)
    width = max(SPEED_W, cap_w + 24)
    box = QRectF(area.left() + MARGIN, area.bottom() - MARGIN - PLATE_H, width, PLATE_H)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_plate())
    painter.drawRoundedRect(box, 4, 4)
    x, y = box.left() + 12, box.top()
    after = _text(painter, x, y + 33, hud.speed, ON_PLATE, FIGURE, 600)
    after = max(after, x + text_width("0.00", FIGURE, 600))
    after = _text(painter, after + 8, y + 33, "m/s", ON_PLATE_2)
    if hud.asked:
        width = text_width(hud.asked, BODY)
        _text(painter, box.right() - 12 - width, y + 33, hud.asked, ON_PLATE_2)
    bar = QRectF(x, y + 46, box.width() - 24, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 70))
    painter.drawRect(bar)
    painter.setBrush(QColor(ON_PLATE))
    painter.drawRect(QRectF(bar.left(), bar.top(), bar.width() * hud.speed_fraction, bar.height()))
    limited = hud.cap_look is Look.LIMITED
    tick_x = bar.left() + bar.width() * hud.cap_fraction
    if limited:
        painter.setBrush(QColor(240, 184, 74, 110))
        painter.drawRect(QRectF(tick_x, bar.top(), bar.right() - tick_x, bar.height()))
    painter.setBrush(QColor(ON_PLATE_AMBER if limited else ON_PLATE))
    painter.drawRect(QRectF(tick_x - 1, bar.top() - 5, 2, bar.height() + 10))
    if limited:
        icons.draw(painter, "triangle", x, y + 57, 14, QColor(ON_PLATE_AMBER))
        _text(painter, x + 20, y + 69, hud.cap, ON_PLATE_AMBER, weight=500)
    else:
        _text(painter, x, y + 69, hud.cap, ON_PLATE_2)


def _right_plate(painter: QPainter, area: QRectF, least: int = 144) -> QRectF:
    width = 168 if area.width() > 900 else least
    box = QRectF(area.right() - MARGIN - width, area.bottom() - MARGIN - PLATE_H, width, PLATE_H)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_plate())
    painter.drawRoundedRect(box, 4, 4)
    return box


def _hand(painter: QPainter, hand: HandFace, area: QRectF) -> None:
    """Its height, and how far and how hard the gripper is closed."""
    box = _right_plate(painter, area, least=HAND_W)
    x, y = box.left() + 12, box.top()
    after = _text(painter, x, y + 33, hand.height, ON_PLATE, FIGURE, 600)
    after = max(after, x + text_width("0.00", FIGURE, 600))
    _text(painter, after + 8, y + 33, "m high", ON_PLATE_2)
    bar = QRectF(x, y + 46, box.width() - 24, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 70))
    painter.drawRect(bar)
    painter.setBrush(QColor(ON_PLATE))
    painter.drawRect(QRectF(bar.left(), bar.top(), bar.width() * hand.grip_fraction, bar.height()))
    _text(painter, x, y + 69, hand.grip, ON_PLATE_2)


def _heading(painter: QPainter, hud: Hud, area: QRectF) -> None:
    box = _right_plate(painter, area)
    x, y = box.left() + 12, box.top()
    _text(painter, x, y + 33, hud.bearing, ON_PLATE, FIGURE, 600)
    _text(painter, x + text_width("000°", FIGURE, 600) + 9, y + 33, hud.compass, ON_PLATE_2)
    tape = QRectF(x, y + 42, box.width() - 24, 10)
    painter.setPen(QPen(QColor(ON_PLATE_2), 1))
    per_deg = tape.width() / 90.0
    first = math.ceil((hud.bearing_deg - 45) / 10) * 10
    for deg in range(first, int(hud.bearing_deg + 45) + 1, 10):
        tick_x = round(tape.center().x() + (deg - hud.bearing_deg) * per_deg) + 0.5
        length = 8 if deg % 30 == 0 else 4
        painter.drawLine(QPointF(tick_x, tape.bottom() - length), QPointF(tick_x, tape.bottom()))
    middle = tape.center().x()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ON_PLATE))
    top = tape.top() - 4
    painter.drawPolygon(
        QPolygonF([QPointF(middle - 4, top), QPointF(middle + 4, top), QPointF(middle, top + 6)])
    )
    _text(painter, x, y + 69, hud.turn, ON_PLATE_2)


def _blind(painter: QPainter, hud: Hud, area: QRectF) -> None:
    word_w = text_width("blind ", BODY)
    widest = "00 cm" if len(hud.blind) <= 5 else "000 cm"
    value_w = text_width(widest, BODY, 600)
    limited = hud.blind_look is Look.LIMITED
    width = 16 + word_w + value_w + (20 if limited else 0)
    box = QRectF(area.center().x() - width / 2, area.bottom() - MARGIN - TAG_H, width, TAG_H)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_plate())
    painter.drawRoundedRect(box, 4, 4)
    x = box.left() + 8
    if limited:
        icons.draw(painter, "triangle", x, box.top() + 5, 14, QColor(ON_PLATE_AMBER))
        x += 20
    _text(painter, x, box.top() + 16.5, "blind", ON_PLATE_2)
    ink = ON_PLATE_AMBER if limited else ON_PLATE
    _text(
        painter,
        box.right() - 8 - text_width(hud.blind, BODY, 600),
        box.top() + 16.5,
        hud.blind,
        ink,
        weight=600,
    )


def draw_small_veil(painter: QPainter, veil: Veil, area: QRectF, ratio: float) -> None:
    """Over a thumbnail: the words have no room, its tooltip says them."""
    _cover(painter, veil, area, ratio)


def draw_veil(painter: QPainter, veil: Veil, area: QRectF, ratio: float) -> None:
    """Grey and hatched over a stale picture, black over none; the plate says how old it is."""
    _cover(painter, veil, area, ratio)
    narrow = area.width() < VEIL_WORDS_W
    px = BODY if narrow else TITLE if area.width() < 360 else SUBJECT
    icon_px = 20 if px == SUBJECT else 16
    room = min(area.width() - 2 * MARGIN, VEIL_W) - (8 if narrow else 32)
    title = wrapped(veil.title, px, 600, int(room - 32))
    # Where there is little room the tooltip says the rest.
    detail = [] if narrow else wrapped(veil.detail, BODY, 400, int(room))
    title_w = 30 + max(text_width(line, px, 600) for line in title)
    width = (8 if narrow else 32) + max(
        [title_w, *(text_width(line, BODY) for line in detail if line)]
    )
    height = 22 + TITLE_LINE * len(title) + DETAIL_LINE * len(detail)
    box = QRectF(area.center().x() - width / 2, area.center().y() - height / 2, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_plate(0.92))
    painter.drawRoundedRect(box, 4, 4)
    x, y = box.center().x() - title_w / 2, box.top() + 30
    icon = "broken" if veil.black else "clock"
    icons.draw(painter, icon, x, y - 6 - icon_px / 2, icon_px, QColor(ON_PLATE_AMBER))
    for line in title:
        _text(painter, x + 30, y, line, ON_PLATE_AMBER, px, 600)
        y += TITLE_LINE
    y -= 3
    for line in detail:
        _text(painter, box.center().x() - text_width(line, BODY) / 2, y, line, ON_PLATE)
        y += DETAIL_LINE


def _cover(painter: QPainter, veil: Veil, area: QRectF, ratio: float) -> None:
    if veil.black:
        painter.fillRect(area, QColor("#000000"))
        return
    # What is left of the picture must be recognised, and not be taken for live.
    painter.fillRect(area, QColor(52, 54, 57, 165))
    painter.save()
    painter.setBrushOrigin(area.topLeft())
    painter.fillRect(area, QBrush(hatch("#C3C9CF", 90, 16, ratio)))
    painter.restore()


def wrapped(text: str, px: int, weight: int, room: int) -> list[str]:
    """`text` in lines of at most `room` px; at most three."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and text_width(longer, px, weight) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line][:3]


def draw_banner(painter: QPainter, banner: Banner, area: QRectF, theme: Theme) -> None:
    """Why it does not move and what to do, 112 px above the bottom edge."""
    fill = theme.color("red_fill" if banner.look is Look.LATCHED else "amber_fill")
    ink = theme.color("on_red" if banner.look is Look.LATCHED else "on_amber")
    room = int(area.width() * 0.8) - 64
    title = wrapped(banner.title, SUBJECT, 600, room)
    detail = wrapped(banner.detail, BODY, 500, room) if banner.detail else []
    width = 72 + max(
        [text_width(line, SUBJECT, 600) for line in title]
        + [text_width(line, BODY, 500) for line in detail]
    )
    height = 20 + 24 * len(title) + 18 * len(detail)
    box = QRectF(area.center().x() - width / 2, area.bottom() - 112 - height, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(box, 4, 4)
    icons.draw(painter, banner.icon, box.left() + 16, box.center().y() - 12, 24, ink)
    x, y = box.left() + 52, box.top() + 28
    for line in title:
        _text(painter, x, y, line, ink.name(), SUBJECT, 600)
        y += 24
    y -= 4
    for line in detail:
        _text(painter, x, y, line, ink.name(), BODY, 500)
        y += 18


def draw_frame(painter: QPainter, area: QRectF, look: Look, theme: Theme) -> None:
    """2 px by mode; grey while watching."""
    roles = {
        Look.YOURS: "blue",
        Look.HOLD: "amber_fill",
        Look.LIMITED: "amber_fill",
        Look.LATCHED: "red_fill",
    }
    pen = QPen(theme.color(roles.get(look, "line")), 2)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area.adjusted(-1, -1, 1, 1), 2, 2)
