"""`unstick demo`: an agent, a console, and what the rescue left, told in one screen.

Two child processes do the work, exactly as they would on two machines: the agent with the simulated
home, and the console, in which a person drives, or, without a screen, a scripted operator with real
key events. This module starts them, waits, exports, and reads the facts off what was recorded.
"""

from __future__ import annotations

import contextlib
import json as json_format
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recorder.episode import EpisodeError
from recorder.export_lerobot import export_lerobot
from recorder.library import Episode, list_episodes, open_episode
from recorder.verdict import PASSING
from teleop.both_ends import acquaint
from teleop.child import end_child, start_child
from teleop.safety import ConfigError
from teleop.scenarios import scenario as scenario_named
from transport.clock import NS_PER_S, now_ns
from transport.control_link import free_base_port
from transport.messages import STILL, Outcome, RobotKind, Source

MARKER = ".unstick-demo"  # a folder with this file is the demo's own and may be emptied
HEADLESS_LIMIT_S = 240  # a rescue takes about half a minute
OPERATOR = "op-1"
HOW_TO_DRIVE = {
    RobotKind.ROVER: (
        "The window opens. Enter accepts the call, W A S D drive, Shift is full power,",
    ),
    RobotKind.ARM: (
        "The window opens. F2 requests the lease, W A S D move the hand, R F up and down,",
        "Q E turn it, G grips, T lets go, Ctrl is precise,",
    ),
}
INTERRUPTED = 130
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


@dataclass(frozen=True)
class Drive:
    """What one intervention looked like, read off the episode."""

    episode: str
    outcome: Outcome
    time_to_first_motion_s: float | None
    time_to_hand_back_s: float | None


def run_demo(*, seed: int, scenario: str, out: Path, headless: bool, json: bool) -> int:
    """Run the demonstration and print what came out; return the exit code."""
    started_ns = now_ns()
    terminal = Console(stderr=json, highlight=False)
    prepare(out)
    headless = headless or not has_display()
    episodes = out / "episodes"
    before = set(list_episodes(episodes))
    if before:
        terminal.print(f"Kept in {episodes} from before: {len(before)}.")
    screenshots = out / "screenshots"
    report = out / "session.json"
    screenshots.mkdir()
    port = free_base_port()
    if headless:
        terminal.print(f"Seed {seed}: a scripted operator drives the console, offscreen.")
    else:
        for line in HOW_TO_DRIVE[scenario_named(scenario).kind]:
            terminal.print(line)
        terminal.print("Space is STOP, Y or Backspace marks the outcome, Enter hands back.")
        terminal.print("Close the window when done.")
    with tempfile.TemporaryDirectory(prefix="unstick-demo-") as keys:
        code = _run_both(
            scenario, seed, port, Path(keys), episodes, report, screenshots if headless else None
        )
    if code == INTERRUPTED:
        terminal.print("Interrupted; what was recorded is kept.")
        return code
    session = json_format.loads(report.read_text()) if report.exists() else {}
    new = [folder for folder in list_episodes(episodes) if folder not in before]
    facts = gather(seed, new, out / "lerobot", session, screenshots)
    facts["first_frame_s"] = _seconds(started_ns, session.get("first_painted_ns"))
    (out / "summary.json").write_text(json_format.dumps(facts, indent=2) + "\n")
    if json:
        sys.stdout.write(json_format.dumps(facts) + "\n")
    else:
        show(terminal, facts, out)
    if code:
        terminal.print(f"[bold]It ended early (exit code {code}).[/]")
        return code
    passed = facts["outcome"] == Outcome.SUCCESS and facts["verdict"] in PASSING
    return 0 if passed or not headless else 1


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def prepare(out: Path) -> None:
    """Make `out` a folder of the demo's own; a folder of somebody else's is not touched."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; choose a folder with --out")
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise ConfigError(f"{out} holds other files; choose another folder with --out")
    try:
        for old in ("lerobot", "screenshots", "state"):
            shutil.rmtree(out / old, ignore_errors=True)  # recorded episodes stay
        for old in ("session.json", "summary.json"):
            (out / old).unlink(missing_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKER).touch()
    except OSError as error:
        raise ConfigError(f"cannot write to {out}: {error.strerror}") from None


def _run_both(
    scenario: str,
    seed: int,
    port: int,
    keys: Path,
    episodes: Path,
    report: Path,
    screenshots: Path | None,
) -> int:
    """Run agent and console until the window closes; `screenshots` means a scripted operator.

    `keys` is an empty folder for the keys of both and for what the robot remembers.
    """
    address = f"127.0.0.1:{port}"
    acquaint(keys / "robot", keys / "console", address, OPERATOR)
    asked = scenario_named(scenario)
    options = {
        "--name": f"{asked.kind}-01",
        "--scenario": scenario,
        "--seed": str(seed),
        "--port": str(port),
        "--episodes": str(episodes),
        "--state": str(keys / "robot"),
    }
    command = [sys.executable, "-m", "ui", address]
    command += ["--config", str(keys / "console"), "--report", str(report), "--with-parent"]
    command += ["--library", str(episodes)]
    command += [part for camera in asked.cameras for part in ("--camera", camera)]
    environment = dict(os.environ)
    if screenshots is not None:
        command += ["--scripted", scenario, "--screenshots", str(screenshots)]
        environment |= OFFSCREEN
    agent: subprocess.Popen[str] | None = None
    console: subprocess.Popen[bytes] | None = None
    try:
        agent = start_child(["agent", "--announce", *chain(*options.items())])
        console = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, start_new_session=True
        )
        return _wait(console, agent, HEADLESS_LIMIT_S if screenshots is not None else None)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        # A second Ctrl-C must not leave processes behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if console is not None:
            _end(console)
        if agent is not None:
            # The agent closes an open episode before it leaves.
            end_child(agent, patience_s=30.0)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _wait(
    console: subprocess.Popen[bytes], agent: subprocess.Popen[str], limit_s: int | None
) -> int:
    """Wait for the window to close; its exit code, or the agent's when that fails first."""
    deadline_ns = None if limit_s is None else now_ns() + limit_s * NS_PER_S
    while console.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            console.wait(0.1)
        died = agent.poll()
        if died is not None:
            return died or 1
        if deadline_ns is not None and now_ns() > deadline_ns:
            sys.stderr.write(f"unstick: no rescue within {limit_s} s\n")
            return 1
    return console.returncode if console.returncode >= 0 else 1  # killed


