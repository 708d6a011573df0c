"""One run of a farm as a person or a program sees it: table or lines of JSON, then the balance."""

from __future__ import annotations

import json as json_format
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from teleop.child import leave_on_signal
from teleop.farm import LAST_CALL_S, LOOK_S, PERSON, Farm, keys_of, set_log_level
from teleop.farm_ledger import Balance
from teleop.farm_plan import load_notice, planned, ports_from
from teleop.farm_story import HEADINGS, Happened
from transport.clock import NS_PER_S, now_ns
from transport.control_link import free_base_port

INTERRUPTED: Final = 130


def run_farm(
    *,
    robots: int,
    operators: int,
    port: int,
    seed: int,
    out: Path,
    scenarios: Sequence[str],
    timeout_s: float,
    minutes: float | None,
    pictures: str,
    json: bool,
) -> int:
    """Run it until Ctrl-C or for `minutes`; the exit code.

    Raises:
        ConfigError: an option cannot be followed, or a robot does not start.
    """
    ports = ports_from(port, robots) if port else [free_base_port() for _ in range(robots)]
    posts = planned(ports, seed, scenarios)
    names = [f"op-{number + 1}" for number in range(operators)]
    terminal = Console(stderr=json, highlight=False)
    terminal.print(load_notice(robots, operators, os.cpu_count() or 1))
    leaving = leave_on_signal()
    set_log_level()

    def tell(event: Happened) -> None:
        if json:
            sys.stdout.write(json_format.dumps(event) + "\n")
            sys.stdout.flush()
        elif event["event"] == "ready":
            terminal.print("All robots work. A console for them:", " ".join(event["console"]))
        elif event["event"] == "ended":
            terminal.print(f"{event['robot']} has ended: {event['why']}", markup=False)

    farm = Farm(posts, names, out, again_s=timeout_s, pictures=pictures, tell=tell)
    with farm:
        if json:
            done = _watched(farm, leaving, minutes, tell)
        else:
            with Live(console=terminal, refresh_per_second=2, get_renderable=lambda: _table(farm)):
                done = _watched(farm, leaving, minutes, tell)
        terminal.print("Ending; open episodes are closed first …")
    if not done:
        return INTERRUPTED
    result, _ = farm.settle()
    facts = {**asdict(result), "robots": robots, "operators": operators, "costs": _costs(farm)}
    (out / "summary.json").write_text(json_format.dumps(facts, indent=2) + "\n")
    tell({"event": "summary", **facts})
    if not json:
        _show(terminal, result, out)
    return 1 if result.faults else 0


def _watched(
    farm: Farm,
    leaving: threading.Event,
    minutes: float | None,
    tell: Callable[[Happened], None],
) -> bool:
    """Start everybody and look until the end; False when it was ended before all were there."""
    if not farm.start_robots(leaving):
        return False
    tell(_ready(farm))
    seconds = None if minutes is None else minutes * 60
    farm.start_operators(seconds)
    began_ns = now_ns()

    def passed_s() -> float:
        return (now_ns() - began_ns) / NS_PER_S

    while not leaving.wait(LOOK_S):
        farm.look()
        if seconds is None or passed_s() < seconds:
            continue
        # Nobody accepts a call any more, and who has one sees it through.
        if not farm.operators_work() or passed_s() > seconds + LAST_CALL_S:
            break
    farm.look()
    return True


def _ready(farm: Farm) -> Happened:
    return {
        "event": "ready",
        "console": ["unstick", "console", "--config", str(keys_of(farm.out, PERSON))],
        "robots": [asdict(post) | {"address": post.address} for post in farm.posts],
    }


def _costs(farm: Farm) -> dict[str, dict[str, float | None]]:
    """Of each robot with all its processes; none where the system does not say."""
    return {
        name: {"cores": robot.cores and round(robot.cores, 3), "megabytes": robot.megabytes}
        for name, robot in farm.robots.items()
    }


def _table(farm: Farm) -> Table:
    table = Table(*HEADINGS, box=None, pad_edge=False)
    for robot in farm.robots.values():
        table.add_row(*robot.row(now_ns()))
    return table


def _show(terminal: Console, result: Balance, out: Path) -> None:
    """The balance for a person."""
    table = Table(show_header=False, box=None, pad_edge=False)
    by = ", ".join(f"{name} {count}" for name, count in result.accepted.items()) or "nobody"
    for row in (
        ("Calls", f"{result.calls}, {result.recorded} of them recorded"),
        ("Accepted", by),
        ("Freed", f"{result.freed}; {result.not_freed} not, {result.unlabelled} without a word"),
        ("Nobody came", f"{result.timed_out}"),
        ("Called again", f"{result.again}; {result.stopped} stopped, {result.open} open"),
        ("Record", f"{out / 'summary.json'}; episodes in the robots' folders"),
    ):
        table.add_row(*row)
    terminal.print(table)
    for fault in result.faults:
        terminal.print(f"[bold]Fault:[/] {fault}")
    if not result.faults:
        terminal.print("No call was lost, served twice or labelled otherwise than it ended.")
