"""What a button, a menu entry, a key or a gamepad's button does: one place for all four.

What cannot be done now is not asked of the robot; the status line says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleop.input_profile import CAMERA_ACTIONS, Action
from teleop.operator_view import LinkView
from transport import clock
from transport.messages import (
    Arm,
    ChooseProfile,
    ClearFault,
    DenyLease,
    ForceLease,
    GrantLease,
    HandBack,
    MarkMoment,
    MarkOutcome,
    MarkPhase,
    Outcome,
    Phase,
    Profile,
    ReleaseLease,
    RequestBody,
    RequestLease,
    ResetStop,
    RobotState,
    StartPolicy,
)
from ui.collecting import PRESSES
from ui.facts import heard
from ui.labelling import OUTCOMES, SAYS, label_of
from ui.pages import Page, drives
from ui.reason_dialog import QUESTIONS, ReasonDialog
from ui.screen import Act, Screen

if TYPE_CHECKING:
    from ui.bridge import Link
    from ui.main_window import MainWindow

# The key that accepts also hands back: a second press in impatience must not.
DOUBLE_PRESS_NS: Final = 1500 * clock.NS_PER_MS
# What keys and gamepad buttons are bound to, where it is an act of the window and nothing more.
ACTS: Final = {
    Action.RELEASE: Act.RELEASE,
    Action.HAND_BACK: Act.HAND_BACK,
    Action.ARM: Act.ARM,
    Action.MARKER: Act.MARKER,
    Action.SUCCESS: Act.SUCCESS,
    Action.FAILURE: Act.FAILURE,
    Action.CLEAR_OUTCOME: Act.CLEAR,
}
# Of a replay on hardware, besides the label.
JUDGING: Final = {Act.SUCCESS: Outcome.SUCCESS, Act.FAILURE: Outcome.FAILURE}
# Whoever gives the robot away must not drive on.
LETTING_GO: Final = frozenset({Act.RELEASE, Act.HAND_BACK, Act.LET_DRIVE, Act.GRANT})


def body_of(act: Act, link: LinkView, state: RobotState, reason: str = "") -> RequestBody | None:
    """What `act` asks of the robot; None for what is this console's own business."""
    if act in SAYS and not (link.yours and act in OUTCOMES):
        return label_of(act, link, reason)
    epoch = state.lease.epoch
    wanted = state.wanted.session if state.wanted is not None else ""
    match act:
        case Act.REQUEST | Act.ACCEPT:
            return RequestLease()
        case Act.TAKE_OVER:
            return ForceLease(reason=reason)
        case Act.GRANT:
            return GrantLease(epoch=epoch, session=wanted)
        case Act.DENY:
            return DenyLease(epoch=epoch, session=wanted)
        case Act.RELEASE:
            return ReleaseLease(epoch=epoch)
        case Act.ARM:
            return Arm(epoch=epoch)
        case Act.RESET:
            return ResetStop(epoch=epoch, reason=reason)
        case Act.CLEAR_FAULT:
            return ClearFault(reason=reason)
        case Act.HAND_BACK:
            return HandBack(epoch=epoch)
        case Act.LET_DRIVE:
            return StartPolicy(epoch=epoch)
        case Act.HIGH_LATENCY:
            return ChooseProfile(epoch=epoch, profile=Profile.HIGH_LATENCY)
        case Act.NORMAL:
            return ChooseProfile(epoch=epoch, profile=Profile.NORMAL)
        case Act.SUCCESS:
            return MarkOutcome(epoch=epoch, outcome=Outcome.SUCCESS)
        case Act.FAILURE:
            return MarkOutcome(epoch=epoch, outcome=Outcome.FAILURE)
        case Act.CLEAR:
            return MarkOutcome(epoch=epoch, outcome=Outcome.UNLABELLED)
        case Act.RECOVERY:
            return MarkPhase(epoch=epoch, phase=Phase.RECOVERY)
        case Act.CORRECTION:
            return MarkPhase(epoch=epoch, phase=Phase.CORRECTION)
        case Act.SCENE_RESET:
            return MarkPhase(epoch=epoch, phase=Phase.RESET)
        case Act.MARKER:
            return MarkMoment(epoch=epoch)
    return None  # STOP and what the window does by itself


