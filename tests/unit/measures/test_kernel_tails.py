"""Tests of `measures.kernels.tails`: the tail of a changed book, in one call."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from measures.kernels.tails import KnownTail, changed_tail
from measures.tail import tail_risk

FEW = arrays(np.float64, 60, elements=st.integers(-4, 4).map(float))


@settings(max_examples=150, deadline=None)
@given(FEW, FEW, st.floats(-1.0, 1.0), st.floats(1.0, 6.0))
def test_one_call_reads_the_tail_of_every_change_also_among_equals(
    pnl: np.ndarray, row: np.ndarray, scale: float, size: float
) -> None:
    # As many as the confidence says: a whole number where only rounding parts it from one.
    size = round(size, 9)
    order = np.argsort(pnl, kind="stable")[:40]
    ordered, threshold = pnl[order], float(np.sort(pnl)[20])

    book = KnownTail(pnl, ordered, order, threshold, size, np.empty(61))
    count, value, shortfall = changed_tail(book, row, scale, float(np.abs(row).max()))

    assert count == ((pnl + scale * row) <= threshold).sum()
    if count >= size:
        expected = tail_risk(pnl + scale * row, confidence=1.0 - size / 60)
        assert value == pytest.approx(expected.value_at_risk, abs=1e-12)
        assert shortfall == pytest.approx(expected.expected_shortfall, abs=1e-9)
    else:
        assert (value, shortfall) == (0.0, 0.0)
