"""Where the playhead is and how it moves. Pure: time is handed in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from transport.clock import NS_PER_S


@dataclass(frozen=True)
class Playback:
    """A playhead on an episode of `length_s`."""

    length_s: float = 0.0
    at_s: float = 0.0
    speed: float = 1.0
    since_ns: int | None = None  # it plays, and was at `at_s` then

    @property
    def playing(self) -> bool:
        """Whether it moves by itself."""
        return self.since_ns is not None

    def moved(self, now_ns: int) -> Playback:
        """Where it is now; at the end it stops."""
        if self.since_ns is None:
            return self
        at_s = self.at_s + (now_ns - self.since_ns) / NS_PER_S * self.speed
        if at_s >= self.length_s:
            return replace(self, at_s=self.length_s, since_ns=None)
        return replace(self, at_s=at_s, since_ns=now_ns)

    def sought(self, at_s: float, now_ns: int) -> Playback:
        """Somewhere else; what plays goes on from there."""
        within = min(max(at_s, 0.0), self.length_s)
        return replace(self, at_s=within, since_ns=now_ns if self.playing else None)

    def toggled(self, now_ns: int) -> Playback:
        """Play or pause; at the end it plays from the beginning."""
        if self.playing:
            return replace(self.moved(now_ns), since_ns=None)
        again = self.at_s >= self.length_s - 1e-6
        return replace(self, at_s=0.0 if again else self.at_s, since_ns=now_ns)

    def paused(self) -> Playback:
        """Where it is, standing."""
        return replace(self, since_ns=None)

    def at_speed(self, speed: float, now_ns: int) -> Playback:
        """Faster or slower from here on."""
        return replace(self.moved(now_ns), speed=speed)
