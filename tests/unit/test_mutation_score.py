"""When a mutation run is good enough, and what it says of its survivors."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutation.score import (
    Change,
    change_in,
    function_of,
    read_equivalent,
    scored,
    statuses,
)

ROOT = Path(__file__).parents[2]
SHOWN = """# teleop.gate.x_judged__mutmut_3: survived
--- teleop/gate.py
+++ teleop/gate.py
@@ -1,5 +1,5 @@
 def judged(state):
-    if now_ns >= state.lease.expires_ns:
+    if now_ns > state.lease.expires_ns:
         return Refusal.OLD_EPOCH
"""


def run_of(killed: int, survived: int, **others: int) -> dict[str, str]:
    counts = {"killed": killed, "survived": survived} | {
        status.replace("_", " "): count for status, count in others.items()
    }
    made = [status for status, count in counts.items() for _ in range(count)]
    return {f"teleop.gate.x_f__mutmut_{n}": status for n, status in enumerate(made)}


def change(name: str) -> Change:
    return Change(function_of(name), "was", name)


@pytest.mark.parametrize(
    ("run", "passed"),
    [
        (run_of(95, 5), True),
        (run_of(94, 6), False),
        (run_of(90, 5, timeout=5), True),
        (run_of(94, 0, no_tests=6), False),
        (run_of(99, 0, not_checked=1), False),
        (run_of(99, 0, check_was_interrupted_by_user=1), False),
        ({}, False),
    ],
)
def test_a_run_passes_with_95_percent_of_all_mutants(run: dict[str, str], passed: bool) -> None:
    assert scored(run, change, {}).passed is passed


def test_survivors_that_change_nothing_are_named_but_count_as_survivors() -> None:
    run = run_of(94, 6)
    equivalent = {change(name): "the same" for name, s in run.items() if s == "survived"}
    score = scored(run, change, equivalent)
    assert (len(score.named), score.unnamed) == (6, {})
    assert not score.passed


def test_the_score_is_printed_with_each_survivor_that_nobody_has_explained() -> None:
    score = scored(run_of(98, 2), change, {Change("teleop.gate.gone", "a", "b"): "why"})
    told = score.told()
    assert told.startswith("98 of 100 mutants killed (98.0%); 95% are needed")
    assert told.count("survived: teleop.gate.x_f__mutmut_") == 2
    assert "no survivor any more, take it out of equivalent.toml: teleop.gate.gone" in told


def test_a_run_that_was_not_finished_says_of_no_survivor_that_it_is_gone() -> None:
    score = scored(run_of(98, 0, not_checked=2), change, {Change("teleop.gate.f", "a", "b"): "why"})
    assert score.stale == ()
    assert "2 were not tried" in score.told()


def test_what_mutmut_prints_is_understood() -> None:
    printed = (
        "    teleop.gate.x_judged__mutmut_3: survived\n    teleop.gate.x_f__mutmut_1: killed\n"
    )
    assert statuses(f"\n{printed}") == {
        "teleop.gate.x_judged__mutmut_3": "survived",
        "teleop.gate.x_f__mutmut_1": "killed",
    }
    assert change_in("teleop.gate.x_judged__mutmut_3", SHOWN) == Change(
        "teleop.gate.judged",
        "if now_ns >= state.lease.expires_ns:",
        "if now_ns > state.lease.expires_ns:",
    )
    assert function_of("teleop.safety.xǁLimitsǁtiming__mutmut_12") == "teleop.safety.Limits.timing"


@pytest.mark.parametrize(
    "entry",
    [
        'function = "f"\nwas = "a"\nbecomes = "b"\n',
        'function = "f"\nwas = "a"\nbecomes = "b"\nwhy = " "\n',
    ],
)
def test_nothing_is_equivalent_without_a_reason(tmp_path: Path, entry: str) -> None:
    (tmp_path / "e.toml").write_text(f"[[equivalent]]\n{entry}")
    with pytest.raises(ValueError, match="reason"):
        read_equivalent(tmp_path / "e.toml")


def test_each_function_that_is_named_exists() -> None:
    for named in read_equivalent():
        package, module, *_, name = named.function.split(".")
        assert f"def {name}(" in (ROOT / package / f"{module}.py").read_text(), named


def test_make_mutants_ends_with_the_score() -> None:
    make = ["make", "--no-print-directory", "-n", "mutants"]
    plan = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "mutmut run" in plan
    assert plan.rstrip().endswith("python -m tests.mutation.score")
