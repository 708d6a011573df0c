"""Percentiles and rows of the benches; addresses on the command line."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop.bench import Report, percentile, row
from transport.errors import LinkError
from ui.__main__ import parse_address


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (99, 10), (100, 10), (10, 1)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == value


def test_without_values_there_is_no_percentile() -> None:
    assert percentile([], 50) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_enough_values_are_at_or_below_a_percentile(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found is not None
    assert sum(v <= found for v in values) * 100 >= percent * len(values)


def test_a_row_says_whether_it_met_its_target_and_how_far_the_peer_is() -> None:
    made = row("age", 4.0, "ms", at_most=5.0, peer=40.0)
    assert (made.met, made.ratio) == (True, 10.0)
    assert row("age", 6.0, "ms", at_most=5.0).met is False


def test_a_row_that_could_not_be_measured_claims_nothing() -> None:
    made = row("age", None, "ms", at_most=5.0, peer=40.0)
    assert (made.value, made.met, made.ratio) == (None, None, None)


def test_a_report_is_one_object_with_the_promised_keys() -> None:
    report = Report(bench="video", machine={"cores": "2"}, rows=(row("age", 4.0, "ms"),))
    decoded = msgspec.json.decode(msgspec.json.encode(report))
    assert set(decoded["rows"][0]) == {"name", "value", "unit", "target", "met", "peer", "ratio"}
    assert decoded["machine"] == {"cores": "2"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.5:7600", ("10.0.0.5", 7600)), ("robot.local", ("robot.local", 7600))],
)
def test_an_address_is_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert parse_address(address) == expected


@pytest.mark.parametrize("address", [":7600", "host:", "host:port", "host:80", "host:70000"])
def test_a_wrong_address_is_answered_with_a_right_one(address: str) -> None:
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:7600"):
        parse_address(address)
