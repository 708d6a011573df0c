"""A replay on hardware at the operator's console: from what is heard to what is asked. Pure.

`LiveReplay.looked` is handed hands, link and state at each turn of the link's thread. The player
(`teleop.hardware_replay`) decides what to play; here is decided when it may: while the deadman is
held, the window has the focus, the lease is ours and the robot drives as asked. Whatever else the
robot reports ends the replay; nothing is made up for later. When it is over, nothing is asked until
hands were off once; then they drive again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from teleop.axes import ALL, GRIP, LINEAR, kind_of
from teleop.hands import Hands
from teleop.hardware_replay import (
    APPROACH_SHARE,
    LEAVES_BEYOND,
    Plan,
    Player,
    Stage,
)
from teleop.hearing import Hearing
from teleop.operator_input import OperatorInput
from teleop.operator_view import ReplayView
from transport.messages import Hold, HoldReason, Mode, Outcome, RobotState

SILENT_MS: Final = 300.0  # as old as a command may be at most; the state comes 30 times a second
FULL_CAP: Final = 0.99  # a cap that slows no more than that leads nobody off a path
OPERATOR: Final = "The operator"  # who it was is said by the episode that the robot records

_OVER: Final = (Stage.JUDGE, Stage.ENDED)
_SPARE: Final = 1e-6  # a recorded rate that is the robot's limit, rounded

_HELD: Final[Mapping[HoldReason, str]] = {
    HoldReason.CALLING: "it called",
    HoldReason.NO_LEASE: "nobody had the lease",
    HoldReason.DEADMAN: "the deadman has to be pressed anew",
    HoldReason.NOT_NEUTRAL: "hands have to be off first",
    HoldReason.GAP: "no command came",
    HoldReason.STALE: "commands were too old",
    HoldReason.REFUSED: "commands were refused",
    HoldReason.NO_PICTURE: "there was no picture",
    HoldReason.PICTURE_STALE: "the picture was too old",
    HoldReason.POLICY_SILENT: "its policy was silent",
}
_LEFT: Final[Mapping[Mode, str]] = {
    Mode.ESTOP: "STOP was pressed",
    Mode.SAFE_STOP: "the robot made a safe stop",
    Mode.LINK_LOST: "the link was lost",
    Mode.FAULT: "the robot has a fault",
}


@dataclass(frozen=True)
class Seen:
    """What the console knows at one moment."""

    hands: OperatorInput
    focused: bool  # what the hands do is heeded
    frozen: bool  # the window's own thread stands still
    yours: bool  # the lease is this console's
    silent_ms: float  # since the robot was heard last
    state: RobotState | None

    @classmethod
    def now(cls, hands: Hands, heard: Hearing, frozen: bool, stamp_ns: int) -> Seen:
        """What the link knows at that moment."""
        silent_ms = heard.silent_ms(stamp_ns)
        return cls(hands.input, hands.heeded, frozen, heard.yours, silent_ms, heard.state)


@dataclass(frozen=True, eq=False)
class LiveReplay:
    """A replay under way; made by `LiveReplay(Player(plan))`."""

    player: Player
    rates: tuple[float, ...] = ()  # what the player asks for now, in the plan's order
    full: tuple[float, ...] = ()  # the robot's limit of each of these axes now
    missing: tuple[float, ...] = ()  # from what is measured to where it should be
    lowest_cap: float = 1.0  # of the robot's speed while it was played, as a share of its limit
    released: bool = False  # hands were off since it was over
    gone: bool = False  # hands drive again

    def looked(self, seen: Seen, now_ns: int) -> LiveReplay:
        """After one look at everything."""
        player = self.player
        if player.stage in _OVER:
            released = player.stage is Stage.ENDED and (self.released or not seen.hands.deadman)
            return replace(
                self,
                rates=(),
                released=released,
                gone=self.gone or (self.released and seen.hands.deadman),
            )
        state, plan = seen.state, player.plan
        if state is None:
            return self
        measured = measured_of(state, plan)
        if measured is None or kind_of(plan.action_names) is not state.kind:
            why = "the robot is of another kind than the one it was recorded with"
            return replace(self, player=player.end(why, now_ns), rates=())
        trouble = trouble_of(seen, state)
        full = full_of(state, plan)
        if player.stage is Stage.CHECK:
            if trouble or not seen.hands.deadman:
                return replace(self, missing=player.missing(measured), full=full)
            trouble = _too_fast(player, full)
        if trouble:
            return replace(self, player=player.end(trouble, now_ns), rates=())
        after, rates = player.step(measured, seen.hands.deadman, now_ns)
        lowest = self.lowest_cap
        if player.stage is Stage.PLAY:
            lowest = min(lowest, state.cap_mps / state.max_mps)
        if after.stage is Stage.ENDED and lowest < FULL_CAP:
            capped = f"{after.why}; the robot's speed was capped at {lowest:.0%} meanwhile"
            after = replace(after, why=capped)
        return replace(
            self,
            player=after,
            rates=rates,
            full=full,
            missing=after.missing(measured),
            lowest_cap=lowest,
        )

    def asked(self, hands: OperatorInput) -> OperatorInput:
        """What goes to the robot while the hands do that."""
        stage = self.player.stage
        if stage in _OVER:
            # As during the self-test: a held key or stick must not be taken for hands off.
            return hands if self.released else replace(hands, deadman=False)
        if not hands.deadman:
            return hands
        most = APPROACH_SHARE if stage is Stage.APPROACH else 1.0
        named = dict.fromkeys(ALL, 0.0)
        for name, rate, full in zip(
            self.player.plan.action_names, self.rates, self.full, strict=False
        ):
            named[name] = max(-most, min(most, rate / full))
        return replace(
            hands,
            forward=named["forward_mps"],
            turn=named["turn_radps"],
            left=named["left_mps"],
            up=named["up_mps"],
            grip=named[GRIP],
        )

    def judged(self, outcome: Outcome) -> LiveReplay:
        """After the operator said whether it solved the task; before its end that says nothing."""
        return replace(self, player=self.player.judge(outcome, OPERATOR))

    def closed(self, now_ns: int) -> LiveReplay:
        """The console goes away; what was played and not judged stays so."""
        player = self.player
        if player.stage is Stage.JUDGE:
            return replace(self, player=replace(player, stage=Stage.ENDED))
        return replace(self, player=player.end("the console was closed", now_ns))

    @property
    def begun(self) -> bool:
        """Whether the robot was taken over by it."""
        return self.player.stage is not Stage.CHECK

    def view(self, trouble: str = "") -> ReplayView | None:
        """For the screen; None once the hands drive again."""
        if self.gone:
            return None
        player, plan = self.player, self.player.plan
        off, limit, unit = 0.0, LEAVES_BEYOND["m"], "m"
        for missing, each in zip(self.missing, plan.units, strict=False):
            if abs(missing) / LEAVES_BEYOND[each] >= off / limit:
                off, limit, unit = abs(missing), LEAVES_BEYOND[each], each
        away = [m for m, each in zip(self.missing, plan.units, strict=False) if each == "m"]
        return ReplayView(
            name=plan.name,
            stage=player.stage,
            played=int(player.at),
            actions=len(plan),
            off=off,
            limit=limit,
            unit=unit,
            away_m=float(np.linalg.norm(away)) if away else 0.0,
            known=bool(self.missing),
            sentence=player.sentence,
            trouble=trouble,
        )


def trouble_of(seen: Seen, state: RobotState) -> str:
    """Why the robot does not do what a replay asks, as part of a sentence; empty when it does."""
    if state.mode in _LEFT:
        return _LEFT[state.mode]
    if seen.silent_ms > SILENT_MS:
        return f"the robot was not heard for {SILENT_MS:.0f} ms"
    if not seen.yours:
        return "the lease was lost"
    if seen.frozen:
        return "the console's window stood still"
    if not seen.focused:
        return "the window lost the focus"
    if not seen.hands.deadman:
        return "the deadman was let go"
    if state.hold is not None:
        return f"the robot held: {_held(state.hold)}"
    if state.mode is not Mode.TELEOP:
        return f"the robot was in the mode {state.mode}"
    return ""


def _held(hold: Hold) -> str:
    if hold.limit:
        return f"{_HELD[hold.reason]} ({hold.value:.0f} ms, limit {hold.limit:.0f} ms)"
    return _HELD[hold.reason]


def measured_of(state: RobotState, plan: Plan) -> tuple[float, ...] | None:
    """The plan's measurements as the robot reports them; None when it does not report one."""
    found: dict[str, float] = {
        "x_m": state.x_m,
        "y_m": state.y_m,
        "heading_rad": state.heading_rad,
        "yaw_rad": state.heading_rad,  # of a hand: around the vertical, too
    }
    if state.hand is not None:
        found |= {"z_m": state.hand.z_m, "grip": state.hand.grip}
    if any(name not in found for name in plan.tracked):
        return None
    return tuple(found[name] for name in plan.tracked)


def full_of(state: RobotState, plan: Plan) -> tuple[float, ...]:
    """What a command of 1 is on each axis: the limits of the gate, which a robot reports but for
    its gripper's; that one is taken from the recording."""
    full = {**dict.fromkeys(LINEAR, state.max_mps), "turn_radps": state.max_radps}
    full[GRIP] = plan.full_grip_ps
    return tuple(full[name] for name in plan.action_names)


def _too_fast(player: Player, full: tuple[float, ...]) -> str:
    fastest = np.abs(player.plan.actions).max(axis=0) * player.speed
    for name, rate, most in zip(player.plan.action_names, fastest, full, strict=True):
        if rate > most * (1 + _SPARE):
            return f"its {name} reaches {rate:.3g}, this robot's limit is {most:.3g}"
    return ""
