"""The table of what tests have measured, at the end of the run; properties without a stop-watch."""

from hypothesis import settings

from tests.measured import measured, pytest_terminal_summary

__all__ = ["measured", "pytest_terminal_summary"]

# How long an example takes says something of the machine and nothing of the property. By its
# default of 200 ms a busy machine fails tests, and a mutation run counts kills that are none.
settings.register_profile("unstick", deadline=None)
settings.load_profile("unstick")
