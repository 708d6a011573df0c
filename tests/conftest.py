"""The table of what tests have measured, at the end of the run."""

from tests.measured import measured, pytest_terminal_summary

__all__ = ["measured", "pytest_terminal_summary"]
