"""What lies over the pictures: tag, veil, frame, banner, numbers. Pure."""

from __future__ import annotations

from statistics import median
from typing import Final

from teleop.axes import speed_mps
from teleop.mode import DEAF_MODES, STILL_MODES
from teleop.operator_view import LinkView, PictureView, Reach
from teleop.self_test import Stage
from transport.handshake import Trouble
from transport.messages import CapCause, Hand, HoldReason, Mode, RobotKind, RobotState, Sight
from ui import words
from ui.facts import Facts, heard
from ui.offers import why_not
from ui.path_arc import SLOWEST_MPS, PathArc, path_arc
from ui.picture_cause import OF_CAMERA, Cause, cause_of, is_black, status_of, unrecorded
from ui.screen import Act, Banner, Chip, HandFace, Hud, Look, PictureFace, Veil

# As long as the robot has not said at which age it slows, and up to which latency speed is full.
STALE_MS: Final = 500.0
LATE_MS: Final = 200.0
GONE_MS: Final = 10_000.0  # an older picture is no picture
STEADY_MS: Final = 150.0  # frames this close together: show their median age, not the jitter
MOVING_MPS: Final = 0.005
NO_ARC: Final = "no path: this camera is not calibrated to the floor"
BLIND_CM: Final = 10  # from here on the distance driven blind is worth a colour
UNRECORDED: Final = "not recorded"
LATCHED_MODES: Final = frozenset({Mode.ESTOP, Mode.SAFE_STOP, Mode.LINK_LOST, Mode.FAULT})


def stale_ms(link: LinkView) -> float:
    """An older picture is veiled; the robot slows."""
    return link.state.timing.picture_slow_ms if link.state is not None else STALE_MS


def late_ms(link: LinkView) -> float:
    """With a longer latency than this the robot caps the speed."""
    return link.state.timing.full_speed_ms if link.state is not None else LATE_MS


def latency_ms(link: LinkView, main: PictureView | None) -> float | None:
    """From the camera to the motors: what the robot measures while you drive, else an estimate."""
    state = heard(link)
    # While latched or disarmed the robot takes no command, nor what it says of the picture.
    hears = state is not None and link.yours and state.mode not in DEAF_MODES
    if state is not None and hears and state.picture_age_ms >= 0:
        return state.picture_age_ms
    if main is None or main.age_ms is None or link.reach is not Reach.CONNECTED:
        return None
    # Nobody's command arrives while you watch: half a round trip stands for its way.
    return steady_age(main) + (link.round_trip_ms or 0.0) / 2


def steady_age(view: PictureView) -> float:
    """The picture's age in ms without the saw-tooth between two frames."""
    now = view.age_ms or 0.0
    if view.ages_ms and now - view.ages_ms[-1] < STEADY_MS:
        return float(median(view.ages_ms[-15:]))
    return now


def limited_by(state: RobotState) -> str:
    """What caps the speed, empty when nothing but the robot itself does."""
    if state.cap_mps >= state.max_mps - MOVING_MPS:
        return ""
    age = words.age(max(0.0, state.picture_age_ms))
    if state.cap_cause is CapCause.LATENCY:
        return f"{state.cap_mps:.2f} of {state.max_mps:.2f} m/s: latency is {age}"
    if state.cap_cause is CapCause.PICTURE:
        return f"{state.cap_mps:.2f} m/s: picture is {age} old"
    if state.cap_cause is CapCause.PROFILE:
        return f"{state.cap_mps:.2f} m/s: HIGH LATENCY is on"
    if state.cap_cause is CapCause.WORKSPACE:
        if state.cap_mps < MOVING_MPS:
            if state.kind is RobotKind.ARM:
                return "At the edge of its work area: move the hand back"
            return "At the edge of its work area. Drive away from it, or turn"
        return f"{state.cap_mps:.2f} m/s: the edge of its work area is near"
    return ""


def frame_of(link: LinkView, readiness: Chip) -> Look:
    """The frame of the video: blue you drive, amber holding, red latched, grey watching."""
    state = heard(link)
    if state is not None and state.mode in LATCHED_MODES:
        return Look.LATCHED
    if readiness.look is Look.HOLD:
        return Look.HOLD
    if link.yours and state is not None and state.mode is not Mode.AUTONOMY:
        return Look.YOURS
    return Look.QUIET


