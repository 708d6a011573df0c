"""What lies over the pictures: tag, veil, frame, banner, numbers. Pure."""

from __future__ import annotations

from statistics import median
from typing import Final

from teleop.operator_view import LinkView, PictureView, Reach
from transport.messages import CapCause, Mode, Refusal, RobotState
from ui import words
from ui.history import heard
from ui.reason_rows import FULL_SPEED_MS, STALE_MS
from ui.screen import Banner, Chip, Hud, Look, PictureFace, Veil

LATE_MS: Final = FULL_SPEED_MS  # whole latency from which speed is capped
GONE_MS: Final = 10_000.0  # an older picture is no picture
STEADY_MS: Final = 150.0  # frames this close together: show their median age, not the jitter
MOVING_MPS: Final = 0.005
BLIND_CM: Final = 10  # from here on the distance driven blind is worth a colour
LATCHED_MODES: Final = frozenset({Mode.ESTOP, Mode.SAFE_STOP, Mode.LINK_LOST, Mode.FAULT})


def latency_ms(link: LinkView, main: PictureView | None) -> float | None:
    """From the camera to the motors: what the robot measures while you drive, else an estimate."""
    state = heard(link)
    if state is not None and link.yours and state.picture_age_ms >= 0:
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
    return ""


def frame_of(link: LinkView, readiness: Chip) -> Look:
    """The frame of the video: blue you drive, amber holding, red latched, grey watching."""
    state = heard(link)
    if state is not None and state.mode in LATCHED_MODES:
        return Look.LATCHED
    if readiness.look is Look.HOLD:
        return Look.HOLD
    if link.yours and state is not None:
        return Look.YOURS
    return Look.QUIET


def picture_face(view: PictureView, number: int, latency: float | None, frame: Look) -> PictureFace:
    """Tag, frame and veil of one camera; `number` 0 is the main view."""
    tag, veil = _tag(view, latency)
    own = frame if number == 0 else Look.QUIET
    if number > 0 and veil is not None and not veil.black:
        own = Look.HOLD
    fps = f"{view.fps:.0f} fps" if veil is None and number == 0 else ""
    return PictureFace(words.camera(view.camera), tag, fps, own, veil)


def _tag(view: PictureView, latency: float | None) -> tuple[Chip, Veil | None]:
    if view.painted == 0:
        tag = Chip("broken", "NO PICTURE", "yet", Look.HOLD)
        return tag, Veil("NO PICTURE", "Nothing has come from this camera yet.", True)
    if view.age_ms is None:
        # Without the robot's clock nothing proves that the picture is live.
        return Chip("dashed", "PICTURE", "age not known", Look.LIMITED), None
    if view.age_ms > GONE_MS:
        old = words.short(view.age_ms / 1000)
        tag = Chip("broken", "NO PICTURE", f"for {old}", Look.HOLD)
        return tag, Veil(f"NO PICTURE for {old}", f"Last picture {view.last_painted_wall}.", True)
    if view.age_ms > STALE_MS:
        old = f"{view.age_ms / 1000:.1f} s"
        tag = Chip("clock", f"STALE {old}", f"last {view.last_painted_wall}", Look.HOLD)
        return tag, Veil(f"STALE {old}", f"Last picture {view.last_painted_wall}.", False)
    age = steady_age(view)
    if (latency if latency is not None else age) > LATE_MS:
        return Chip("triangle", "LATE", words.age(age), Look.LIMITED), None
    return Chip("live", "LIVE", words.age(age)), None


def banner_of(link: LinkView, readiness: Chip) -> Banner | None:
    """Why it does not move, over the picture, in HOLD and in latched states."""
    state = heard(link)
    if state is None:
        return Banner("broken", "No robot", f"{readiness.detail}.", Look.HOLD)
    if state.mode is Mode.ESTOP and link.yours:
        title = readiness.detail.partition(". ")[0]
        how = "F3 has the button that resets it; so has the menu Robot."
        return Banner(readiness.icon, title, how, Look.LATCHED)
    if state.mode is Mode.DISARMED and link.yours:
        return Banner("lock", "Motors are off", "F5 arms them; nothing moves by that.", Look.HOLD)
    if readiness.look is Look.LATCHED:
        first, _, rest = readiness.detail.partition(". ")
        return Banner(readiness.icon, first, f"{rest}." if rest else "", Look.LATCHED)
    if state.hold is None and readiness.word == "HOLD":
        first, _, rest = readiness.detail.partition(". ")
        return Banner("bars", first, f"{rest}; nothing moves before.", Look.HOLD)
    if state.hold is None or readiness.word != "HOLD":
        return None
    if state.hold.reason is Refusal.CALLING:
        return Banner("hand", f"{state.robot} asks for help", _calling(state), Look.HOLD)
    first, _, limit = readiness.detail.partition(", limit ")
    what = words.remedy(state.hold, link)
    detail = f"Limit {limit}. {what}" if limit else what
    return Banner("bars", first, detail, Look.HOLD)


def _calling(state: RobotState) -> str:
    reason = state.call.reason if state.call else "It holds"
    return f"{reason}. Enter accepts the call and you drive."


def hud_of(state: RobotState, latency: float | None) -> Hud:
    top = state.max_mps if state.max_mps > 0 else 1.0
    capped = bool(limited_by(state))
    if capped and state.cap_cause is CapCause.PICTURE:
        why = f"picture {words.age(max(0.0, state.picture_age_ms))} old"
    elif capped:
        why = f"latency {words.age(max(0.0, state.picture_age_ms))}"
    else:
        why = "robot's own limit"
    wished = state.asked.forward_mps
    differs = abs(wished - state.speed_mps) > 0.1 and abs(wished) > 0.02
    bearing = words.bearing(state.heading_rad)
    blind_cm = abs(state.speed_mps) * (latency or 0.0) / 10
    return Hud(
        speed=words.speed(state.speed_mps),
        asked=f"asked {words.speed(wished)}" if differs else "",
        speed_fraction=min(1.0, abs(state.speed_mps) / top),
        cap_fraction=min(1.0, state.cap_mps / top),
        cap=f"Cap {state.cap_mps:.2f}: {why}",
        cap_look=Look.LIMITED if capped else Look.QUIET,
        bearing=f"{round(bearing) % 360}°",
        compass=words.compass(bearing),
        bearing_deg=bearing,
        turn=words.turn(state.turn_radps),
        blind=f"{blind_cm:.0f} cm",
        blind_look=Look.LIMITED if blind_cm >= BLIND_CM else Look.QUIET,
    )
