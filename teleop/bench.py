"""`unstick bench NAME`: rows of measured figures, beside a peer in the same run where there is one.

One format for every bench: a table for people, `--json` for programs. A bench reports; it never
fails because a target was missed, it says so.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from teleop.safety import ConfigError
from transport.messages import Wire

WIDTH = 120  # characters, where there is no terminal


class Row(Wire, frozen=True):
    """One figure."""

    name: str
    value: float | None  # None: could not be measured; the name says why
    unit: str
    target: float | None = None
    more_is_better: bool = False  # the target is a least, not a most
    met: bool | None = None
    peer: float | None = None  # the peer's figure in the same run
    ratio: float | None = None  # above 1 we are better, by that factor


class Report(Wire, frozen=True):
    """One run of one bench."""

    bench: str
    machine: dict[str, str]
    rows: tuple[Row, ...]


def row(
    name: str,
    value: float | None,
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    peer: float | None = None,
) -> Row:
    """A row whose figure is better when lower; one with `at_least` when higher."""
    more_is_better = at_least is not None
    target = at_least if more_is_better else at_most
    met = None
    if target is not None and value is not None:
        met = value >= target if more_is_better else value <= target
    better, worse = (value, peer) if more_is_better else (peer, value)
    return Row(
        name=name,
        value=None if value is None else round(value, 2),
        unit=unit,
        target=target,
        more_is_better=more_is_better,
        met=met,
        peer=None if peer is None else round(peer, 2),
        ratio=round(better / worse, 2) if better is not None and worse else None,
    )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest value with at least `percent` of all at or below it; None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(0, -(-len(ordered) * percent // 100) - 1)
    return ordered[int(rank)]


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(_usable_cores()),
        "python": platform.python_version(),
    }


def _usable_cores() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux; a bench may have narrowed it
    return len(affinity(0)) if affinity else os.cpu_count()


def run_bench(
    name: str,
    *,
    seconds: float,
    trials: int,
    soak_min: float,
    demonstrations: int,
    json: bool,
) -> int:
    """Run one bench and print it."""
    terminal = Console(stderr=True, highlight=False)

    def say(what: str) -> None:
        terminal.print(f"  {what}")

    benches: dict[str, Callable[[], list[Row]]] = {
        "video": lambda: _video(seconds, soak_min, say),
        "control": lambda: _control(seconds, trials, say),
        "record": lambda: _record(seconds, say),
        "replay": lambda: _replay(demonstrations, seconds, say),
        "engines": lambda: _engines(say),
        "console": lambda: _console(seconds, say),
    }
    if name not in benches:
        raise ConfigError(f"there is no bench {name!r}; there are: {', '.join(benches)}")
    terminal.print(f"Measuring {name}; let the machine rest meanwhile.")
    rows = tuple(benches[name]())
    report = Report(bench=name, machine=machine(), rows=rows)
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        show(report)
    return 0


def _console(seconds: float, say: Callable[[str], None]) -> list[Row]:
    """In a program of its own: this package never imports Qt."""
    from teleop.demo import has_display

    say("a robot of this machine, and the window in front of it")
    offscreen = {} if has_display() else {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-m", "ui.bench_console", "rows", f"{seconds}"],
        env=os.environ | offscreen,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise ConfigError("the window could not be measured; unstick doctor says what it lacks")
    return msgspec.json.decode(done.stdout, type=list[Row])


def show(report: Report) -> None:
    """Print a report for people."""
    table = Table(box=None, pad_edge=False)
    table.add_column(report.bench)
    for heading in ("measured", "target", "met", "peer", "better by"):
        table.add_column(heading, justify="right")
    for each in report.rows:
        table.add_row(
            each.name,
            f"{_number(each.value)} {each.unit}",
            _target(each),
            "" if each.met is None else ("yes" if each.met else "NO"),
            _number(each.peer) if each.peer is not None else "",
            f"{each.ratio:.1f} x" if each.ratio is not None else "",
        )
    # A file or a pipe has no width of its own; a row should be a line there, too.
    terminal = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    terminal.print(table)
    terminal.print(", ".join(report.machine.values()))


def _target(each: Row) -> str:
    if each.target is None:
        return ""
    return f"{'≥' if each.more_is_better else '≤'} {_number(each.target)}"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g}"


def _video(seconds: float, soak_min: float, say: Callable[[str], None]) -> list[Row]:
    from teleop.bench_video import measure

    return measure(seconds, soak_min, say)


def _control(seconds: float, trials: int, say: Callable[[str], None]) -> list[Row]:
    from teleop.bench_control import measure

    return measure(seconds, trials, say)


def _replay(demonstrations: int, seconds: float, say: Callable[[str], None]) -> list[Row]:
    from teleop.bench_replay import measure

    return measure(demonstrations, seconds, say)


def _engines(say: Callable[[str], None]) -> list[Row]:
    from teleop.bench_engines import measure

    return measure(say)


def _record(seconds: float, say: Callable[[str], None]) -> list[Row]:
    from teleop.bench_record import measure

    return measure(seconds, say)