def picture_face(
    view: PictureView,
    number: int,
    link: LinkView,
    latency: float | None,
    frame: Look,
    facts: Facts,
) -> PictureFace:
    """Tag, frame and veil of one camera; `number` 0 is the main view."""
    tag, veil = _tag(view, link, latency if number == 0 else None, facts)
    own = frame if number == 0 else Look.QUIET
    if number > 0 and veil is not None and not veil.black:
        own = Look.HOLD
    # Under UNRECORDED the tag has no room for the rate; the top bar has it, too.
    bare = veil is None and number == 0 and not tag.detail.endswith(UNRECORDED)
    fps = f"{view.fps:.0f} fps" if bare else ""
    return PictureFace(words.camera(view.camera), tag, fps, own, stale_ms(link), veil)


def _tag(
    view: PictureView, link: LinkView, latency: float | None, facts: Facts
) -> tuple[Chip, Veil | None]:
    if view.painted > 0 and view.age_ms is None:
        # Without the robot's clock nothing proves that the picture is live.
        return Chip("dashed", "PICTURE", "age not known", Look.LIMITED), None
    age_ms = view.age_ms if view.painted > 0 and view.age_ms is not None else float("inf")
    if age_ms > stale_ms(link):
        return _no_new_picture(view, link, age_ms, facts)
    if is_black(link, view.camera):
        return Chip("triangle", "BLACK", "lens covered, or no light", Look.LIMITED), None
    age = steady_age(view)
    if (latency if latency is not None else age) > late_ms(link):
        return Chip("triangle", "LATE", words.age(age), Look.LIMITED), None
    if any(each.name == view.camera for each in unrecorded(link)):
        return Chip("live", "LIVE", f"{words.age(age)} · {UNRECORDED}", Look.LIMITED), None
    return Chip("live", "LIVE", words.age(age)), None


def _no_new_picture(
    view: PictureView, link: LinkView, age_ms: float, facts: Facts
) -> tuple[Chip, Veil]:
    """A frozen camera is not a lost link: whose fault it is stands on the picture."""
    cause = cause_of(link, view.camera)
    status = status_of(link, view.camera)
    why = _why(cause, facts, status.problem if status is not None else "")
    if view.painted == 0:
        tag = Chip("broken", "NO PICTURE", "yet", Look.HOLD)
        return tag, Veil("NO PICTURE", why, True)
    last = f"Last picture {view.last_painted_wall}."
    old, black = words.short(age_ms / 1000), age_ms > GONE_MS
    detail = f"{why} {last}"
    if cause in OF_CAMERA:
        word = OF_CAMERA[cause].upper()
        tag = Chip("clock", word, f"for {old}", Look.HOLD)
        return tag, Veil(f"{word} for {old}", detail, black)
    if black:
        tag = Chip("broken", "NO PICTURE", f"for {old}", Look.HOLD)
        return tag, Veil(f"NO PICTURE for {old}", detail, True)
    tag = Chip("clock", f"STALE {old}", f"last {view.last_painted_wall}", Look.HOLD)
    return tag, Veil(f"STALE {old}", detail, False)


def _why(cause: Cause, facts: Facts, problem: str) -> str:
    """A sentence; `problem` is the robot's own about the camera."""
    match cause:
        case Cause.LINK:
            return "There is no link to the robot."
        case Cause.CAMERAS:
            return "The link is up; the robot's cameras do not answer."
        case Cause.ABSENT:
            return "The robot has no such camera."
        case Cause.FROZEN | Cause.MISSING:
            return f"The link is up. {problem}"
        case Cause.UNSURE:
            return "No new picture comes."
        case Cause.WAY:
            told = f": {facts.video_problem}" if facts.video_problem else ""
            return f"Link and camera work, no picture gets through{told}."


def banner_of(link: LinkView, readiness: Chip) -> Banner | None:
    """Why it does not move, over the picture, in HOLD and in latched states."""
    state = heard(link)
    if state is None:
        return _no_robot(link, readiness)
    if state.mode in (Mode.ESTOP, Mode.SAFE_STOP) and link.yours:
        title = readiness.detail.partition(". ")[0]
        how = "F3 has the button that resets it; so has the menu Robot."
        return Banner(readiness.icon, title, how, Look.LATCHED)
    if state.mode is Mode.DISARMED and link.yours:
        return Banner("lock", "Motors are off", "F5 arms them; nothing moves by that.", Look.HOLD)
    if readiness.look is Look.LATCHED:
        first, _, rest = readiness.detail.partition(". ")
        return Banner(readiness.icon, first, f"{rest}." if rest else "", Look.LATCHED)
    what, remedy = words.blocked_input(link)
    if what and readiness.detail == f"Not moving: {link.input_problem}":
        return Banner("bars", f"Not moving: {what}", f"{remedy.capitalize()}.", Look.HOLD)
    if link.yours and Stage.FAILED in (link.self_test.stop, link.self_test.loss):
        first, _, rest = readiness.detail.partition(". ")
        how = f"{rest}. If it stays so: release it (F2) and call the field team."
        return Banner("fault", first, how, Look.LATCHED)
    if readiness.word != "HOLD":
        return None
    hold = state.hold
    if hold is None or words.hold(hold, link, state) not in readiness.detail:
        first, _, rest = readiness.detail.partition(". ")
        return Banner("bars", first, f"{rest}; nothing moves before.", Look.HOLD)
    if hold.reason is HoldReason.CALLING:
        return Banner("hand", f"{state.robot} asks for help", _calling(link, state), Look.HOLD)
    first, _, limit = readiness.detail.partition(", limit ")
    remedy = words.remedy(hold, link)
    detail = f"Limit {limit}. {remedy}" if limit else remedy
    return Banner("bars", first, detail, Look.HOLD)


