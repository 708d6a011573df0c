"""Colours, type and style sheet: one token table for each theme, read by QSS and painters alike.

Blue is yours, amber is less than normal or waits for somebody, red is latched. There is no green:
normal is grey. `tests/console/test_theme.py` computes the contrast of every pair used.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from ui.screen import Look

log = logging.getLogger("ui")

FAMILY = "Inter"
FONT_FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf", "Inter-Bold.otf")

# The five sizes, px at 100 %. `font` and `text_width` take these and scale them; what is painted or
# sized around a text is scaled with `scaled` and `pixels`.
CAPTION, BODY, TITLE, SUBJECT, FIGURE = 11, 13, 15, 20, 28
SMALLEST_PERCENT, LARGEST_PERCENT = 100, 200


@dataclass(frozen=True)
class Tokens:
    """Every colour on the screen by its role."""

    win: str
    panel: str
    ctl: str
    hover: str
    line: str
    edge: str
    text: str
    text2: str
    text3: str
    blue: str
    amber: str
    red: str
    trace: str
    blue_fill: str
    amber_fill: str
    red_fill: str
    on_blue: str
    on_amber: str
    on_red: str
    stop: str
    on_stop: str
    lane_yours: str
    on_lane_yours: str
    lane_policy: str
    phase_yours: str


DARK = Tokens(
    win="#141619",
    panel="#1C1F23",
    ctl="#272B30",
    hover="#32373D",
    line="#343A40",
    edge="#7D8690",
    text="#E6E9EC",
    text2="#AEB5BC",
    text3="#9AA2AA",
    blue="#7DB0FF",
    amber="#F0B84A",
    red="#FF8B82",
    trace="#69717A",
    blue_fill="#2A66C4",
    amber_fill="#F0B84A",
    red_fill="#C62D2D",
    on_blue="#FFFFFF",
    on_amber="#1B1402",
    on_red="#FFFFFF",
    stop="#F2F4F6",
    on_stop="#111316",
    lane_yours="#2B4D83",
    on_lane_yours="#FFFFFF",
    lane_policy="#4A5159",
    phase_yours="#1E2C42",
)

LIGHT = Tokens(
    win="#DDE0E3",
    panel="#EDEFF1",
    ctl="#FAFBFB",
    hover="#D3D7DB",
    line="#C3C8CD",
    edge="#6E7780",
    text="#16191C",
    text2="#464D54",
    text3="#545C63",
    blue="#1B56AF",
    amber="#7A4E00",
    red="#B0221C",
    trace="#7C848C",
    blue_fill="#1F5FBF",
    amber_fill="#F0B84A",
    red_fill="#C62D2D",
    on_blue="#FFFFFF",
    on_amber="#1B1402",
    on_red="#FFFFFF",
    stop="#16191C",
    on_stop="#FFFFFF",
    lane_yours="#A9C4EA",
    on_lane_yours="#10233F",
    lane_policy="#B4BAC0",
    phase_yours="#D6E3F7",
)

# On the video both themes look alike: the picture behind is what it is.
PLATE = "#0E1012"
PLATE_OPACITY = 0.85
ON_PLATE = "#F2F4F6"
ON_PLATE_2 = "#C3C9CF"
ON_PLATE_AMBER = "#F0B84A"

_QSS = Template(
    """
