"""What a console minds while it has a lease: its self-test, and whether anybody sits there. Pure.

Not for several threads at once: the link's lock is around it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from teleop import self_test
from teleop.attendance import Attendance
from teleop.hearing import Hearing
from teleop.operator_input import OperatorInput
from teleop.operator_view import StopView
from teleop.self_test import SelfTest, Stage

log = logging.getLogger("link")


@dataclass(frozen=True)
class Demands:
    """What the link has to do now."""

    test_stop: bool  # a new attempt at the test of STOP begins
    release: bool  # nobody was here for too long


class SessionWatch:
    """From one lease to the next."""

    def __init__(self, started_ns: int) -> None:
        self.self_test = SelfTest()
        self.let_go_ns: int | None = None  # when the lease was given back for want of anybody
        self._touched_ns = started_ns
        self._attendance = Attendance(started_ns)

    def touched(self, stamp_ns: int) -> None:
        """Somebody has used a key, the mouse or a pad."""
        self._touched_ns = max(self._touched_ns, stamp_ns)

    def unattended_s(self, heard: Hearing, now_ns: int) -> float | None:
        """Seconds until the lease is given back; None while it is not this console's."""
        return self._attendance.left_s(now_ns) if heard.yours else None

    def look(
        self,
        heard: Hearing,
        hands: OperatorInput,
        sent_ns: int,
        answer: StopView | None,
        now_ns: int,
    ) -> Demands:
        """One look; `sent_ns`: when the last command went out, `answer`: that to a test of STOP."""
        before = self.self_test
        present = answer is not None and answer.sent_ns >= before.stop_sent_ns
        seen = self_test.Seen(
            state=heard.fresh(now_ns),
            heard_ns=heard.state_ns,
            hands_off=not hands.deadman,
            sent_ns=sent_ns,
            stop_ms=answer.round_trip_ms if answer is not None and present else None,
        )
        self.self_test = after = self_test.step(before, heard.epoch, seen, now_ns)
        for part, was, now in (
            ("STOP", before.stop, after.stop),
            ("link loss", before.loss, after.loss),
        ):
            if now is not was and now is Stage.FAILED:
                log.warning("the self-test of %s has failed", part)
        test_stop = bool(after.epoch) and after.stop_sent_ns != before.stop_sent_ns
        return Demands(test_stop, self._is_forgotten(heard, now_ns))

    def _is_forgotten(self, heard: Hearing, now_ns: int) -> bool:
        attendance = self._attendance.after(self._touched_ns, heard.yours, heard.state, now_ns)
        forgotten = attendance.is_over(now_ns) and bool(heard.epoch)
        if forgotten:
            log.warning("nobody was here for too long: the lease is given back")
            self.let_go_ns = now_ns
            attendance = Attendance(now_ns)
        self._attendance = attendance
        return forgotten
