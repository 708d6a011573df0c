"""A robot's audit log is fetched whole, piece by piece, and then kept up to date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from teleop.archive_asks import AuditLines
from teleop.audit_entry import AuditEntry, Kind, line_of
from teleop.fleet_log import AGAIN_NS, DAYS, SOON_NS, RobotLog
from transport.archive_messages import AuditPiece

TODAY = date(2026, 11, 30)


def entry(n: int, day: date = TODAY) -> AuditEntry:
    wall = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return AuditEntry(wall=wall, robot="r-1", boot_id="b", kind=Kind.CALL, stamp_ns=n, n=n)


class Robot:
    """Answers as a robot does, so many bytes at once."""

    def __init__(self, days: dict[date, bytes], most: int = 400) -> None:
        self.days = days
        self.most = most

    def answer(self, wish: AuditLines) -> AuditPiece:
        days = tuple(sorted(self.days, reverse=True))
        if wish.day is None:
            return AuditPiece(request_id=1, days=days)
        data = self.days.get(wish.day, b"")
        piece = data[wish.offset : wish.offset + self.most]
        piece = piece[: piece.rfind(b"\n") + 1]
        return AuditPiece(
            request_id=1,
            days=days,
            lines=piece,
            next_offset=wish.offset + len(piece),
            size=len(data),
        )


def fetched(log: RobotLog, robot: Robot, now_ns: int, rounds: int = 200) -> int:
    """Ask as long as there is something to ask for soon; the time after it."""
    for _ in range(rounds):
        wish = log.wish(now_ns)
        if wish is None:
            break
        log.took(robot.answer(wish), now_ns)
        now_ns += SOON_NS
    return now_ns


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(300, 900))
def test_every_entry_comes_once_however_the_pieces_are_cut(counts: list[int], most: int) -> None:
    days = {}
    n = 0
    for back, count in enumerate(counts):
        day = TODAY - timedelta(days=back)
        days[day] = b"".join(line_of(entry(n := n + 1, day)) for _ in range(count))
    log = RobotLog()
    fetched(log, Robot(days, most), 0)
    assert sorted(one.n for one in log.entries) == list(range(1, n + 1))


def test_what_is_added_later_comes_without_what_was_there() -> None:
    robot = Robot({TODAY: line_of(entry(1))})
    log = RobotLog()
    now_ns = fetched(log, robot, 0)
    assert log.wish(now_ns) is None
    robot.days[TODAY] += line_of(entry(2))
    fetched(log, robot, now_ns + AGAIN_NS)
    assert [one.n for one in log.entries] == [1, 2]


def test_a_new_day_is_found_and_the_one_before_is_read_to_its_end() -> None:
    yesterday = TODAY - timedelta(days=1)
    robot = Robot({yesterday: line_of(entry(1, yesterday))})
    log = RobotLog()
    now_ns = fetched(log, robot, 0)
    robot.days[yesterday] += line_of(entry(2, yesterday))
    robot.days[TODAY] = line_of(entry(3))
    fetched(log, robot, now_ns + AGAIN_NS)
    assert sorted(one.n for one in log.entries) == [1, 2, 3]


def test_days_before_the_eight_weeks_are_left_where_they_are() -> None:
    old = TODAY - timedelta(days=DAYS + 1)
    log = RobotLog()
    fetched(log, Robot({TODAY: line_of(entry(1)), old: line_of(entry(2, old))}), 0)
    assert [one.n for one in log.entries] == [1]


def test_a_robot_that_does_not_answer_is_asked_again_later() -> None:
    log = RobotLog()
    assert log.wish(0) == AuditLines()
    assert log.wish(0) is None
    log.missed(0)
    assert log.wish(0) is None
    assert log.wish(AGAIN_NS) == AuditLines()


def test_a_torn_line_is_left_out() -> None:
    log = RobotLog()
    fetched(log, Robot({TODAY: b"{torn\n" + line_of(entry(1))}), 0)
    assert [one.n for one in log.entries] == [1]
