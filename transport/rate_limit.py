"""How many messages one peer may have carried out; what becomes of the others is the caller's.

Pure: a token bucket for each key, with the time passed in. STOP is never limited.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from transport.clock import NS_PER_S

KEPT = 256  # peers remembered; one that is forgotten begins with a full bucket


@dataclass
class RateLimit:
    """`per_s` messages a second for each peer, `burst` at once."""

    per_s: float
    burst: int
    _buckets: dict[str, tuple[float, int]] = field(default_factory=dict)  # (tokens, since when)

    def admits(self, peer: str, now_ns: int) -> bool:
        """Whether one more message of `peer` is carried out now."""
        tokens, since_ns = self._buckets.pop(peer, (float(self.burst), now_ns))
        tokens = min(float(self.burst), tokens + (now_ns - since_ns) / NS_PER_S * self.per_s)
        admitted = tokens >= 1.0
        self._buckets[peer] = (tokens - 1.0 if admitted else tokens, now_ns)  # the newest is last
        if len(self._buckets) > KEPT:
            del self._buckets[next(iter(self._buckets))]
        return admitted
