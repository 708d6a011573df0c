"""Each row gets exactly one picture: the nearest unused one, or the one before, flagged."""

from hypothesis import given
from hypothesis import strategies as st

from recorder.row_grid import LATE_NS, NEAR_NS, RowGrid
from transport.clock import NS_PER_MS

MS = NS_PER_MS


def test_a_picture_of_the_same_instant_decides_its_row_at_once() -> None:
    grid: RowGrid[str] = RowGrid()
    grid.add_row(0, 100 * MS)
    assert grid.decide(100 * MS) == []
    grid.add_picture(100 * MS, "a")
    (choice,) = grid.decide(100 * MS)
    assert (choice.row, choice.captured_ns, choice.picture, choice.repeated) == (
        0,
        100 * MS,
        "a",
        False,
    )


def test_the_nearer_of_two_neighbours_is_shown() -> None:
    grid: RowGrid[str] = RowGrid()
    grid.add_row(0, 100 * MS)
    grid.add_picture(95 * MS, "before")
    assert grid.decide(100 * MS) == []  # a nearer one may come
    grid.add_picture(103 * MS, "after")
    assert grid.decide(103 * MS)[0].picture == "after"
    assert grid.unused == 1


def test_a_row_without_picture_waits_100_ms_and_then_repeats() -> None:
    grid: RowGrid[str] = RowGrid()
    grid.add_row(0, 0)
    grid.add_picture(0, "a")
    assert grid.decide(0)[0].picture == "a"
    grid.add_row(1, 33 * MS)
    assert grid.decide(33 * MS + LATE_NS) == []
    (choice,) = grid.decide(33 * MS + LATE_NS + 1)
    assert choice.repeated
    assert choice.captured_ns == 0


def test_before_the_first_picture_rows_are_black_and_flagged() -> None:
    grid: RowGrid[str] = RowGrid()
    grid.add_row(0, 500 * MS)
    (choice,) = grid.decide(700 * MS)
    assert (choice.picture, choice.captured_ns, choice.repeated) == (None, 0, True)


def test_a_picture_that_is_not_newer_is_refused() -> None:
    grid: RowGrid[str] = RowGrid()
    assert grid.add_picture(5, "a")
    assert not grid.add_picture(5, "b")
    assert not grid.add_picture(4, "c")
    assert grid.unused == 2


steps = st.lists(
    st.tuples(st.sampled_from(["row", "picture", "wait"]), st.integers(0, 60)), max_size=120
)


@given(steps)
def test_every_row_is_decided_once_in_order_and_no_picture_is_shown_twice(
    story: list[tuple[str, int]],
) -> None:
    grid: RowGrid[int] = RowGrid()
    now = 0
    rows: dict[int, int] = {}
    decided = []
    pictures: list[int] = []
    for what, wait_ms in story:
        now += wait_ms * MS
        if what == "row":
            rows[len(rows)] = now
            grid.add_row(len(rows) - 1, now)
        elif what == "picture" and grid.add_picture(now, now):
            pictures.append(now)
        decided += grid.decide(now)
    decided += grid.decide(now + LATE_NS + 1)
    assert [choice.row for choice in decided] == list(rows)
    shown = [choice.picture for choice in decided if choice.picture is not None]
    assert len(shown) == len(set(shown))
    assert shown == sorted(shown)
    for choice in decided:
        if choice.picture is not None:
            assert abs(choice.picture - rows[choice.row]) <= NEAR_NS
        else:
            assert choice.captured_ns in (0, *shown)


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=60))
def test_a_camera_on_the_grid_with_jitter_never_repeats(jitter_ms: list[int]) -> None:
    """33 ms apart and at most 10 ms off: each picture is nearest to its own row."""
    grid: RowGrid[int] = RowGrid()
    decided = []
    for row, jitter in enumerate(jitter_ms):
        stamp = (row + 1) * 33 * MS
        grid.add_row(row, stamp)
        grid.add_picture(stamp + jitter * MS, row)
        decided += grid.decide(stamp)
    decided += grid.decide(2**60)
    assert [choice.picture for choice in decided] == list(range(len(jitter_ms)))
