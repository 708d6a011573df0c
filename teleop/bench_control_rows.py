"""The table of the control bench: each figure's name, target and peer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from teleop import bench_figures as figures
from teleop.bench import Row, percentile, row
from teleop.bench_figures import Aftermath
from teleop.bench_keys import Stretch
from teleop.bench_trials import BLACKOUT_S, STEP_BACK_S, Cuts, Stops
from teleop.bench_wire import Wire
from teleop.safety import Limits

PERCENTS: Final = (50, 95, 99)
Targets = dict[int, float]  # percentile: at most, ms
WIRE: Final[Targets] = {50: 0.5, 99: 3.0}
KEYS: Final[Targets] = {50: 12.0, 99: 25.0}
JITTER: Final[Targets] = {99: 3.0}
STOP: Final[Targets] = {99: 40.0}
OBSERVERS_COST_MS: Final = 10.0


@dataclass(frozen=True)
class Crowd:
    """A stretch with observers."""

    stretch: Stretch
    states_hz: float | None  # heard by the one who heard fewest


def wire_rows(ours: Wire, peer: Wire) -> list[Row]:
    """Command, sent to decoded at the other end."""
    return [
        *_spread("command wire, send to gate", ours.took_ms, WIRE, peer.took_ms),
        row("commands overtaken on the wire", float(ours.lost), "commands", peer=float(peer.lost)),
    ]


def key_rows(ours: Sequence[float], peer: Sequence[float]) -> list[Row]:
    """Key event to motors."""
    return _spread("key event to motors", ours, KEYS, peer)


def _spread(
    name: str, ours: Sequence[float], targets: Targets, peer: Sequence[float] = ()
) -> list[Row]:
    return [
        row(
            f"{name}, p{percent}",
            percentile(ours, percent),
            "ms",
            at_most=targets.get(percent),
            peer=percentile(peer, percent),
        )
        for percent in PERCENTS
    ]


def tick_rows(stretch: Stretch) -> list[Row]:
    """How even the control ticks were."""
    missed = float(figures.missed_ticks(stretch.beats))
    return [
        *_spread("control tick, jitter", figures.jitter_ms(stretch.beats), JITTER),
        row(f"control ticks missed in {stretch.seconds:.0f} s", missed, "ticks", at_most=0.0),
    ]


def stop_rows(stops: Stops) -> list[Row]:
    """STOP, tried again and again."""
    made = f"{len(stops.to_zero_ms) + stops.failed} of {stops.planned} trials"
    return [
        *_spread(f"STOP key to zero set-point, {made}", stops.to_zero_ms, STOP),
        row("STOP that did not stop the robot", float(stops.failed), "trials", at_most=0.0),
        *_spread("STOP key to answer", stops.to_answer_ms, {}),
    ]


def cut_rows(
    cuts: Cuts, limits: Limits, peer_ms: float | None, peer_stepped_ms: float | None
) -> list[Row]:
    """A cut link; the peer's figures: its watchdog, and that with its wall clock set back."""
    made = f"{len(cuts.losses) + cuts.failed} of {cuts.planned} trials"
    over_ms = [loss.over_ms(limits) for loss in cuts.losses]
    late = sum(over > figures.TICK_MS for over in over_ms) + cuts.failed
    from_last = [loss.from_last_ms for loss in cuts.losses]
    allowed = f"{limits.hold_ms:g} ms and the ramp"
    return [
        *_spread(f"link cut to zero set-point, {made}", _from_cut(cuts), {}),
        row("last command to zero set-point, p50", percentile(from_last, 50), "ms", peer=peer_ms),
        row(
            f"last command to zero beyond {allowed}, worst",
            max(over_ms, default=None),
            "ms",
            at_most=round(figures.TICK_MS, 2),
        ),
        row(f"link cuts beyond {allowed} and a tick", float(late), "trials", at_most=0.0),
        row(
            f"last command to zero, wall clock set back {STEP_BACK_S:g} s",
            percentile(from_last, 50),
            "ms",
            peer=peer_stepped_ms,
        ),
    ]


def _from_cut(cuts: Cuts) -> list[float]:
    return [loss.from_cut_ms for loss in cuts.losses]


def blackout_rows(ours: Aftermath | None, peer: Aftermath | None) -> list[Row]:
    """What was obeyed once the wire was whole again; None: it could not be tried."""
    after = f"after a blackout of {BLACKOUT_S:g} s"
    return [
        row(
            f"stale commands obeyed {after}",
            float(ours.stale) if ours else None,
            "commands",
            at_most=0.0,
            peer=float(peer.stale) if peer else None,
        ),
        row(
            f"oldest command obeyed {after}",
            ours.oldest_ms if ours else None,
            "ms",
            peer=peer.oldest_ms if peer else None,
        ),
        row(
            f"first fresh command {after}",
            ours.first_fresh_ms if ours else None,
            "ms",
            peer=peer.first_fresh_ms if peer else None,
        ),
    ]


def observer_rows(crowds: Mapping[int, Crowd]) -> list[Row]:
    """What others who watch cost the one who drives; `crowds` by the number of observers."""
    alone, *watched = sorted(crowds)
    rows: list[Row] = []
    for name, figure in (("loop age", _loop_p99), ("key event to motors", _keys_p99)):
        base = figure(crowds[alone].stretch)
        rows.append(row(f"driver's {name}, {observers(alone)}, p99", base, "ms"))
        for count in watched:
            now = figure(crowds[count].stretch)
            grown = None if base is None or now is None else now - base
            what = f"{name}, growth with {observers(count)}, p99"
            rows.append(row(what, grown, "ms", at_most=OBSERVERS_COST_MS))
    most = max(crowds)
    missed = float(figures.missed_ticks(crowds[most].stretch.beats))
    rows.append(row(f"control ticks missed with {observers(most)}", missed, "ticks", at_most=0.0))
    rows.append(row(f"states heard by the last of {most}", crowds[most].states_hz, "1/s"))
    return rows


def observers(count: int) -> str:
    """How many, in words."""
    return {0: "no observers", 1: "1 observer"}.get(count, f"{count} observers")


def _loop_p99(stretch: Stretch) -> float | None:
    return percentile(figures.loop_ages_ms(stretch.beats), 99)


def _keys_p99(stretch: Stretch) -> float | None:
    return percentile(stretch.keys_ms, 99)


def load_rows(stretch: Stretch) -> list[Row]:
    """How full the load was."""
    everything, ours = stretch.cores
    rows = [
        row("load: cores kept busy by everything", everything, "cores"),
        row("load: cores kept busy by bench and robot", ours, "cores"),
    ]
    for camera, rate_hz in stretch.pictures_hz.items():
        rows.append(row(f"load: pictures received, {camera}", rate_hz, "1/s"))
    return rows
