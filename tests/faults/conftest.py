"""Fixtures of the fault tests, and the table of what they measured."""

from tests.faults.measured import measured, pytest_terminal_summary
from tests.faults.network_rig import network

__all__ = ["measured", "network", "pytest_terminal_summary"]
