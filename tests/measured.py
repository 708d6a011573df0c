"""What tests of faults measured, printed as one table at the end of the run."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    row: str
    expected: str
    found: str


_FINDINGS: list[Finding] = []


class Measured:
    """Notes one line: row of the catalogue, what is expected, what was measured."""

    def __call__(self, row: str, expected: str, found: str) -> None:
        """Note it, whether the test passes or not."""
        _FINDINGS.append(Finding(row, expected, found))


@pytest.fixture
def measured() -> Measured:
    """For tests that measure."""
    return Measured()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table, in the order of the catalogue."""
    if not _FINDINGS:
        return
    terminalreporter.section("measured under faults")
    for finding in sorted(_FINDINGS, key=lambda finding: (finding.row[0], int(finding.row[1:]))):
        terminalreporter.write_line(f"{finding.row:4} {finding.expected}  →  {finding.found}")
