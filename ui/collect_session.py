"""Gathering demonstrations one after the other: ready, go, done, keep. Pure; time is passed in.

    OFF      nobody gathers
    READY    waits for Enter
    COUNT    three, two, one
    TAKE     the lease is requested, and the robot tests STOP and link loss
    GO       the operator drives and the robot records
    KEEP     handed back: keep it, do it again, or discard it
    RESET    the scene is put back, by the simulator or by a person
    PAUSED   somebody said so, or nothing has happened for a minute

Nothing is deleted: an episode that is not kept is labelled as discarded, and that can be undone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from teleop.operator_view import LinkView
from transport.clock import NS_PER_S
from transport.messages import Mode, RecorderPhase
from ui.facts import heard

COUNT_S: Final = 3
TAKE_S: Final = 6  # lease and self-test take a second
RESET_S: Final = 2  # at least: the recorder's post-roll, then the jump
PAUSE_S: Final = 60  # without anything done while it is ready
SEALED_S: Final = 15  # within which an episode has to be named after the hand-back


class Step(StrEnum):
    """Where in the round it is."""

    OFF = "off"
    READY = "ready"
    COUNT = "count"
    TAKE = "take"
    GO = "go"
    KEEP = "keep"
    RESET = "reset"
    PAUSED = "paused"


class Order(StrEnum):
    """What the window does because of it."""

    REQUEST = "request"  # the lease
    SUCCESS = "success"  # mark the outcome
    HAND_BACK = "hand back"
    DISCARD = "discard"  # label the last episode
    RESTORE = "restore"  # take that back
    LET_GO = "let go"  # motion to zero, until keys are pressed anew
    SHORT = "short"  # a beep of the countdown
    LONG = "long"  # go


class Press(StrEnum):
    """What the operator wants."""

    ENTER = "enter"  # the next step: ready, done
    KEEP = "keep"
    REDO = "redo"
    DISCARD = "discard"
    UNDO = "undo"
    PAUSE = "pause"
    END = "end"


@dataclass(frozen=True)
class Attempt:
    """One demonstration."""

    number: int  # of the set; one that is done again keeps its number
    episode: str
    kept: bool
    verdict: str = ""


@dataclass(frozen=True)
class Session:
    """One sitting, for one task of one robot."""

    wanted: int = 0
    longest_s: float = 30.0
    step: Step = Step.OFF
    since_ns: int = 0  # when this step began
    beeps: int = 0  # of this countdown
    episode: str = ""  # that KEEP is about
    sealed_before: str = ""  # the newest episode when this one began
    attempts: tuple[Attempt, ...] = ()
    trouble: str = ""  # why the last step did not succeed

    @property
    def number(self) -> int:
        """Of the demonstration that comes next, or runs."""
        return len(self.final) + 1

    @property
    def final(self) -> tuple[Attempt, ...]:
        """One for each number: the last that was made of it."""
        return tuple({attempt.number: attempt for attempt in self.attempts}.values())

    @property
    def done(self) -> bool:
        """Whether there are as many as wanted."""
        return self.step is not Step.OFF and len(self.final) >= self.wanted

    @property
    def verified(self) -> tuple[int, int]:
        """(proved, judged) of those that are kept."""
        judged = [one for one in self.final if one.kept and one.verdict]
        return sum(one.verdict in ("EXACT", "SEMANTIC") for one in judged), len(judged)


Turn = tuple[Session, tuple[Order, ...]]


def begun(wanted: int, longest_s: float, now_ns: int) -> Session:
    """Somebody sits down to gather so many."""
    return Session(wanted=wanted, longest_s=longest_s, step=Step.READY, since_ns=now_ns)


def looked(session: Session, link: LinkView, now_ns: int) -> Turn:
    """After a look at the robot; several times a second."""
    session = _with_verdicts(session, link)
    passed_s = (now_ns - session.since_ns) / NS_PER_S
    match session.step:
        case Step.READY if passed_s >= PAUSE_S:
            return _to(session, Step.PAUSED, now_ns), ()
        case Step.COUNT:
            return _counting(session, link, passed_s, now_ns)
        case Step.TAKE:
            return _taking(session, link, passed_s, now_ns)
        case Step.GO:
            return _going(session, link, passed_s, now_ns)
        case Step.KEEP:
            return _naming(session, link, passed_s), ()
        case Step.RESET if passed_s >= RESET_S and _free(link):
            return _to(session, Step.READY, now_ns), ()
    return session, ()


def pressed(session: Session, press: Press, link: LinkView, now_ns: int) -> Turn:
    """After the operator has pressed something; what does not fit the step does nothing."""
    if press is Press.END and session.step is not Step.GO:
        return replace(session, step=Step.OFF), ()
    match session.step, press:
        case Step.READY | Step.PAUSED, Press.ENTER if not session.done:
            return _start(session, link, now_ns)
        case Step.READY | Step.COUNT | Step.TAKE | Step.RESET, Press.PAUSE:
            return _to(session, Step.PAUSED, now_ns), ()
        case Step.GO, Press.ENTER:
            return _finished(session, now_ns)
        case Step.KEEP, Press.KEEP if session.episode:
            return _judged(session, now_ns, kept=True), ()
        case Step.KEEP, Press.DISCARD if session.episode:
            return _judged(session, now_ns, kept=False), (Order.DISCARD,)
        case Step.KEEP, Press.REDO if session.episode:
            again = replace(session, episode="")
            return _to(again, Step.RESET, now_ns), (Order.DISCARD,)
        case Step.READY | Step.RESET | Step.PAUSED, Press.UNDO if session.attempts:
            return _undone(session, now_ns)
    return session, ()


# --- one step after the other ---------------------------------------------------------------------


def _start(session: Session, link: LinkView, now_ns: int) -> Turn:
    trouble = why_not_ready(link)
    if trouble:
        return replace(session, trouble=trouble), ()
    return replace(_to(session, Step.COUNT, now_ns), beeps=1), (Order.SHORT,)


def why_not_ready(link: LinkView) -> str:
    """Why no demonstration can begin now, as a sentence; empty when one can."""
    state = heard(link)
    if state is None:
        return "The robot cannot be heard."
    if link.yours:
        return "Hand back first: a demonstration begins with taking the robot."
    if state.lease.operator:
        return f"{state.lease.operator} has the robot."
    if state.mode not in (Mode.AUTONOMY, Mode.HOLD, Mode.READY):
        return f"The robot is in {state.mode.value.replace('_', ' ')}."
    media = link.media
    if media is not None and media.recorder is RecorderPhase.FAILED:
        return f"It does not record: {media.recorder_detail}"
    return ""


def _counting(session: Session, link: LinkView, passed_s: float, now_ns: int) -> Turn:
    trouble = why_not_ready(link)
    if trouble:
        return replace(_to(session, Step.READY, now_ns), trouble=trouble), ()
    if passed_s >= COUNT_S:
        media = link.media
        newest = media.last.episode if media is not None and media.last is not None else ""
        taking = replace(_to(session, Step.TAKE, now_ns), sealed_before=newest)
        return taking, (Order.REQUEST,)
    if session.beeps < 1 + int(passed_s):
        return replace(session, beeps=session.beeps + 1), (Order.SHORT,)
    return session, ()


def _taking(session: Session, link: LinkView, passed_s: float, now_ns: int) -> Turn:
    if link.yours and link.self_test.passed:
        return _to(session, Step.GO, now_ns), (Order.LONG,)
    if passed_s > TAKE_S:
        why = link.refused.reason if link.refused is not None else "the robot was not given"
        back = (Order.HAND_BACK,) if link.yours else ()
        return replace(_to(session, Step.READY, now_ns), trouble=f"Not begun: {why}"), back
    return session, ()


def _going(session: Session, link: LinkView, passed_s: float, now_ns: int) -> Turn:
    if heard(link) is not None and not link.yours:
        lost = replace(_to(session, Step.KEEP, now_ns), trouble="The lease was lost meanwhile.")
        return lost, ()
    if session.longest_s and passed_s >= session.longest_s:
        return _finished(session, now_ns)
    return session, ()


def _finished(session: Session, now_ns: int) -> Turn:
    orders = (Order.LET_GO, Order.SUCCESS, Order.HAND_BACK)
    return replace(_to(session, Step.KEEP, now_ns), episode=""), orders


def _naming(session: Session, link: LinkView, passed_s: float) -> Session:
    """The episode that KEEP is about is the one sealed after it began."""
    last = link.media.last if link.media is not None else None
    if session.episode:
        return session
    if last is not None and last.episode != session.sealed_before:
        return replace(session, episode=last.episode, trouble="")
    if passed_s > SEALED_S:
        return replace(session, trouble="The recorder has not sealed it yet.")
    return session


def _judged(session: Session, now_ns: int, *, kept: bool) -> Session:
    attempt = Attempt(session.number, session.episode, kept)
    judged = replace(session, attempts=(*session.attempts, attempt), episode="")
    return _to(judged, Step.RESET, now_ns)


def _undone(session: Session, now_ns: int) -> Turn:
    last = session.attempts[-1]
    asked = replace(session, attempts=session.attempts[:-1], episode=last.episode)
    return _to(asked, Step.KEEP, now_ns), () if last.kept else (Order.RESTORE,)


def _with_verdicts(session: Session, link: LinkView) -> Session:
    told = link.media.verdict if link.media is not None else None
    if told is None:
        return session
    attempts = tuple(
        replace(one, verdict=told.verdict) if one.episode == told.episode else one
        for one in session.attempts
    )
    return session if attempts == session.attempts else replace(session, attempts=attempts)


def _free(link: LinkView) -> bool:
    state = heard(link)
    return state is not None and not link.yours and not state.lease.operator


def _to(session: Session, step: Step, now_ns: int) -> Session:
    return replace(session, step=step, since_ns=now_ns, trouble="", beeps=0)
