"""Lines over many points, thinned to a band for each column of px."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ui.traces import band


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.floats(-100, 100, allow_nan=False)),
        min_size=1,
        max_size=200,
    )
)
def test_a_band_loses_no_peak_and_leaves_no_gap(points: list[tuple[int, float]]) -> None:
    points.sort(key=lambda point: point[0])
    columns = np.array([column for column, _ in points], np.int64)
    ys = np.array([y for _, y in points], np.float64)
    low, high = band(columns, ys)
    assert low.min() == ys.min()
    assert high.max() == ys.max()
    for number, column in enumerate(np.unique(columns)):
        inside = ys[columns == column]
        assert low[number] <= inside.min()
        assert high[number] >= inside.max()
    assert (low[:-1] <= high[1:]).all()
    assert (high[:-1] >= low[1:]).all()
