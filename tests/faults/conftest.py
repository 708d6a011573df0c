"""Fixtures of the fault tests."""

from tests.faults.network_rig import network

__all__ = ["network"]
