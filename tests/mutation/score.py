"""The score of a mutation run: how many small changes fail a test, and whether that is enough.

    python -m tests.mutation.score          after `mutmut run`; `make mutants` does both

Exit code 0 when at least `ENOUGH` of all mutants were killed and all were tried, else 1. Survivors
that change nothing which could be observed stand in `equivalent.toml` with the reason; they still
count as survivors. They are named by what they change, since mutmut's numbers move with the code.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENOUGH: Final = 0.95
EQUIVALENT: Final = Path(__file__).parent / "equivalent.toml"
# A mutant that hangs or ends the process does not pass for the original either.
KILLED: Final = frozenset({"killed", "timeout", "segfault", "caught by type check"})
UNTRIED: Final = frozenset({"not checked", "check was interrupted by user", "skipped"})


@dataclass(frozen=True)
class Change:
    """What one mutant changes."""

    function: str  # "teleop.gate.judged", "teleop.safety.Limits.timing"
    was: str  # the line or lines of the original
    becomes: str


@dataclass(frozen=True)
class Score:
    """What a run has come to."""

    killed: int
    total: int
    untried: int
    named: Mapping[Change, str]  # survivors that change nothing, with the reason
    unnamed: Mapping[Change, str]  # the other survivors, with mutmut's name
    stale: tuple[Change, ...]  # named as equivalent, but no survivor of this run

    @property
    def passed(self) -> bool:
        """Whether enough were killed, of all that there are."""
        return self.total > 0 and not self.untried and self.killed / self.total >= ENOUGH

    def told(self) -> str:
        """The score in words, and each survivor."""
        share = f" ({self.killed / self.total:.1%})" if self.total else ""
        lines = [f"{self.killed} of {self.total} mutants killed{share}; {ENOUGH:.0%} are needed"]
        if self.untried:
            lines.append(f"{self.untried} were not tried: run it again")
        lines.append(f"{len(self.named)} survivors change nothing that could be observed")
        lines += [f"survived: {name}{_diff(change)}" for change, name in self.unnamed.items()]
        lines += [
            f"no survivor any more, take it out of {EQUIVALENT.name}: {change.function}"
            f"{_diff(change)}"
            for change in self.stale
        ]
        return "\n".join(lines)


def _diff(change: Change) -> str:
    return f"\n    - {change.was}\n    + {change.becomes}"


def scored(
    status_of: Mapping[str, str],
    change_of: Callable[[str], Change],
    equivalent: Mapping[Change, str],
) -> Score:
    """The score of a run.

    Args:
        status_of: each mutant's name and what became of it, in mutmut's words.
        change_of: what a mutant changes; asked for survivors only.
        equivalent: changes that cannot be observed, with the reason.
    """
    killed = sum(status in KILLED for status in status_of.values())
    untried = sum(status in UNTRIED for status in status_of.values())
    survivors = {
        change_of(name): name
        for name, status in status_of.items()
        if status not in KILLED and status not in UNTRIED
    }
    return Score(
        killed=killed,
        total=len(status_of),
        untried=untried,
        named={change: equivalent[change] for change in survivors if change in equivalent},
        unnamed={c: name for c, name in survivors.items() if c not in equivalent},
        # What was not tried may be a survivor yet.
        stale=() if untried else tuple(one for one in equivalent if one not in survivors),
    )


def statuses(results: str) -> dict[str, str]:
    """What `mutmut results --all true` printed: mutant and status."""
    found = (line.strip().rpartition(": ") for line in results.splitlines())
    return {name: status for name, _, status in found if "__mutmut_" in name}


def change_in(name: str, shown: str) -> Change:
    """What `mutmut show NAME` printed, as a change."""
    lines = shown.splitlines()
    return Change(function_of(name), _joined(lines, "-"), _joined(lines, "+"))


def _joined(lines: Iterable[str], sign: str) -> str:
    changed = (
        line[1:] for line in lines if line.startswith(sign) and not line.startswith(sign * 3)
    )
    return " ".join(line.strip() for line in changed)


def function_of(name: str) -> str:
    """`teleop.gate.x_judged__mutmut_3` is of `teleop.gate.judged`."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    if mangled.startswith("xǁ"):
        return f"{module}.{mangled.removeprefix('xǁ').replace('ǁ', '.')}"
    return f"{module}.{mangled.removeprefix('x_')}"


def read_equivalent(path: Path = EQUIVALENT) -> dict[Change, str]:
    """The changes that cannot be observed, with the reason.

    Raises:
        ValueError: an entry is incomplete, or there twice.
    """
    found: dict[Change, str] = {}
    for entry in tomllib.loads(path.read_text()).get("equivalent", []):
        if set(entry) != {"function", "was", "becomes", "why"} or not entry["why"].strip():
            raise ValueError(f"{path}: {entry} needs function, was, becomes and a reason (why)")
        change = Change(entry["function"], entry["was"], entry["becomes"])
        if change in found:
            raise ValueError(f"{path}: {change.function} is there twice{_diff(change)}")
        found[change] = entry["why"]
    return found


def _mutmut(*words: str) -> str:
    command = [str(Path(sys.executable).parent / "mutmut"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> int:
    """Print the score of the run in this folder."""
    score = scored(
        statuses(_mutmut("results", "--all", "true")),
        lambda name: change_in(name, _mutmut("show", name)),
        read_equivalent(),
    )
    sys.stdout.write(score.told() + "\n")
    return 0 if score.passed else 1


if __name__ == "__main__":
    sys.exit(main())
