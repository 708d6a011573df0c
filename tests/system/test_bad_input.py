"""Wrong starts and bad files: a sentence that says what to do, an exit code, nothing left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from teleop.both_ends import acquaint
from tests.system.rig import OFFSCREEN, agent, children_of, is_alive, unstick, until
from transport.control_link import LOOPBACK, free_base_port


def message(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_there_is_no_way_to_run_an_agent_without_keys(tmp_path: Path) -> None:
    done = unstick("agent", "--insecure-loopback", "--episodes", str(tmp_path))
    assert done.returncode == 2
    assert "No such option" in message(done)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_this_machines_is_named(tmp_path: Path, host: str) -> None:
    options = ["--host", host, "--state", str(tmp_path), "--episodes", str(tmp_path / "e")]
    done = unstick("agent", *options)
    assert done.returncode == 2
    assert host in message(done)


@pytest.mark.parametrize("spoilt", ["robot.key", "authorized_keys.toml"])
def test_an_agent_whose_keys_others_may_read_says_what_to_do(tmp_path: Path, spoilt: str) -> None:
    acquaint(tmp_path, tmp_path, "127.0.0.1:7600", "op-1")
    (tmp_path / "keys" / spoilt).chmod(0o644)
    done = unstick("agent", "--state", str(tmp_path), "--episodes", str(tmp_path / "e"))
    assert done.returncode == 2
    assert "chmod 600" in message(done)
    assert spoilt in done.stderr


def test_a_console_that_knows_no_robot_there_says_how_to_pair(tmp_path: Path) -> None:
    done = unstick("console", "127.0.0.1:7600", "--config", str(tmp_path), env=OFFSCREEN)
    assert done.returncode == 2
    assert "unstick pair" in message(done)
    assert "127.0.0.1:7600" in done.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    port = free_base_port()
    options = ["--port", str(port), "--state", str(tmp_path), "--episodes", str(tmp_path / "e")]
    with socket.create_server((LOOPBACK, port)):
        done = unstick("agent", *options)
    assert done.returncode == 2
    assert str(port) in message(done)
    assert "--port" in done.stderr


def test_a_scene_with_an_error_is_named_with_the_parsers_words(tmp_path: Path) -> None:
    scene = tmp_path / "broken.xml"
    scene.write_text("<mujoco><worldbody><geom type='blob'/></worldbody></mujoco>")
    done = unstick(
        "agent",
        "--port",
        str(free_base_port()),
        "--state",
        str(tmp_path),
        "--episodes",
        str(tmp_path / "e"),
        "--scene",
        str(scene),
    )
    assert done.returncode == 2
    assert "broken.xml" in message(done)


def test_an_unknown_scenario_is_answered_with_those_there_are(tmp_path: Path) -> None:
    done = unstick("demo", "--headless", "--scenario", "nonsense", "--out", str(tmp_path / "o"))
    assert done.returncode == 2
    assert "wedged-under-sofa" in message(done)


@pytest.mark.parametrize("content", [None, "not json", "{}"])
def test_an_unreadable_episode_is_not_judged(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "episode"
    if content is not None:
        folder.mkdir()
        (folder / "manifest.json").write_text(content)
    done = unstick("validate", str(folder))
    assert done.returncode == 2
    assert str(folder) in message(done).replace("\n", "")


def test_an_export_onto_an_existing_folder_is_refused(tmp_path: Path) -> None:
    done = unstick("export", "lerobot", str(tmp_path), str(tmp_path))
    assert done.returncode == 2
    message(done)


def test_a_console_without_a_display_says_what_to_do() -> None:
    bare = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    bare.pop("QT_QPA_PLATFORM", None)
    done = unstick("console", "127.0.0.1:7600", env=bare)
    assert done.returncode == 2
    assert "DISPLAY" in message(done)


@pytest.mark.parametrize("address", ["nonsense:port", "127.0.0.1:99999", ":7600"])
def test_a_wrong_address_is_answered_with_the_form_of_a_right_one(address: str) -> None:
    done = unstick("console", address, env=OFFSCREEN)
    assert done.returncode == 2
    assert "127.0.0.1:7600" in message(done)


def test_a_console_without_a_robot_waits_and_leaves_cleanly(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_base_port()}"
    acquaint(tmp_path / "robot", tmp_path, address, "op-1")
    console = subprocess.Popen(
        [sys.executable, "-m", "ui", address, "--config", str(tmp_path)],
        env=OFFSCREEN,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with console, ExitStack() as leaving:
        leaving.callback(console.kill)
        until(lambda: _has(console.pid, "SigCgt", signal.SIGTERM), "its handlers")
        time.sleep(2.0)
        assert console.poll() is None, "it must go on looking"
        console.send_signal(signal.SIGINT)
        _, said = console.communicate(timeout=20)
    assert console.returncode == 130
    assert "Traceback" not in said


def test_an_agent_without_a_console_works_and_leaves_cleanly(tmp_path: Path) -> None:
    with agent(tmp_path / "episodes") as robot:
        until(lambda: len(children_of(robot.process.pid)) == 2, "control and media")
        time.sleep(2.0)
        assert robot.process.poll() is None
    assert robot.process.returncode == 0


@pytest.mark.parametrize(
    "after_s", [0.3, 1.5, *(pytest.param(late_s, marks=pytest.mark.long) for late_s in (5.0, 11.0))]
)
def test_ctrl_c_at_any_moment_leaves_no_process_and_no_half_episode(
    tmp_path: Path, after_s: float
) -> None:
    out = tmp_path / "out"
    demo = subprocess.Popen(
        [sys.executable, "-m", "teleop", "demo", "--headless", "--out", str(out)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as a terminal would: Ctrl-C goes to the whole group
    )
    with demo, ExitStack() as leaving:
        leaving.callback(demo.kill)
        # Before `main` runs a Ctrl-C is Python's own; that moment may pass unseen.
        with suppress(AssertionError):
            until(lambda: _runs_main(demo.pid), "its main", limit_s=3.0)
        time.sleep(after_s)
        family = _family(demo.pid)
        os.killpg(demo.pid, signal.SIGINT)
        _, said = demo.communicate(timeout=60)
    # 130 is what a shell reports for both: handled, or before anything was there to handle it.
    assert demo.returncode in (130, -signal.SIGINT), said
    assert "Traceback" not in said, said
    until(lambda: not [pid for pid in family if is_alive(pid)], "all processes left")
    assert list(out.glob("episodes/*.rec")) == []


def test_a_killed_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "teleop", "demo", "--headless", "--out", str(tmp_path / "out")],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with demo, ExitStack() as leaving:
        leaving.callback(demo.kill)
        until(lambda: len(_family(demo.pid)) >= 4, "console, agent, control and media")
        family = _family(demo.pid)
        demo.kill()
    until(lambda: not [pid for pid in family if is_alive(pid)], "all processes left")


def _runs_main(pid: int) -> bool:
    """Whether `teleop`'s `main` loads its modules: Python is there, Ctrl-C just ends it."""
    return _has(pid, "SigIgn", signal.SIGPIPE) and not _has(pid, "SigCgt", signal.SIGINT)


def _has(pid: int, mask: str, number: signal.Signals) -> bool:
    """Whether a process catches ("SigCgt") or ignores ("SigIgn") a signal (Linux)."""
    found = re.search(rf"{mask}:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return found is not None and bool(int(found[1], 16) >> number - 1 & 1)


def _family(pid: int) -> list[int]:
    try:
        direct = children_of(pid)
    except OSError:
        return []
    return direct + [grandchild for child in direct for grandchild in _family(child)]


def test_episodes_list_shows_nothing_yet(tmp_path: Path) -> None:
    done = unstick("episodes", "list", str(tmp_path), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"episodes": [], "found": 0, "unreadable": []}
