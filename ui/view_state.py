"""From what the robot reported to what the window shows: pure, no Qt, no clock, tested as text.

`screen_of` is the only entry. Everything on the screen comes from the robot's own report or from
what this console measured; what is too old to be true is shown as not known, never as last seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from teleop.operator_view import LinkView, PictureView, Reach
from transport.messages import Mode, Phase, RecorderPhase, RobotKind, Sight
from ui import words
from ui.dock_state import (
    call_panel,
    log_of,
    rescue_of,
    self_test_of,
    session_of,
    status_of,
    telemetry_of,
)
from ui.facts import Facts, heard
from ui.history import Mark
from ui.labelling import last_outcome, waits_for_label
from ui.notices import notice_of
from ui.offers import why_not, wish_left_s
from ui.picture_cause import OF_CAMERA, cause_of, is_black, unrecorded
from ui.picture_state import (
    GONE_MS,
    banner_of,
    frame_of,
    hud_of,
    late_ms,
    latency_ms,
    picture_face,
    stale_ms,
    steady_age,
)
from ui.readiness import readiness_of
from ui.reason_rows import MEDIA_TTL_MS, reasons
from ui.screen import Act, Chip, LabelBar, LeaseFace, Look, Screen


def screen_of(
    link: LinkView,
    pictures: Sequence[PictureView],
    facts: Facts,
    now_ns: int,
    wall: datetime,
    marks: Sequence[Mark] = (),
) -> Screen:
    """Everything the window shows. `pictures` has the main view first; `wall` is local time."""
    shown = tuple(pictures)
    state = heard(link)
    main = shown[0] if shown else None
    latency = latency_ms(link, main) if facts.page_pictured else None
    readiness = readiness_of(link, facts, now_ns, wall)
    frame = frame_of(link, readiness)
    moving = state is not None and readiness.word in ("READY", "LIMITED")
    return Screen(
        robot=_name(link),
        site=state.site if state else link.address,
        mode=mode_of(link),
        lease=_lease(link, facts, now_ns),
        readiness=readiness,
        reasons=reasons(link, shown, moving, readiness.detail),
        link=link_chip(link, main if facts.page_pictured else None, latency, wall, facts),
        recording=recording_chip(link),
        stop=stop_face(link),
        pictures=tuple(
            picture_face(view, number, link, latency, frame, facts)
            for number, view in enumerate(shown)
        ),
        banner=banner_of(link, readiness),
        notice=notice_of(link, facts, now_ns),
        hud=hud_of(state, latency, _sight(link, main)) if state else None,
        labels=LabelBar(
            link.yours and state is not None,
            state.phase if state else Phase.AUTONOMOUS,
            state.outcome if state and link.yours else last_outcome(link),
            can_label=not why_not(Act.SUCCESS, link),
            hand_back=not why_not(Act.HAND_BACK, link),
            let_drive=not why_not(Act.LET_DRIVE, link),
        ),
        call=call_panel(link, facts, now_ns, wall),
        rescue=rescue_of(link),
        session=session_of(facts),
        log=log_of(marks, now_ns, wall),
        telemetry=telemetry_of(
            state, latency, late_ms(link), link.state.kind if link.state else RobotKind.ROVER
        ),
        latency="" if latency is None else f"{latency:.0f}",
        latency_look=Look.LIMITED if latency and latency > late_ms(link) else Look.QUIET,
        latency_limit_ms=late_ms(link),
        self_test=self_test_of(link),
        status=status_of(link, facts, now_ns),
        who=words.role(link),
        why_not={act: why_not(act, link) for act in Act},
    )


def _sight(link: LinkView, main: PictureView | None) -> Sight | None:
    """How the camera in the main view sees the floor."""
    cameras = link.media.cameras if link.media is not None else ()
    return next((c.sight for c in cameras if main is not None and c.name == main.camera), None)


# --- top bar --------------------------------------------------------------------------------------


def _name(link: LinkView) -> str:
    return link.state.robot if link.state else "No robot"


def mode_of(link: LinkView) -> Chip:
    """Who has control."""
    state = heard(link)
    if state is None:
        return Chip("dashed", "UNKNOWN", look=Look.DIM)
    if state.mode is Mode.ESTOP:
        return Chip("octagon", "STOPPED", look=Look.LATCHED)
    if state.mode is Mode.AUTONOMY:
        return Chip("autonomy", "AUTONOMY" if state.has_policy else "STANDBY")
    if link.yours:
        return Chip("wheel", "YOU DRIVE", look=Look.YOURS)
    if state.lease.operator:
        return Chip("person", f"{state.lease.operator} DRIVES")
    if state.call is not None:
        return Chip("hand", "CALLING", look=Look.LIMITED)
    return Chip("dashed", "NOBODY")


def _lease(link: LinkView, facts: Facts, now_ns: int) -> LeaseFace:
    state = heard(link)
    if state is None:
        return LeaseFace("Lease: –", "not known", "Request", Act.REQUEST, False)
    held = "" if facts.lease_ns is None else f"for {words.minutes((now_ns - facts.lease_ns) / 1e9)}"
    if link.yours:
        return LeaseFace("Lease: yours", held, "Release", Act.RELEASE, True)
    may = not why_not(Act.REQUEST, link)
    if state.lease.operator:
        if state.wanted is not None and state.wanted.session == link.session:
            held = f"asked, {wish_left_s(link, state)} s"
        return LeaseFace(f"Lease: {state.lease.operator}", held, "Ask", Act.REQUEST, may)
    works = state.mode is Mode.AUTONOMY and state.has_policy
    detail = "works by itself" if works else "nobody drives"
    return LeaseFace("Lease: free", detail, "Request", Act.REQUEST, may)


def stop_face(link: LinkView) -> Chip:
    """The STOP button: at rest, sent, latched."""
    state = heard(link)
    if state is not None and state.mode is Mode.ESTOP:
        return Chip("octagon", "STOPPED", look=Look.LATCHED)
    if link.stop is not None and link.stop.acked_ns is None and state is not None:
        return Chip("octagon", "STOP sent", look=Look.HOLD)
    return Chip("octagon", "STOP", "Space")


def link_chip(
    link: LinkView,
    main: PictureView | None,
    latency: float | None,
    wall: datetime,
    facts: Facts | None = None,
) -> Chip:
    """Picture and link in two lines."""
    if link.reach is not Reach.CONNECTED:
        since = words.clock(wall - timedelta(milliseconds=link.silent_ms))
        return Chip("triangle", "No link", f"since {since}", Look.FAILED)
    answers = "robot answers"
    if link.yours and link.state is not None and link.state.command_age_ms >= 0:
        answers = f"commands arrive, {words.age(link.state.command_age_ms)}"
    elif link.round_trip_ms is not None:
        answers = f"robot answers, {words.age(link.round_trip_ms)}"
    if facts is not None and not facts.page_pictured:
        return Chip("", "Picture not shown", answers)
    if main is None or main.painted == 0:
        return Chip("triangle", "No picture", answers, Look.LIMITED)
    if main.age_ms is None:
        return Chip("dashed", "Picture, age ?", f"{main.fps:.0f} fps", Look.LIMITED)
    age = steady_age(main)
    cause = cause_of(link, main.camera)
    if age > stale_ms(link) and cause in OF_CAMERA:
        word = OF_CAMERA[cause].capitalize()
        return Chip("triangle", word, f"for {words.short(age / 1000)}", Look.LIMITED)
    if age > GONE_MS:
        return Chip("triangle", "No picture", answers, Look.LIMITED)
    if age <= stale_ms(link) and is_black(link, main.camera):
        return Chip("triangle", "Picture is black", "lens covered, or no light", Look.LIMITED)
    late = age > stale_ms(link) or (latency is not None and latency > late_ms(link))
    detail = f"{main.fps:.0f} fps"
    if latency is not None:
        detail = f"latency {latency:.0f} · {detail}"
    return Chip(
        "triangle" if late else "",
        f"Picture {words.age(age)}",
        detail,
        Look.LIMITED if late else Look.QUIET,
    )


def recording_chip(link: LinkView) -> Chip:
    """What the recorder does. Recording is normal, so its dot is not red."""
    media = link.media
    if media is None or link.media_silent_ms > MEDIA_TTL_MS:
        return Chip("dashed", "REC ?", "no answer", Look.DIM)
    name = words.episode(media.episode) if media.episode else ""
    last = media.last if media.last and media.last.episode == media.episode else None
    judged = "" if last is None else "discarded" if last.discarded else last.outcome.value
    match media.recorder:
        case RecorderPhase.RECORDING:
            if without := unrecorded(link):
                some = (
                    words.camera(without[0].name) if len(without) == 1 else f"{len(without)} cams"
                )
                detail = f"REC, not {some}"
                return Chip("triangle", words.minutes(media.episode_s), detail, Look.LIMITED)
            if waits_for_label(link):
                detail = "not labelled yet"
                return Chip("triangle", words.minutes(media.episode_s), detail, Look.LIMITED)
            if idle := words.idle(link):
                return Chip(
                    "triangle", words.minutes(media.episode_s), f"REC, {idle}", Look.LIMITED
                )
            return Chip("disc", words.minutes(media.episode_s), f"REC ep. {name}")
        case RecorderPhase.PREROLL:
            return Chip("ring", "Pre-roll", "last 10 s")
        case RecorderPhase.FAILED:
            detail = media.recorder_detail or "recorder failed"
            return Chip("triangle", "Not recording", detail, Look.LIMITED)
        case RecorderPhase.SEALED:
            return Chip("ring", "Sealed", f"ep. {name}, {judged}" if judged else f"ep. {name}")


def as_text(screen: Screen) -> str:
    """What the console knows, line by line, for a report to somebody else."""
    lines = [
        f"{screen.robot}, {screen.site}",
        f"{screen.mode.word}; {screen.lease.title} {screen.lease.detail}",
        f"{screen.readiness.word}: {screen.readiness.detail}",
        *(f"{row.name}: {row.value} {row.note}".rstrip() for row in screen.reasons.rows),
        *(f"Refused: {tally.count} {tally.why}" for tally in screen.reasons.refused),
        f"Self-test: {screen.self_test.word}",
        *(f"{row.name}: {row.value} {row.unit}" for row in screen.telemetry),
    ]
    return "\n".join(lines)
