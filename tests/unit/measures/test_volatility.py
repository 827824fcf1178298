"""Tests of `measures.volatility`."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.volatility import ewma_variance


def test_ewma_recursion_by_hand() -> None:
    variance = ewma_variance(np.array([[1.0, -3.0]]), decay=0.9)
    # Starts at the mean square 5, then 0.9 v + 0.1 r^2.
    assert variance[0] == pytest.approx([5.0, 0.9 * 5 + 0.1, 0.9 * 4.6 + 0.9])


def test_forecast_does_not_use_its_own_day() -> None:
    calm = np.array([[0.1] * 50])
    shocked = calm.copy()
    shocked[0, -1] = 1.0
    # The start uses the window's level, so compare the change beyond it: only the last moves.
    before = ewma_variance(calm, decay=0.94)[0]
    after = ewma_variance(shocked, decay=0.94)[0]
    start = (after[0] - before[0]) * 0.94 ** np.arange(51)
    assert (after - before - start)[:-1] == pytest.approx(np.zeros(50))
    assert (after - before - start)[-1] == pytest.approx(0.06 * (1.0 - 0.01))


def test_bad_decay_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="decay must lie"):
        ewma_variance(np.ones((1, 3)), decay=1.0)
