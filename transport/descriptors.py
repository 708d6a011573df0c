"""How many files and sockets this process may have open at once."""

from __future__ import annotations

import sys
from typing import Final

DESCRIPTORS: Final = 8192


def allow_descriptors() -> None:
    """Let this process have as many connections as we want, or as the system allows."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
