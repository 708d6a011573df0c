"""The page of the editor for sticks, triggers and speeds: each axis with its bar, moving."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QSlider, QWidget

from teleop.input_profile import RANGES
from teleop.pad_mapping import AXES, TRIGGERS, PadReading
from transport.messages import RobotKind
from ui.buttons import KeyButton
from ui.key_caps import CAPS
from ui.panels import label
from ui.shortcut_parts import AxisBar
from ui.shortcut_plan import Draft, pushed_axis
from ui.speech import later, tr
from ui.theme import Theme, pixels
from ui.tick_box import TickBox

STICKS: Final = {
    "drive": later("forward and back"),
    "turn": later("turn"),
    "slide": later("left and right (arm)"),
    "lift": later("up and down (arm)"),
}
GRIPS: Final = {"close": later("close the gripper"), "open": later("open the gripper")}
NUMBERS: Final = {
    "gamepad.dead_zone": (later("Dead zone"), "%"),
    "gamepad.expo": (later("Expo: finer around the centre"), "%"),
    "gamepad.frozen_s": (later("Let go when nothing changes for"), "s"),
    "speed.precise": (later("Speed, precise"), "%"),
    "speed.normal": (later("Speed, normal"), "%"),
    "speed.turbo": (later("Speed, turbo"), "%"),
}


class StickPage(QWidget):
    """`on_change` gets table, name and value of what was changed."""

    def __init__(self, theme: Theme, on_change: Callable[[str, str, object], None]) -> None:
        super().__init__()
        self._on_change = on_change
        self._wanted = ""  # the axis that is being identified
        self._rest: PadReading | None = None
        self._draft: Draft | None = None
        self._kind = RobotKind.ROVER
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(4, 1)
        self.choices: dict[str, QComboBox] = {}
        self.identify: dict[str, KeyButton] = {}
        self.inverted: dict[str, TickBox] = {}
        self.bars: dict[str, AxisBar] = {}
        for row, (name, words) in enumerate((STICKS | GRIPS).items()):
            axes = TRIGGERS if name in GRIPS else AXES
            grid.addWidget(label(tr(words), role="label"), row, 0)
            choice = self.choices[name] = QComboBox()
            choice.setAccessibleName(tr(words))
            choice.setMinimumHeight(pixels(28))
            for axis in ("", *axes) if name not in ("drive", "turn") else axes:
                choice.addItem(CAPS.get(axis, axis) or tr("none"), axis)
            choice.activated.connect(partial(self._chosen, name))
            grid.addWidget(choice, row, 1)
            button = self.identify[name] = KeyButton(theme, tr("Push it…"))
            button.setToolTip(tr("Then push the stick or trigger that is meant"))
            button.clicked.connect(partial(self._identify, name))
            grid.addWidget(button, row, 2)
            bar = self.bars[name] = AxisBar(theme, tr(words))
            grid.addWidget(bar, row, 3)
            if name in STICKS:
                box = self.inverted[name] = TickBox(theme, tr("inverted"))
                box.clicked.connect(lambda on, which=name: self._invert(which, on))
                grid.addWidget(box, row, 4)
        self.sliders: dict[str, QSlider] = {}
        self._said = {}
        for row, (where, (words, unit)) in enumerate(NUMBERS.items(), start=grid.rowCount()):
            low, high = RANGES[where]
            slider = self.sliders[where] = QSlider(Qt.Orientation.Horizontal)
            slider.setAccessibleName(tr(words))
            slider.setMinimumHeight(pixels(28))
            slider.setRange(*(round(end * (100 if unit == "%" else 1)) for end in (low, high)))
            slider.valueChanged.connect(partial(self._slid, where))
            grid.addWidget(label(tr(words), role="label"), row, 0)
            grid.addWidget(slider, row, 1, 1, 3)
            self._said[where] = label()
            grid.addWidget(self._said[where], row, 4)
        self.background = TickBox(theme, tr("A pad drives while another window has the focus, too"))
        self.background.clicked.connect(
            lambda on: self._on_change("gamepad", "in_background", bool(on))
        )
        grid.addWidget(self.background, grid.rowCount(), 0, 1, 5)
        grid.setRowStretch(grid.rowCount(), 1)

    def show_draft(self, draft: Draft, kind: RobotKind, *, editable: bool) -> None:
        """Take a new draft."""
        self._draft, self._kind = draft, kind
        for name, choice in self.choices.items():
            choice.setCurrentIndex(choice.findData(draft.value("gamepad", name, kind)))
        for name, box in self.inverted.items():
            box.setChecked(draft.value("gamepad", f"invert_{name}", kind))
        for where, slider in self.sliders.items():
            unit = NUMBERS[where][1]
            table, name = where.split(".")
            value = draft.value(table, name, kind)
            slider.blockSignals(True)
            slider.setValue(round(value * (100 if unit == "%" else 1)))
            slider.blockSignals(False)
            self._said[where].setText(f"{slider.value()} {unit}")
        self.background.setChecked(draft.value("gamepad", "in_background", kind))
        for part in (*self.choices.values(), *self.identify.values(), *self.inverted.values()):
            part.setEnabled(editable)
        for slider in self.sliders.values():
            slider.setEnabled(editable)
        self.background.setEnabled(editable)

    def show_reading(self, reading: PadReading | None) -> None:
        """The pad as it stands now; None: there is none."""
        if self._draft is None:
            return
        reading = reading or PadReading()
        if self._wanted:
            if self._rest is None:
                self._rest = reading
            axis = pushed_axis(self._rest, reading, triggers=self._wanted in GRIPS)
            if axis:
                wanted, self._wanted = self._wanted, ""
                self.identify[wanted].say(tr("Push it…"))
                self._on_change("gamepad", wanted, axis)
        dead_zone, expo = (
            self._draft.value("gamepad", name, self._kind) for name in ("dead_zone", "expo")
        )
        for name, bar in self.bars.items():
            raw = reading.axis(self._draft.value("gamepad", name, self._kind))
            inverted = name in STICKS and self._draft.value("gamepad", f"invert_{name}", self._kind)
            bar.show_axis(raw, dead_zone, expo, inverted=inverted)

    def _identify(self, name: str, _checked: bool = False) -> None:
        """The next axis that is pushed is meant; once more: none is."""
        for each, button in self.identify.items():
            waits = each == name and self._wanted != name
            button.say(tr("Push now") if waits else tr("Push it…"))
            button.choose(waits)
        self._wanted = "" if self._wanted == name else name
        self._rest = None

    def _chosen(self, name: str, which: int) -> None:
        self._on_change("gamepad", name, self.choices[name].itemData(which))

    def _invert(self, name: str, on: bool) -> None:
        self._on_change("gamepad", f"invert_{name}", bool(on))

    def _slid(self, where: str, value: int) -> None:
        table, name = where.split(".")
        unit = NUMBERS[where][1]
        self._said[where].setText(f"{value} {unit}")
        self._on_change(table, name, value / 100 if unit == "%" else float(value))