QWidget { color: $text; }
QMainWindow, QWidget#body { background: $win; }
QWidget[panel="true"] { background: $panel; }
QMenuBar { background: $win; color: $text2; padding: 0 6px; border: 0; }
QMenuBar::item { background: transparent; padding: 6px 10px; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $hover; color: $text; }
QMenu { background: $panel; border: 1px solid $edge; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 26px; border-radius: 4px; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $trace; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QTableView { background: $panel; border: 0; }
QHeaderView { background: $panel; }
QHeaderView::section { background: $panel; color: $text2; border: 0; padding: 0 8px; }
QListView, QScrollArea { background: $panel; border: 0; }
QScrollBar:vertical { background: $panel; width: 10px; margin: 0; }
QScrollBar::handle:vertical { background: $trace; min-height: 32px; border-radius: 3px;
                              margin: 2px; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QLabel { background: transparent; }
QLabel[role="label"] { color: $text2; }
QLabel[role="count"] { color: $text3; }
QLabel[role="amber"] { color: $amber; }
QLabel[role="red"] { color: $red; }
QToolTip { background: $panel; color: $text; border: 1px solid $edge; padding: 4px; }
QDialog { background: $panel; }
QLineEdit { background: $ctl; color: $text; border: 1px solid $edge; border-radius: 4px;
            padding: 0 8px; placeholder-text-color: $text3;
            selection-background-color: $blue_fill; selection-color: $on_blue; }
QLineEdit:focus { border: 2px solid $blue; padding: 0 7px; }
QSlider::groove:horizontal { background: $edge; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $blue_fill; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; border: 2px solid $panel; width: 14px;
                             margin: -7px 0; border-radius: 9px; }
QSlider:focus { border: 2px solid $blue; border-radius: 4px; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $trace; }
QTableWidget, QListWidget { background: $ctl; border: 1px solid $edge; border-radius: 4px;
                            gridline-color: $line; outline: 0; }
QTableWidget:focus, QListWidget:focus { border: 2px solid $blue; }
QTableWidget::item, QListWidget::item { padding: 0 8px; }
QListWidget::item { min-height: 28px; }
QTableWidget::item:selected, QListWidget::item:selected { background: $hover; color: $text; }
QListWidget::item:selected { border-left: 4px solid $blue; }
QHeaderView::section { background: $panel; color: $text2; border: 0; padding: 4px 8px;
                       border-bottom: 1px solid $line; }
"""
)


class Theme(QObject):
    """The tokens in use, following the system's scheme; painters ask it for colours."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        hints = QGuiApplication.styleHints()
        self.tokens = LIGHT if hints.colorScheme() == Qt.ColorScheme.Light else DARK
        hints.colorSchemeChanged.connect(self._follow)
        self._colors: dict[str, QColor] = {}

    def color(self, role: str) -> QColor:
        """The colour of a role of the token table."""
        found = self._colors.get(role)
        if found is None:
            found = self._colors[role] = QColor(getattr(self.tokens, role))
        return found

    def ink(self, look: Look) -> QColor:
        """The colour of text and shape on a chip that has this look."""
        roles = {
            Look.QUIET: "text",
            Look.DIM: "text2",
            Look.YOURS: "on_blue",
            Look.LIMITED: "amber",
            Look.HOLD: "on_amber",
            Look.LATCHED: "on_red",
            Look.FAILED: "red",
        }
        return self.color(roles[look])

    def fill(self, look: Look) -> QColor | None:
        """The fill of a chip that has this look, None where it is only outlined."""
        roles = {Look.YOURS: "blue_fill", Look.HOLD: "amber_fill", Look.LATCHED: "red_fill"}
        return self.color(roles[look]) if look in roles else None

    def outline(self, look: Look) -> QColor:
        """The outline of a chip that has this look."""
        roles = {
            Look.QUIET: "edge",
            Look.DIM: "line",
            Look.YOURS: "blue_fill",
            Look.LIMITED: "amber",
            Look.HOLD: "amber_fill",
            Look.LATCHED: "red_fill",
            Look.FAILED: "red",
        }
        return self.color(roles[look])

    def scale(self, percent: int) -> None:
        """Text of this size from now on, 100 to 200 %; what is on the screen already follows.

        Its fonts and its fixed heights do, and the widths of buttons; what lies in places that are
        computed (docks) follows when its owner, told by `changed`, places it again.
        """
        percent = max(SMALLEST_PERCENT, min(LARGEST_PERCENT, percent))
        before = _text.percent
        if percent == before:
            return
        _text.percent = percent
        _fonts.clear()
        text_width.cache_clear()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setFont(font(BODY))
            for widget in app.allWidgets():
                _rescale(widget, before)
        self.changed.emit()

    def choose(self, scheme: Qt.ColorScheme) -> None:
        """Dark, light, or what the system says (`Unknown`)."""
        QGuiApplication.styleHints().setColorScheme(scheme)
        self._follow()
        if scheme != Qt.ColorScheme.Unknown:
            # Platforms without a native scheme (offscreen, bare X11) keep reporting their own.
            self._use(LIGHT if scheme == Qt.ColorScheme.Light else DARK)

    def _follow(self) -> None:
        light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
        self._use(LIGHT if light else DARK)

    def _use(self, tokens: Tokens) -> None:
        if tokens is self.tokens:
            return
        self.tokens = tokens
        self._colors = {}
        self.apply()
        self.changed.emit()

    def apply(self) -> None:
        """Give the application the palette and the style sheet of these tokens."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setPalette(self._palette())
            app.setStyleSheet(_QSS.substitute(asdict(self.tokens)))

    def _palette(self) -> QPalette:
        palette = QPalette()
        for group, role in (
            (QPalette.ColorRole.Window, "panel"),
            (QPalette.ColorRole.WindowText, "text"),
            (QPalette.ColorRole.Base, "ctl"),
            (QPalette.ColorRole.AlternateBase, "panel"),
            (QPalette.ColorRole.Text, "text"),
            (QPalette.ColorRole.Button, "ctl"),
            (QPalette.ColorRole.ButtonText, "text"),
            (QPalette.ColorRole.Highlight, "blue_fill"),
            (QPalette.ColorRole.HighlightedText, "on_blue"),
            (QPalette.ColorRole.PlaceholderText, "text3"),
            (QPalette.ColorRole.ToolTipBase, "panel"),
            (QPalette.ColorRole.ToolTipText, "text"),
        ):
            palette.setColor(group, self.color(role))
        return palette


def load_fonts() -> bool:
    """Register the bundled Inter; False when it could not be read, the system font then stays."""
    for name in FONT_FILES:
        data = files("resources").joinpath("fonts", name).read_bytes()
        if QFontDatabase.addApplicationFontFromData(data) < 0:
            log.warning("font %s is not usable here, using the system font", name)
            return False
    return True


def dressed(app: QApplication) -> Theme:
    """Give the application the console's style, font and colours."""
    app.setStyle("Fusion")
    load_fonts()
    app.setFont(font(BODY))
    theme = Theme(app)
    theme.apply()
    return theme


class _TextSize:
    """The size of text in use; one for the application, as its style sheet is."""

    percent = 100


_text = _TextSize()
_fonts: dict[tuple[int, int], QFont] = {}


def text_percent() -> int:
    """The size of text in use, in per cent."""
    return _text.percent


def scaled(px: float) -> float:
    """A length in a painting that goes with the text, from its length at 100 %."""
    return px * _text.percent / 100


def pixels(px: float) -> int:
    """A size of a widget that goes with the text, from its size at 100 %."""
    return round(scaled(px))


def _rescale(widget: QWidget, before: int) -> None:
    """Bring what a widget was given at `before` per cent to the size in use. What it had at 100 %
    is remembered, so that no rounding adds up."""
    kept = widget.property("at100") or {}
    if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) and widget.font().pixelSize() > 0:
        given = widget.font()
        px = kept.setdefault("font", round(given.pixelSize() * 100 / before))
        given.setPixelSize(pixels(px))
        widget.setFont(given)
    height = widget.minimumHeight()
    if 0 < height == widget.maximumHeight():
        widget.setFixedHeight(pixels(kept.setdefault("height", height * 100 / before)))
    width = widget.minimumWidth()
    if isinstance(widget, QAbstractButton) and 0 < width == widget.maximumWidth():
        widget.setFixedWidth(pixels(kept.setdefault("width", width * 100 / before)))
    widget.setProperty("at100", kept)
    widget.updateGeometry()


def font(px: int = BODY, weight: int = 400) -> QFont:
    """Inter at `px`, scaled, with figures of one width, so that a number does not move sideways."""
    key = (px, weight)
    found = _fonts.get(key)
    if found is None:
        families = QFontDatabase.families()
        found = QFont(FAMILY) if FAMILY in families else QFont()
        found.setPixelSize(pixels(px))
        found.setWeight(QFont.Weight(weight))
        found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        if hasattr(found, "setFeature"):  # Qt 6.7
            found.setFeature(QFont.Tag("tnum"), 1)
        _fonts[key] = found
    return found


@lru_cache(maxsize=2048)  # asked for each piece of text in each paint
def text_width(text: str, px: int = BODY, weight: int = 400) -> int:
    """Width of `text` in px, rounded up."""
    return QFontMetrics(font(px, weight)).horizontalAdvance(text) + 1


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours given as #RRGGBB."""

    def luminance(color: str) -> float:
        parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
