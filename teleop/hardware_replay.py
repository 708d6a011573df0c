"""Plays a demonstration on a robot that cannot be put back: a real one, or one taken for real.

Pure: `Player.step` is handed what the robot measures, whether the deadman is held, and the time; it
returns what to ask of the robot. First the measured pose is compared with the recorded start and,
if it is elsewhere, the robot is brought there at a tenth of its speed. Then the recorded actions
are played, slower if wanted, and compared with what was recorded: whatever leaves the recorded path
by too much ends it. Letting go of the deadman ends it at any time. Whether the task was solved is
for the operator to say; the result claims what was measured and what the operator said, no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np

from recorder.demonstration import Demonstration, NothingToReplay
from recorder.replayable import Numbers
from teleop.axes import ALL, LINEAR
from teleop.safety import ConfigError, Limits
from transport.clock import NS_PER_S
from transport.messages import Outcome

APPROACH_SHARE: Final = 0.1  # of the robot's own speed, on the way to the start
START_WITHIN: Final = {"m": 0.01, "rad": math.radians(3), "1": 0.1}  # what counts as being there
LEAVES_BEYOND: Final = {"m": 0.05, "rad": math.radians(10), "1": 0.5}  # tracking error that ends it
APPROACH_LIMIT_S: Final = 60.0  # an approach that has not arrived by then does not get there
SETTLED_S: Final = 0.5  # standing at the start, before it is played

_ROUNDING: Final = 1e-3  # of an action: a tick's nanoseconds are whole numbers

# Which measurement tells where an axis has taken the robot, and its unit.
_TRACKED: Final = (
    ("x_m", "m"),
    ("y_m", "m"),
    ("z_m", "m"),
    ("heading_rad", "rad"),
    ("yaw_rad", "rad"),
    ("grip", "1"),
)


class Stage(StrEnum):
    """Where a replay on hardware is."""

    CHECK = "check"  # waits for the deadman, standing
    APPROACH = "approach"
    SETTLE = "settle"
    PLAY = "play"
    JUDGE = "judge"  # played to the end: the operator says how it went
    ENDED = "ended"


@dataclass(frozen=True, eq=False)
class Plan:
    """What is played, and what it has to look like."""

    name: str
    action_names: tuple[str, ...]
    actions: Numbers  # (n, k), rates
    most: Numbers  # (k,): the robot's own limit of each axis
    tracked: tuple[str, ...]  # measurements that say where it is
    units: tuple[str, ...]  # of each of them
    path: Numbers  # (n + 1, p): those measurements as they were recorded
    step_s: float
    full_grip_ps: float = 1.0  # what a command of 1 closes the gripper by, of its stroke per second

    def __len__(self) -> int:
        return len(self.actions)


def plan_of(demonstration: Demonstration) -> Plan:
    """What to play of a demonstration.

    Raises:
        NothingToReplay: it does not say where the robot was, or its actions are no rates.
    """
    unknown = [name for name in demonstration.action_names if name not in ALL]
    if unknown:
        raise NothingToReplay(f"Its action {unknown[0]!r} is nothing that can be driven live.")
    names = demonstration.description.observation_names
    seen = demonstration.observations
    columns = [(names.index(name), name, unit) for name, unit in _TRACKED if name in names]
    if seen is None or not columns:
        raise NothingToReplay("It does not say where the robot was: nothing could be compared.")
    # What the gate enforced while it was recorded is never above what the robot can do.
    limits = demonstration.description.controller | demonstration.description.limits
    most = [_limit(name, limits) for name in demonstration.action_names]
    return Plan(
        name=demonstration.name,
        action_names=demonstration.action_names,
        actions=demonstration.actions[: demonstration.end],
        most=np.array(most),
        tracked=tuple(name for _, name, _ in columns),
        units=tuple(unit for _, _, unit in columns),
        path=seen[: demonstration.end + 1, [number for number, _, _ in columns]],
        step_s=demonstration.step_s,
        full_grip_ps=limits.get("max_grip_ps", Limits().max_grip_ps),
    )


def _limit(axis: str, limits: dict[str, float]) -> float:
    """`grip_ps` has a limit of its own, `max_grip_ps`; all speeds share `max_mps`."""
    kind = axis.rpartition("_")[2]
    limit = limits.get(f"max_{axis}", limits.get(f"max_{kind}"))
    if limit is None:
        raise NothingToReplay(f"Its action {axis!r} is no rate with a limit: it cannot be slowed.")
    return limit


@dataclass(frozen=True, eq=False)
class Player:
    """A replay under way; made by `Player(plan)`."""

    plan: Plan
    speed: float = 1.0  # share of the recorded speed
    stage: Stage = Stage.CHECK
    at: float = 0.0  # actions played, with a fraction when slower
    since_ns: int = 0  # when the stage began
    approached: bool = False
    worst: tuple[float, ...] = ()  # largest tracking error of each measurement
    why: str = ""  # it ended before its end
    judged: Outcome = Outcome.UNLABELLED
    judged_by: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.speed) and 0.05 <= self.speed <= 1.0):
            raise ConfigError(f"speed = {self.speed} is outside 0.05 to 1 of the recorded one")

    def step(
        self, measured: Sequence[float], deadman: bool, now_ns: int
    ) -> tuple[Player, tuple[float, ...]]:
        """The player after a look at the robot, and the rates to ask of it now.

        `measured` are the plan's tracked measurements.
        """
        seen = np.array(measured, np.float64)
        player, still = self, (0.0,) * len(self.plan.action_names)
        if self.stage in (Stage.ENDED, Stage.JUDGE):
            return player, still
        if not np.isfinite(seen).all():
            return player._end("a measurement is no number", now_ns), still
        if not deadman:
            if self.stage is Stage.CHECK:
                return player, still
            return player._end("the deadman was let go", now_ns), still
        match self.stage:
            case Stage.CHECK:
                near = self._off(seen, self.plan.path[0], START_WITHIN).max() <= 1.0
                return player._now(Stage.SETTLE if near else Stage.APPROACH, now_ns), still
            case Stage.APPROACH:
                return player._approach(seen, now_ns)
            case Stage.SETTLE:
                if now_ns - self.since_ns < SETTLED_S * NS_PER_S:
                    return player, still
                if self._off(seen, self.plan.path[0], START_WITHIN).max() > 1.0:
                    return player._now(Stage.APPROACH, now_ns), still
                return player._now(Stage.PLAY, now_ns)._play(seen, now_ns)
            case _:
                return player._play(seen, now_ns)

    def end(self, why: str, now_ns: int) -> Player:
        """Ended before its end, because of something that no measurement tells."""
        over = self.stage in (Stage.ENDED, Stage.JUDGE)
        return self if over else self._end(why, now_ns)

    def missing(self, measured: Sequence[float]) -> tuple[float, ...]:
        """From what is measured to where it has to be now: the start, later the recorded path."""
        moving = self.stage not in (Stage.CHECK, Stage.APPROACH, Stage.SETTLE)
        wanted = self.plan.path[round(self.at) if moving else 0]
        return tuple(map(float, self._missing(np.array(measured, np.float64), wanted)))

    def judge(self, outcome: Outcome, by: str) -> Player:
        """What the operator says of it, once it was played to its end."""
        if self.stage is not Stage.JUDGE:
            return self
        return replace(self, stage=Stage.ENDED, judged=outcome, judged_by=by)

    @property
    def sentence(self) -> str:
        """What this replay showed, and no more."""
        played, n = math.floor(self.at), len(self.plan)
        speed = f" at {self.speed:.0%} speed" if self.speed < 1.0 else ""
        if not played:
            return f"Nothing was played: {self.why or 'it has not begun'}."
        tracked = " and ".join(_told(self.worst, self.plan.units))
        text = f"Played {played} of {n} actions{speed}, tracked within {tracked}."
        if self.why:
            return f"{text} It ended early: {self.why}."
        if self.judged is Outcome.UNLABELLED:
            return f"{text} Nobody has judged the outcome."
        return f"{text} {self.judged_by} judged it a {self.judged}."

    def _now(self, stage: Stage, now_ns: int) -> Player:
        return replace(self, stage=stage, since_ns=now_ns)

    def _end(self, why: str, now_ns: int) -> Player:
        return replace(self._now(Stage.ENDED, now_ns), why=why)

    def _off(self, seen: Numbers, wanted: Numbers, limits: dict[str, float]) -> Numbers:
        """(p,): how far off each measurement is, as a share of what is allowed."""
        return np.abs(self._missing(seen, wanted)) / [limits[unit] for unit in self.plan.units]

    def _missing(self, seen: Numbers, wanted: Numbers) -> Numbers:
        """(p,): from `seen` to `wanted`; angles the shorter way round."""
        missing = wanted - seen
        turns = np.array([unit == "rad" for unit in self.plan.units])
        missing[turns] = np.remainder(missing[turns] + math.pi, math.tau) - math.pi
        return missing

    def _approach(self, seen: Numbers, now_ns: int) -> tuple[Player, tuple[float, ...]]:
        plan, still = self.plan, (0.0,) * len(self.plan.action_names)
        if self._off(seen, plan.path[0], START_WITHIN).max() <= 0.5:  # well inside, or it trembles
            return replace(self._now(Stage.SETTLE, now_ns), approached=True), still
        if now_ns - self.since_ns > APPROACH_LIMIT_S * NS_PER_S:
            why = f"the start was not reached within {APPROACH_LIMIT_S:.0f} s"
            return self._end(why, now_ns), still
        named = dict(zip(plan.tracked, self._missing(seen, plan.path[0]), strict=True))
        here = dict(zip(plan.tracked, seen, strict=True))
        wanted = _towards(named, here, plan.action_names)
        asked = np.array([wanted.get(name, 0.0) for name in plan.action_names])
        return self, tuple(map(float, _slowed(asked, plan)))

    def _play(self, seen: Numbers, now_ns: int) -> tuple[Player, tuple[float, ...]]:
        plan, still = self.plan, (0.0,) * len(self.plan.action_names)
        at = self.speed * (now_ns - self.since_ns) / NS_PER_S / plan.step_s
        at = min(at + _ROUNDING, float(len(plan)))
        there = plan.path[round(at)]
        off, error = self._off(seen, there, LEAVES_BEYOND), np.abs(self._missing(seen, there))
        worst = np.maximum(self.worst or np.zeros(len(error)), error)
        player = replace(self, at=at, worst=tuple(map(float, worst)))
        if off.max() > 1.0:
            name = plan.tracked[int(off.argmax())]
            limit = LEAVES_BEYOND[plan.units[int(off.argmax())]]
            why = f"{name} is {error[off.argmax()]:.3g} from the recording, limit {limit:.3g}"
            return player._end(why, now_ns), still
        if at >= len(plan):
            return player._now(Stage.JUDGE, now_ns), still
        return player, tuple(float(v) for v in self.speed * plan.actions[math.floor(at)])


def _slowed(asked: Numbers, plan: Plan) -> Numbers:
    """(k,): `asked`, slow enough for the approach; forward, left and up are one velocity."""
    slow = plan.most * APPROACH_SHARE
    asked = np.clip(asked, -slow, slow)
    linear = np.array([name in LINEAR for name in plan.action_names])
    speed = float(np.linalg.norm(asked[linear]))
    if linear.any() and speed > (most := float(slow[linear].min())):
        asked[linear] *= most / speed
    return asked


def _towards(
    missing: dict[str, float], here: dict[str, float], axes: tuple[str, ...]
) -> dict[str, float]:
    """Rates that lead to where something is missing; limited by whoever asks."""
    gain = 2.0  # 1/s: arrives without passing by, at rates far below the limits
    grip = {"grip_ps": gain * missing.get("grip", 0.0)}
    if "left_mps" in axes:  # a hand: its axes are those of the world
        return {
            "forward_mps": gain * missing["x_m"],
            "left_mps": gain * missing["y_m"],
            "up_mps": gain * missing.get("z_m", 0.0),
            "turn_radps": gain * missing.get("yaw_rad", 0.0),
            **grip,
        }
    distance = math.hypot(missing["x_m"], missing["y_m"])
    turn = missing.get("heading_rad", 0.0)
    if distance <= START_WITHIN["m"] / 2:
        return {"turn_radps": gain * turn}
    # A base: look along the way, forwards or backwards, whichever is less of a turn, then drive it.
    bearing = math.atan2(missing["y_m"], missing["x_m"]) - here.get("heading_rad", 0.0)
    ahead = math.remainder(bearing, math.tau)
    behind = math.remainder(bearing + math.pi, math.tau)
    aim, sign = (ahead, 1.0) if abs(ahead) <= abs(behind) else (behind, -1.0)
    drive = sign * gain * distance if abs(aim) < math.radians(6) else 0.0
    return {"forward_mps": drive, "turn_radps": gain * aim}


def _told(worst: Sequence[float], units: Sequence[str]) -> list[str]:
    """The largest errors in words, one for each unit."""
    most = {unit: max(w for w, u in zip(worst, units, strict=True) if u == unit) for unit in units}
    words = []
    if "m" in most:
        words.append(f"{most['m'] * 1e3:.0f} mm")
    if "rad" in most:
        words.append(f"{math.degrees(most['rad']):.1f}°")
    if "1" in most:
        words.append(f"{most['1']:.0%} of the gripper's stroke")
    return words


@dataclass(frozen=True)
class Played:
    """For the record: one replay on hardware."""

    demonstration: str
    speed: float
    sentence: str
    played: int
    actions: int
    approached: bool
    worst: dict[str, float] = field(default_factory=dict)  # by measurement
    judged: Outcome = Outcome.UNLABELLED


def played(player: Player) -> Played:
    """What is kept of a replay that has ended."""
    return Played(
        demonstration=player.plan.name,
        speed=player.speed,
        sentence=player.sentence,
        played=math.floor(player.at),
        actions=len(player.plan),
        approached=player.approached,
        worst=dict(zip(player.plan.tracked, player.worst, strict=False)),
        judged=player.judged,
    )
