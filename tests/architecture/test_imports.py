"""Who may import whom, and that neither end loads the other end's libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Modules whose decisions are pure: time is handed to them, they own no thread and no socket.
PURE = [
    "transport.messages",
    "transport.channels",
    "transport.frame_stamp",
    "transport.handshake",
    "transport.ice_servers",
    "transport.sdp_check",
    "transport.viewers",
    "teleop.gate",
    "teleop.gate_state",
    "teleop.requests",
    "teleop.lease",
    "teleop.liveness",
    "teleop.hands",
    "teleop.pad_mapping",
    "teleop.pad_health",
    "teleop.input_profile",
    "teleop.mode",
    "teleop.axes",
    "teleop.drivable",
    "teleop.safety",
    "teleop.stuck",
    "teleop.patrol",
    "teleop.pairing",
    "teleop.public_key",
    "teleop.operator_input",
    "teleop.operator_view",
    "teleop.bench_figures",
    "teleop.self_test",
    "teleop.session_watch",
    "teleop.attendance",
    "teleop.asking",
    "teleop.hearing",
    "teleop.round_trips",
    "teleop.rescue_script",
    "teleop.robot_names",
    "teleop.object_graph",
    "teleop.history",
    "teleop.censor",
    "recorder.diagnosis",
    "recorder.episode",
    "recorder.failing_labels",
    "recorder.labels",
    "recorder.lineage",
    "recorder.lossy_faults",
    "recorder.row_grid",
    "recorder.segmenter",
    "recorder.undoable_faults",
    "recorder.verdict",
    "ui.screen",
    "ui.words",
    "ui.view_state",
    "ui.picture_state",
    "ui.dock_state",
    "ui.reason_rows",
    "ui.readiness",
    "ui.offers",
    "ui.notices",
    "ui.people",
    "ui.facts",
    "ui.history",
    "ui.settle",
    "ui.layout",
    "ui.speech",
    "ui.text_scale",
    "ui.kept_preferences",
    "ui.sound_plan",
    "ui.shortcut_plan",
    "ui.action_words",
]
IMPURE = {"time", "threading", "asyncio", "socket", "random", "zmq", "aiortc", "PySide6"}


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_reads_no_clock_and_owns_no_thread(module: str) -> None:
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & IMPURE
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in IMPURE
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("now_ns", "wall_time"), f"line {node.lineno} reads a clock"


# The second has no keys: it is what the bench measures beside ours, and stays on this machine.
MAKES_SOCKETS = {Path("transport/curve.py"), Path("transport/command_peer.py")}


def test_no_socket_is_made_without_keys() -> None:
    """`transport.curve` makes ZeroMQ's sockets; others make only pairs within the process."""
    made = set()
    for package in ("transport", "teleop", "recorder", "ui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.relative_to(ROOT) in MAKES_SOCKETS:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                assert not (isinstance(node, ast.Attribute) and node.attr == "Context"), path
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr == "socket"
                    and ast.unparse(node.func) != "socket.socket"  # of the system, not ZeroMQ's
                ):
                    made.add(ast.unparse(node))
    assert made == {
        "own_context().socket(zmq.PAIR)",  # a waiter's two ends, a monitor
        "door.socket(kind, channel)",
        "self._door.socket(zmq.PUB, self.channel)",
        "credentials.socket(kind)",
    }


def test_the_robot_never_loads_qt() -> None:
    # In a fresh interpreter: pytest-qt has loaded Qt in this one.
    code = (
        "import sys, teleop.control, teleop.media, teleop.agent, teleop.cli;"
        "print([m for m in sys.modules if 'PySide' in m or 'shiboken' in m])"
    )
    assert run(code).strip() == "[]"


def test_the_console_never_loads_the_simulator() -> None:
    code = "import sys, ui.app; print([m for m in sys.modules if m.startswith('mujoco')])"
    assert run(code).strip() == "[]"


def test_messages_cost_little_to_import() -> None:
    code = (
        "import sys, transport.messages;"
        "print([m for m in ('zmq', 'aiortc', 'av', 'numpy') if m in sys.modules])"
    )
    assert run(code).strip() == "[]"


# Whatever turns bytes from elsewhere into code or objects.
UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "torch"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}


def unsafe(source: str) -> list[str]:
    """What of it could carry out what somebody sent."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.split(".")[0] in UNSAFE_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
            UNSAFE_MODULES
        ):
            found.append(f"from {node.module}")
        elif isinstance(node, ast.Attribute) and node.attr.endswith("_pyobj"):
            found.append(node.attr)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
                found.append(f"{node.func.id}()")
            for option in node.keywords:
                if option.arg == "allow_pickle" and ast.unparse(option.value) != "False":
                    found.append("allow_pickle")
    return found


@pytest.mark.parametrize("package", ["transport", "teleop", "recorder", "ui"])
def test_nothing_that_is_received_or_read_can_become_code(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): used
        for path in sorted((ROOT / package).rglob("*.py"))
        if (used := unsafe(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import marshal as m",
        "from pickle import loads",
        "import torch.serialization",
        "socket.recv_pyobj()",
        "socket.send_pyobj(1)",
        "eval(text)",
        "exec(text)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=wanted)",
        "import yaml",
    ],
)
def test_each_way_for_bytes_to_become_code_is_found(source: str) -> None:
    assert unsafe(source)