class Acting:
    """Does it, in the window's thread."""

    def __init__(self, window: MainWindow, link: Link) -> None:
        self._window = window
        self._link = link

    def act(self, what: Act) -> None:
        """Do what is asked for, or ask for the reason first, or say why not."""
        window = self._window
        if what is Act.STOP:
            self._link.stop()
            return
        if what is Act.DISMISS:
            window.history.dismiss()
            window.refresh()
            return
        screen, state = window.screen_shown, self._state()
        if screen is None:
            return
        refused = screen.why_not[what]
        if refused or state is None:
            window.history.tell(refused, clock.now_ns())
            return
        if what in QUESTIONS:
            self._ask_why(what, screen, state)
            return
        self._ask(what, state)

    def do(self, action: Action) -> None:
        """What a key, or a gamepad's button, is bound to."""
        window = self._window
        if window.page is Page.COLLECT and action in PRESSES:
            if action is Action.ZERO:
                window.let_go()
            window.collecting.press(PRESSES[action])
            return
        match action:
            case Action.ACCEPT_OR_HAND_BACK if not drives(window.page):
                window.frame.accept()
            case Action.ACCEPT_OR_HAND_BACK:
                self._accept_or_hand_back()
            case Action.ACCEPT_OR_REQUEST:
                accept = window.screen_shown is not None and window.screen_shown.may(Act.ACCEPT)
                self.act(Act.ACCEPT if accept else Act.REQUEST)
            case Action.REQUEST_OR_RELEASE:
                self.act(window.top.lease_act)
            case Action.REASONS:
                window.toggle_reasons()
            case Action.HELP:
                window.show_keys()
            case Action.FIGURES:
                window.toggle_figures()
            case Action.FULL_SCREEN:
                window.full_screen()
            case Action.ZERO:
                window.let_go()
                window.put_away()
            case _ if action in CAMERA_ACTIONS:
                window.show_camera(CAMERA_ACTIONS.index(action) + 1)
            case _ if action in ACTS:
                self.act(ACTS[action])

    def pad_action(self, action: str) -> None:
        """What a gamepad's button is bound to, while its input counts."""
        if self._window.pad_counts:
            self._link.touched(clock.now_ns())
            self.do(Action(action))

    def _accept_or_hand_back(self) -> None:
        window = self._window
        if window.view is not None and window.view.yours:
            if clock.now_ns() - window.yours_since_ns > DOUBLE_PRESS_NS:
                self.act(Act.HAND_BACK)
            return
        state = self._state()
        if state is not None and state.call is not None:
            self.act(Act.ACCEPT)  # or say why not

    def _state(self) -> RobotState | None:
        view = self._window.view
        return heard(view) if view is not None else None

    def _ask(self, what: Act, state: RobotState, reason: str = "") -> None:
        view = self._window.view
        body = body_of(what, view, state, reason) if view is not None else None
        if body is None:
            return
        if what is Act.MARKER:
            self._window.history.mark("marker", "marker sent", clock.now_ns())
        if what in LETTING_GO:
            self._window.let_go()
        if what in JUDGING:
            self._link.judge(JUDGING[what])
        self._link.request(body)

    def _ask_why(self, what: Act, screen: Screen, state: RobotState) -> None:
        window = self._window
        if window.findChild(ReasonDialog) is not None:
            return
        names = {"robot": state.robot, "holder": state.lease.operator}
        dialog = ReasonDialog(
            window.theme, window, QUESTIONS[what], names, self._link.stop, self._answered
        )
        dialog.show_stop(screen.stop)
        dialog.finished.connect(lambda _code: window.activateWindow())  # back to driving
        dialog.open()

    def _answered(self, what: Act, reason: str) -> None:
        """The reason is there; the robot may have changed meanwhile."""
        screen, state = self._window.screen_shown, self._state()
        refused = screen.why_not[what] if screen is not None else ""
        if refused or state is None:
            self._window.history.tell(refused, clock.now_ns())
            return
        self._ask(what, state, reason)
