"""Carries out a sitting of demonstrations at the window: looks, presses, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QApplication

from teleop.input_profile import Action
from teleop.operator_view import LinkView
from transport import clock
from ui.collect_session import Order, Press, Session, begun, looked, pressed
from ui.collect_state import CollectFace, collect_face
from ui.screen import Act

if TYPE_CHECKING:
    from ui.main_window import MainWindow

# What keys and buttons of the profile mean while demonstrations are gathered.
PRESSES: Final = {
    Action.ACCEPT_OR_HAND_BACK: Press.ENTER,
    Action.ACCEPT_OR_REQUEST: Press.ENTER,
    Action.HAND_BACK: Press.ENTER,
    Action.SUCCESS: Press.KEEP,
    Action.FAILURE: Press.DISCARD,
    Action.ZERO: Press.PAUSE,
}
_ACTS: Final = {
    Order.REQUEST: Act.REQUEST,
    Order.SUCCESS: Act.SUCCESS,
    Order.HAND_BACK: Act.HAND_BACK,
    Order.DISCARD: Act.DISCARD,
    Order.RESTORE: Act.RESTORE,
}


class Collecting:
    """The session of this window; the window's thread only."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.session = Session()
        self.beep: Callable[[bool], None] = lambda long: QApplication.beep()

    def begin(self, wanted: int, longest_s: float) -> None:
        """Sit down for so many demonstrations."""
        self.session = begun(wanted, longest_s, clock.now_ns())
        self._window.refresh()

    def look(self, link: LinkView, now_ns: int) -> CollectFace:
        """Take in what is known of the robot; what the page shows."""
        self.session, orders = looked(self.session, link, now_ns)
        self._carry_out(orders)
        return collect_face(self.session, link, now_ns)

    def press(self, what: Press) -> None:
        """The operator wants this."""
        if self._window.view is None:
            return
        self.session, orders = pressed(self.session, what, self._window.view, clock.now_ns())
        self._carry_out(orders)
        self._window.refresh()

    def _carry_out(self, orders: tuple[Order, ...]) -> None:
        for order in orders:
            match order:
                case Order.LET_GO:
                    self._window.let_go()
                case Order.SHORT | Order.LONG:
                    self.beep(order is Order.LONG)
                case _:
                    self._window.act(_ACTS[order])
