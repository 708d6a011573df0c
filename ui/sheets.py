"""A small sheet that does not block anything: what this program is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from ui.panels import label
from ui.theme import SUBJECT, Theme


class AboutSheet(QDialog):
    """What this program is, and what STOP is not."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About Unstick")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 20, 24, 24)
        outer.setSpacing(8)
        outer.addWidget(label("Unstick", SUBJECT, 600))
        for text in (
            "Drive a robot that needs help, from anywhere. Every rescue becomes a demonstration "
            "that is proved by replay to solve its task.",
            "STOP is software supervision, not a certified emergency stop.",
            "Apache-2.0. Typeface: Inter, SIL Open Font License 1.1.",
        ):
            line = label(text, role="label")
            line.setWordWrap(True)
            line.setMinimumWidth(380)
            outer.addWidget(line)
