"""Which picture of one camera belongs to which row of the episode.

Pure: stamps in, choices out. A row is a control tick that has pictures (every second one). Each row
gets exactly one picture: the unused one captured nearest to the row's stamp, at most half a row
away; when there is none the row repeats the picture before and says so. Rows are decided in order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from transport.channels import ROW_HZ
from transport.clock import NS_PER_MS, NS_PER_S

P = TypeVar("P")

LATE_NS: Final = 100 * NS_PER_MS  # three rows: rendering and encoding stalls are shorter
NEAR_NS: Final = NS_PER_S // ROW_HZ // 2  # farther away a picture is another row's
_MAX_PICTURES: Final = 8  # a picture is a megabyte; older ones give way
_MAX_ROWS: Final = 64  # pending rows: far more than fall into LATE_NS


@dataclass(frozen=True)
class Choice(Generic[P]):
    """What a row shows. `picture` is None when the row repeats the one before (or black)."""

    row: int
    captured_ns: int  # of the picture shown; 0: there never was one, the frame is black
    picture: P | None

    @property
    def repeated(self) -> bool:
        """Whether no picture of its own came for this row."""
        return self.picture is None


class RowGrid(Generic[P]):
    """The rows of one camera that wait for their picture, and the pictures that wait for a row."""

    def __init__(self) -> None:
        self.unused = 0  # pictures that no row wanted
        self._rows: deque[tuple[int, int]] = deque()  # (row, stamp_ns)
        self._pictures: deque[tuple[int, P]] = deque()  # (captured_ns, picture), rising
        self._shown_ns = 0  # capture stamp of the last picture chosen
        self._newest_ns = -1  # newest capture stamp seen

    def add_row(self, row: int, stamp_ns: int) -> None:
        """A row began at `stamp_ns`."""
        self._rows.append((row, stamp_ns))

    def add_picture(self, captured_ns: int, picture: P) -> bool:
        """A picture arrived; False when it is not newer than the one before and was refused."""
        if captured_ns <= self._newest_ns:
            self.unused += 1
            return False
        self._newest_ns = captured_ns
        self._pictures.append((captured_ns, picture))
        if len(self._pictures) > _MAX_PICTURES:
            self._pictures.popleft()
            self.unused += 1
        return True

    def decide(self, now_ns: int) -> list[Choice[P]]:
        """The rows that can be decided at `now_ns`, in order, each exactly once."""
        choices: list[Choice[P]] = []
        while self._rows:
            row, stamp_ns = self._rows[0]
            later_one_exists = self._newest_ns >= stamp_ns  # nothing nearer can come any more
            late = now_ns - stamp_ns > LATE_NS or len(self._rows) > _MAX_ROWS
            if not later_one_exists and not late:
                break
            self._rows.popleft()
            choices.append(self._choose(row, stamp_ns))
        return choices

    def _choose(self, row: int, stamp_ns: int) -> Choice[P]:
        best = min(
            range(len(self._pictures)),
            key=lambda i: abs(self._pictures[i][0] - stamp_ns),
            default=-1,
        )
        if best < 0 or abs(self._pictures[best][0] - stamp_ns) > NEAR_NS:
            return Choice(row, self._shown_ns, None)
        for _ in range(best):
            self._pictures.popleft()
            self.unused += 1
        captured_ns, picture = self._pictures.popleft()
        self._shown_ns = captured_ns
        return Choice(row, captured_ns, picture)
