"""What the page of the fleet says: every robot as a row, abnormal ones first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from teleop.announcement import Stranger
from teleop.call_queue import robots_now_ns
from teleop.fleet_metrics import Figures
from teleop.glimpse import RobotGlimpse
from teleop.metrics_words import seconds
from teleop.operator_view import LinkView, Reach
from teleop.self_test import SelfTest
from transport.clock import NS_PER_S
from transport.handshake import Trouble
from transport.messages import Mode, RobotKind
from ui import words
from ui.facts import Facts
from ui.readiness import readiness_of
from ui.screen import Chip, Look
from ui.view_state import mode_of

LATCHED: Final = frozenset({Mode.ESTOP, Mode.SAFE_STOP, Mode.FAULT, Mode.LINK_LOST})
COLUMNS: Final = (
    "Robot",
    "Site",
    "Control",
    "Readiness",
    "Why",
    "Battery",
    "Calls / h",
    "First motion",
    "To free",
    "Success",
    "Verified",
)


@dataclass(frozen=True)
class FleetRow:
    """One robot."""

    paired: str
    robot: str
    site: str
    control: Chip
    readiness: Chip
    why: str
    since: str  # how long it has called; empty: it does not
    battery: str
    per_hour: str
    first_motion: str
    to_free: str
    success: str
    verified: str

    @property
    def cells(self) -> tuple[str, ...]:
        """By `COLUMNS`."""
        return (
            self.robot,
            self.site,
            self.control.word,
            self.readiness.word,
            f"{self.why}, {self.since}" if self.since else self.why,
            self.battery,
            self.per_hour,
            self.first_motion,
            self.to_free,
            self.success,
            self.verified,
        )


@dataclass(frozen=True)
class Count:
    """How many robots are in one state."""

    icon: str
    word: str
    look: Look
    number: int


def seen_as(robot: RobotGlimpse, session: str) -> LinkView:
    """A glimpse in the form in which one robot is shown; `session` may hold its lease."""
    state = robot.state
    reach = Reach.CONNECTED if robot.answers else Reach.LOST if state else Reach.SEARCHING
    return LinkView(
        address=robot.address,
        name=robot.you,
        role=None,
        session=session,
        reach=reach,
        silent_ms=robot.silent_ms,
        trouble=robot.trouble,
        state=state,
        media=robot.media,
        media_silent_ms=robot.media_silent_ms,
        round_trip_ms=None,
        round_trip_p95_ms=None,
        clock_offset_ns=None,
        yours=bool(session) and state is not None and state.lease.session == session,
        command_hz=0.0,
        command_ms=(),
        stop=None,
        refused=None,
        self_test=SelfTest(),
        unattended_s=None,
        let_go_ns=None,
        input_device="",
        deadman=False,
    )


def fleet_rows(
    robots: Sequence[RobotGlimpse],
    figures: Mapping[str, Figures],
    session: str,
    wall: datetime,
    sought: str = "",
    strangers: Sequence[Stranger] = (),
) -> tuple[FleetRow, ...]:
    """Every robot whose name or site has `sought` in it; `strangers` of this network come last.

    `figures` are by the robot's own name.
    """
    wanted = sought.casefold().strip()
    found = []
    for robot in robots:
        site = robot.state.site if robot.state is not None else ""
        if wanted in f"{robot.name} {site}".casefold():
            rank = (_rank(robot, session), robot.name)
            found.append((rank, _row(robot, figures.get(robot.name), session, wall)))
    rows = [row for _, row in sorted(found, key=lambda one: one[0])]
    rows += [_unknown(one) for one in strangers if wanted in f"{one.name} {one.site}".casefold()]
    return tuple(rows)


def _unknown(one: Stranger) -> FleetRow:
    """A robot that announces itself here and was not paired with."""
    return FleetRow(
        paired="",
        robot=one.name,
        site=one.site or one.address,
        control=Chip("lock", "NOT PAIRED", look=Look.DIM),
        readiness=Chip("dashed", "–", look=Look.DIM),
        why=one.sentence,
        since="",
        battery="–",
        **_told(None),
    )


def _rank(robot: RobotGlimpse, session: str) -> tuple[int, float]:
    """What is abnormal first; of calls the older."""
    state = robot.state
    if not robot.answers or state is None:
        return (2, 0.0)
    if state.mode in LATCHED:
        return (0, 0.0)
    if state.call is not None:
        return (1, -(robots_now_ns(robot, state) - state.call.stamp_ns))
    if state.lease.operator:
        return (3 if state.lease.session == session else 4, 0.0)
    return (5 if state.mode is not Mode.AUTONOMY else 6, 0.0)


def control_of(robot: RobotGlimpse, session: str) -> Chip:
    """Who has it, in one word."""
    if not robot.answers:
        if robot.trouble is Trouble.WRONG_ROBOT_KEY:
            return Chip("broken", "WRONG KEY", look=Look.FAILED)
        if robot.trouble is Trouble.NOT_PAIRED:
            return Chip("lock", "NOT PAIRED", look=Look.LIMITED)
        return Chip("broken", "NO LINK", look=Look.LIMITED)
    return mode_of(seen_as(robot, session))


def _row(robot: RobotGlimpse, figures: Figures | None, session: str, wall: datetime) -> FleetRow:
    state = robot.state
    now_ns = round(robots_now_ns(robot, state)) if state is not None else 0
    ready = readiness_of(seen_as(robot, session), Facts(), now_ns, wall)
    since = ""
    if state is not None and state.call is not None:
        since = words.minutes((now_ns - state.call.stamp_ns) / NS_PER_S)
    battery = "–"
    if state is not None:
        battery = "mains" if state.kind is RobotKind.ARM else f"{state.battery_pct:.0f} %"
    return FleetRow(
        paired=robot.paired,
        robot=robot.name,
        site=state.site if state is not None else robot.address,
        control=control_of(robot, session),
        readiness=ready,
        why=state.call.reason if state is not None and state.call is not None else ready.detail,
        since=since,
        battery=battery,
        **_told(figures),
    )


def _told(figures: Figures | None) -> dict[str, str]:
    if figures is None:
        names = ("per_hour", "first_motion", "to_free", "success", "verified")
        return dict.fromkeys(names, "–")
    rate = figures.interventions.rate
    success, verified = figures.success, figures.verified
    return {
        "per_hour": f"{rate:.1f}" if rate is not None else "–",
        "first_motion": seconds(figures.first_motion.median_s),
        "to_free": seconds(figures.free.median_s),
        "success": f"{success.passed} of {success.judged}" if success.judged else "–",
        "verified": f"{verified.passed} of {verified.judged}" if verified.judged else "–",
    }


def counts_of(robots: Sequence[RobotGlimpse], session: str) -> tuple[Count, ...]:
    """How many are in which state, for the line over the table."""
    chips = [control_of(robot, session) for robot in robots]
    groups: dict[str, list[Chip]] = {}
    for chip in chips:
        word = "DRIVEN" if chip.word.endswith("DRIVES") or chip.word == "YOU DRIVE" else chip.word
        groups.setdefault(word, []).append(chip)
    return tuple(
        Count(of[0].icon, word.lower(), of[0].look, len(of))
        for word, of in sorted(groups.items(), key=lambda one: -len(one[1]))
    )


def thumbs_of(rows: Sequence[FleetRow], most: int) -> tuple[FleetRow, ...]:
    """Those whose picture is shown: the first of the table."""
    return tuple([row for row in rows if row.paired][:most])
