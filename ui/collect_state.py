"""What the page for gathering demonstrations says, from the session and the robot. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from recorder.verdict_report import wilson
from teleop.operator_view import LinkView
from transport.clock import NS_PER_S
from ui import words
from ui.collect_session import (
    COUNT_S,
    RESET_S,
    Attempt,
    Press,
    Session,
    Step,
    why_not_ready,
)
from ui.facts import heard
from ui.screen import Chip, Look

IDLE_S: Final = 10.0  # nothing moves for so long: worth a word
PROVED: Final = frozenset({"EXACT", "SEMANTIC"})


class Square(StrEnum):
    """What became of one demonstration of the set."""

    OPEN = "open"
    NOW = "now"
    WAITS = "waits"  # kept, its replay is not over
    VERIFIED = "verified"
    FAILED = "failed"  # kept, its replay does not solve the task
    DISCARDED = "discarded"


@dataclass(frozen=True)
class StepFace:
    """One of the five steps below the picture."""

    name: str
    detail: str
    now: bool
    over: bool


@dataclass(frozen=True)
class CollectFace:
    """The page."""

    off: bool  # nobody gathers
    prompt: str
    rows: tuple[tuple[str, str], ...]
    count: str  # "13 of 40"
    squares: tuple[Square, ...]
    tally: tuple[tuple[Square, int], ...]
    last_title: str
    last_chip: Chip | None
    last_sentence: str
    verified: str
    interval: str
    low: float  # of the interval, 0 to 1
    high: float
    rate: float | None
    would: str
    steps: tuple[StepFace, ...]
    may: frozenset[Press]
    enter: str  # what Enter does now
    message: str
    look: Look


TALLIED: Final = (Square.VERIFIED, Square.WAITS, Square.FAILED, Square.DISCARDED)
NAMES: Final = {
    Square.VERIFIED: "kept and verified",
    Square.WAITS: "kept, being replayed",
    Square.FAILED: "kept, replay failed",
    Square.DISCARDED: "discarded",
}


def collect_face(session: Session, link: LinkView, now_ns: int) -> CollectFace:
    """Everything that the page shows."""
    state = heard(link)
    squares = tuple(_square(session, number) for number in range(1, session.wanted + 1))
    passed, judged = session.verified
    low, high = wilson(passed, judged)
    best, _ = wilson(session.wanted, session.wanted)
    last = session.attempts[-1] if session.attempts else None
    message, look = _message(session, link, now_ns)
    return CollectFace(
        off=session.step is Step.OFF,
        prompt=state.task if state is not None and state.task else "No task",
        rows=_rows(session, link),
        count=f"{min(session.number, session.wanted)} of {session.wanted}"
        if session.wanted
        else "",
        squares=squares,
        tally=tuple((kind, squares.count(kind)) for kind in TALLIED),
        last_title="" if last is None else f"{last.number}",
        last_chip=_verdict(last),
        last_sentence=_last(last, link),
        verified=f"{passed} of {judged}" if judged else "none judged yet",
        interval=f"{100 * low:.0f}–{100 * high:.0f} % (95 %)" if judged else "",
        low=low,
        high=high,
        rate=passed / judged if judged else None,
        would=f"{session.wanted} of {session.wanted} would prove at least {100 * best:.0f} %."
        if session.wanted
        else "",
        steps=_steps(session, now_ns),
        may=_may(session),
        enter=_enter(session),
        message=message,
        look=look,
    )


def _rows(session: Session, link: LinkView) -> tuple[tuple[str, str], ...]:
    state = heard(link)
    longest = f"{session.longest_s:.0f} s" if session.longest_s else "no limit"
    if state is None:
        return (("Robot", "not heard"), ("Longest", longest))
    return (
        ("Robot", f"{state.robot}, {state.site}"),
        ("Recorded", words.episode(_running(link)) or "from Go on"),
        ("Longest", longest),
    )


def _running(link: LinkView) -> str:
    """The episode that is recorded; empty for none."""
    return link.media.episode if link.media is not None and link.yours else ""


def _square(session: Session, number: int) -> Square:
    found = next((one for one in session.final if one.number == number), None)
    if found is None:
        return Square.NOW if number == session.number else Square.OPEN
    if not found.kept:
        return Square.DISCARDED
    if not found.verdict:
        return Square.WAITS
    return Square.VERIFIED if found.verdict in PROVED else Square.FAILED


def _verdict(last: Attempt | None) -> Chip | None:
    if last is None:
        return None
    if not last.kept:
        return Chip("cross", "DISCARDED", look=Look.DIM)
    return (
        words.verdict(last.verdict) if last.verdict else Chip("dashed", "REPLAYING", "", Look.DIM)
    )


def _last(last: Attempt | None, link: LinkView) -> str:
    if last is None:
        return "Nothing is gathered yet."
    told = link.media.verdict if link.media is not None else None
    if told is not None and told.episode == last.episode and last.kept:
        return told.sentence
    return (
        "Replayed while you go on." if last.kept else "Kept out of exports; Ctrl Z takes it back."
    )


STEPS: Final = (
    ("Ready", (Step.READY, Step.PAUSED, Step.COUNT)),
    ("Go", (Step.TAKE, Step.GO)),
    ("Keep?", (Step.KEEP,)),
    ("Reset", (Step.RESET,)),
)


def _steps(session: Session, now_ns: int) -> tuple[StepFace, ...]:
    passed_s = max(0.0, (now_ns - session.since_ns) / NS_PER_S)
    running = next((n for n, (_, of) in enumerate(STEPS) if session.step in of), -1)
    details = {
        "Ready": "3-2-1, beep",
        "Go": "recording, beep at start",
        "Keep?": "keep, redo, discard",
        "Reset": f"{RESET_S} s, then Ready",
    }
    match session.step:
        case Step.COUNT:
            details["Ready"] = f"{max(1, COUNT_S - int(passed_s))} …"
        case Step.PAUSED:
            details["Ready"] = "paused, Enter goes on"
        case Step.TAKE:
            details["Go"] = "hands off: STOP is tested"
        case Step.GO:
            of = f" of {session.longest_s:.0f}" if session.longest_s else ""
            details["Go"] = f"{passed_s:.1f} s{of}"
        case Step.KEEP if not session.episode:
            details["Keep?"] = "being sealed"
        case Step.RESET:
            details["Reset"] = "the scene is put back"
    return tuple(
        StepFace(name, details[name], number == running, number < running)
        for number, (name, _) in enumerate(STEPS)
    )


def _may(session: Session) -> frozenset[Press]:
    """What can be pressed now."""
    free = {Press.UNDO} if session.attempts else set()
    match session.step:
        case Step.OFF:
            return frozenset()
        case Step.READY | Step.PAUSED:
            enter = set() if session.done else {Press.ENTER}
            return frozenset({*enter, *free, Press.END, Press.PAUSE})
        case Step.COUNT | Step.TAKE:
            return frozenset({Press.PAUSE, Press.END})
        case Step.GO:
            return frozenset({Press.ENTER})
        case Step.KEEP:
            choices = {Press.KEEP, Press.REDO, Press.DISCARD} if session.episode else set()
            return frozenset({*choices, Press.END})
        case Step.RESET:
            return frozenset({*free, Press.PAUSE, Press.END})


def _enter(session: Session) -> str:
    match session.step:
        case Step.GO:
            return "Done"
        case Step.PAUSED:
            return "Go on"
    return "Begin"


def _message(session: Session, link: LinkView, now_ns: int) -> tuple[str, Look]:
    if session.trouble:
        return session.trouble, Look.LIMITED
    state = heard(link)
    match session.step:
        case Step.READY if session.done:
            return "All of them are gathered.", Look.QUIET
        case Step.READY:
            trouble = why_not_ready(link)
            return (
                (trouble, Look.LIMITED) if trouble else ("Enter begins the next one.", Look.QUIET)
            )
        case Step.PAUSED:
            return "Paused. Enter goes on.", Look.LIMITED
        case Step.COUNT:
            return "Get ready; hands off until the long beep.", Look.QUIET
        case Step.TAKE:
            return "Hands off: STOP and link loss are tested.", Look.QUIET
        case Step.GO:
            if state is not None and state.idle_s >= IDLE_S:
                return f"Nothing moves for {state.idle_s:.0f} s.", Look.LIMITED
            return (
                f"Recording {session.number} of {session.wanted}. Enter when it is done.",
                Look.QUIET,
            )
        case Step.KEEP:
            if not session.episode:
                return "The recorder seals it.", Look.QUIET
            return "Y keeps it, F7 does it again, ⌫ discards it.", Look.QUIET
        case Step.RESET:
            return "The scene is put back.", Look.QUIET
        case Step.OFF:
            return "", Look.QUIET
