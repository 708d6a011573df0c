"""Errors of the links.

LinkError            the other end cannot be reached or used; the message says what to try
├── PortTaken        something else listens on a port this robot needs
└── NoAnswer         the robot did not answer in time
"""

from __future__ import annotations


class LinkError(Exception):
    """A link cannot be made or has failed."""


class PortTaken(LinkError):
    """A port that is needed is in use."""


class NoAnswer(LinkError):
    """No reply within the time allowed."""