def _no_robot(link: LinkView, readiness: Chip) -> Banner:
    if link.trouble is Trouble.WRONG_ROBOT_KEY:
        how = (
            f"What answers at {link.address} has another key than the robot you paired with. "
            "If the robot was replaced, pair again: unstick pair."
        )
        return Banner(readiness.icon, "Another robot answers: do not drive", how, Look.LATCHED)
    if link.trouble is Trouble.NOT_PAIRED:
        how = "Until they are paired (unstick pair) not even STOP works from here."
        return Banner(readiness.icon, "This robot does not know this console", how, Look.HOLD)
    return Banner("broken", "No robot", f"{readiness.detail}.", Look.HOLD)


def _calling(link: LinkView, state: RobotState) -> str:
    reason = state.call.reason if state.call else "It holds"
    if why_not(Act.ACCEPT, link):
        return f"{reason}. {words.watching(link)}; an operator has to accept."
    return f"{reason}. Enter accepts the call and you drive."


def hud_of(state: RobotState, latency: float | None, sight: Sight | None = None) -> Hud:
    top = state.max_mps if state.max_mps > 0 else 1.0
    capped = bool(limited_by(state)) and state.mode not in STILL_MODES
    age = words.age(max(0.0, state.picture_age_ms))
    whys = {
        CapCause.ROBOT: "robot's own limit",
        CapCause.LATENCY: f"latency {age}",
        CapCause.PICTURE: f"picture {age} old",
        CapCause.PROFILE: "high latency",
        CapCause.WORKSPACE: "edge of work area",
    }
    why = whys[state.cap_cause if capped else CapCause.ROBOT]
    wished = state.asked.forward_mps if state.hand is None else speed_mps(state.asked)
    differs = abs(wished - state.speed_mps) > 0.1 and abs(wished) > 0.02
    bearing = words.bearing(state.heading_rad)
    blind_cm = abs(state.speed_mps) * (latency or 0.0) / 10
    ahead = max(state.applied.forward_mps, state.asked.forward_mps) >= SLOWEST_MPS
    return Hud(
        speed=words.speed(state.speed_mps),
        asked=f"asked {words.speed(wished)}" if differs else "",
        speed_fraction=min(1.0, abs(state.speed_mps) / top),
        cap_fraction=min(1.0, state.cap_mps / top),
        cap="Stands" if state.mode in STILL_MODES else f"Cap {state.cap_mps:.2f}: {why}",
        cap_look=Look.LIMITED if capped else Look.QUIET,
        bearing=f"{round(bearing) % 360}°",
        compass=words.compass(bearing),
        bearing_deg=bearing,
        turn=words.turn(state.turn_radps),
        blind=f"{blind_cm:.0f} cm",
        blind_look=Look.LIMITED if blind_cm >= BLIND_CM else Look.QUIET,
        hand=None if state.hand is None else _hand_face(state.hand),
        arc=_arc(state, sight, blind_cm / 100)
        if sight is not None and state.hand is None
        else None,
        no_arc=NO_ARC if sight is None and ahead and state.hand is None else "",
    )


def _arc(state: RobotState, sight: Sight | None, blind_m: float) -> PathArc | None:
    """Of what a base's motors are told, or else of what is asked of them in vain."""
    if sight is None or state.hand is not None:
        return None
    told = state.applied
    if told.forward_mps >= SLOWEST_MPS:
        return path_arc(sight, told.forward_mps, told.turn_radps, blind_m, followed=True)
    asked = state.asked
    return path_arc(sight, asked.forward_mps, asked.turn_radps, 0.0, followed=False)


def _hand_face(hand: Hand) -> HandFace:
    return HandFace(
        height=words.signed(hand.z_m),
        grip=f"Grip {100 * hand.grip:.0f} %, {hand.grip_n:.1f} N",
        grip_fraction=min(1.0, max(0.0, hand.grip)),
    )