def _end(console: subprocess.Popen[bytes]) -> None:
    if console.poll() is None:
        console.terminate()
        try:
            console.wait(5.0)
        except subprocess.TimeoutExpired:
            console.kill()
            console.wait()


def gather(
    seed: int, episodes: list[Path], dataset: Path, session: dict[str, Any], screenshots: Path
) -> dict[str, Any]:
    """The facts of a demonstration; what did not happen is null."""
    opened = [open_episode(folder) for folder in episodes]
    found = [e for e in opened if e.manifest.ending.start_tick >= 0]
    facts: dict[str, Any] = {
        "outcome": "none",
        "seed": seed,
        "episode": None,
        "dataset": None,
        "verdict": None,
        "sentence": "",
        "replays": 0,
        "controls": None,
        "screenshots": sorted(str(p) for p in screenshots.glob("*.png")),
        "frames_painted": session.get("frames_painted", {}),
        "commands_applied": session.get("commands_applied", 0),
        "video_age_ms": session.get("video_age_ms"),
        "command_ms": session.get("command_ms"),
        "key_events": session.get("key_events", 0),
        "time_to_first_motion_s": None,
        "time_to_hand_back_s": None,
    }
    if not found:
        return facts
    episode = found[-1]
    drive = read_drive(episode)
    facts["outcome"] = str(drive.outcome)
    facts["episode"] = str(episode.path)
    facts["time_to_first_motion_s"] = drive.time_to_first_motion_s
    facts["time_to_hand_back_s"] = drive.time_to_hand_back_s
    verdict = episode.verdict()
    if verdict is not None:
        facts["verdict"] = str(verdict.verdict)
        facts["sentence"] = verdict.sentence
        facts["replays"] = verdict.replays
        controls = verdict.evidence.controls
        if controls is not None:
            facts["controls"] = {
                "null_actions_solved": controls.null_actions_solved,
                "recorded_states_solved": controls.recorded_states_solved,
            }
    try:
        export_lerobot(found, dataset)
        facts["dataset"] = str(dataset)
    except EpisodeError as error:
        sys.stderr.write(f"unstick: no data set: {error}\n")
    return facts


def read_drive(episode: Episode) -> Drive:
    """Times of the intervention, by the robot's clock."""
    ending = episode.manifest.ending
    taken_ns = first_ns = back_ns = None
    for tick in episode.ticks():
        if tick.tick == ending.start_tick:
            taken_ns = tick.stamp_ns
        moves = tick.applied != STILL
        if taken_ns is not None and first_ns is None and moves and tick.source is Source.HUMAN:
            first_ns = tick.stamp_ns
        if tick.tick == ending.end_tick:
            back_ns = tick.stamp_ns
    return Drive(
        episode.path.name,
        ending.outcome,
        _seconds(taken_ns, first_ns),
        _seconds(taken_ns, back_ns),
    )


def _seconds(begin_ns: int | None, end_ns: int | None) -> float | None:
    if begin_ns is None or end_ns is None:
        return None
    return round((end_ns - begin_ns) / NS_PER_S, 2)


def show(terminal: Console, facts: dict[str, Any], out: Path) -> None:
    """The summary for a person."""
    table = Table(show_header=False, box=None, pad_edge=False)
    age, command = facts["video_age_ms"], facts["command_ms"]
    table.add_row("Outcome", f"{facts['outcome']}, seed {facts['seed']}")
    table.add_row("Verdict", f"[bold]{facts['verdict']}[/] {facts['sentence']}")
    if facts["controls"]:
        null, states = facts["controls"].values()
        table.add_row(
            "Controls",
            f"no action: {'solved' if null else 'not solved'}, "
            f"recorded states: {'solved' if states else 'not solved'}",
        )
    table.add_row("First picture", _or_none(facts["first_frame_s"], "s after the start"))
    table.add_row("First motion", _or_none(facts["time_to_first_motion_s"], "s after accepting"))
    table.add_row("Handed back", _or_none(facts["time_to_hand_back_s"], "s after accepting"))
    if age:
        table.add_row("Picture age", f"p50 {age['p50']} ms, p95 {age['p95']}, p99 {age['p99']}")
    if command:
        text = f"p50 {command['p50']} ms of {facts['key_events']} key events"
        table.add_row("Key to motors", text)
    table.add_row("Episode", str(facts["episode"]))
    table.add_row("Data set", str(facts["dataset"]))
    table.add_row("Screenshots", f"{len(facts['screenshots'])} in {out / 'screenshots'}")
    terminal.print(table)


def _or_none(value: float | None, unit: str) -> str:
    return "never" if value is None else f"{value} {unit}"
