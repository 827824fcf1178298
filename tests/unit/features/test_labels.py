"""Tests of the labels: by hand, by law, and by refusal."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from features.labels import forward_return
from market.panel import Panel


def _panel(close: list[list[float]]) -> Panel:
    values = np.array(close)
    sessions = np.datetime64("2020-01-01") + np.arange(values.shape[1])
    return Panel(tuple(f"S{i}" for i in range(len(values))), sessions, {"close": values})


def test_alpha158s_label_is_the_return_from_tomorrow_to_the_day_after() -> None:
    labels = forward_return(_panel([[10.0, 20.0, 30.0, 60.0]]), horizon=1)

    # From 20 to 30, then from 30 to 60.
    np.testing.assert_allclose(labels.values, [[0.5, 1.0, np.nan, np.nan]])
    np.testing.assert_array_equal(labels.start, [[1, 2, -1, -1]])
    np.testing.assert_array_equal(labels.end, [[2, 3, -1, -1]])


def test_a_missing_or_non_positive_close_at_either_end_leaves_the_label_unknown() -> None:
    labels = forward_return(_panel([[1.0, np.nan, 3.0, 0.0, 5.0, 6.0]]), horizon=1)

    np.testing.assert_array_equal(np.isnan(labels.values[0]), [True, True, True, False, True, True])
    assert labels.values[0, 3] == pytest.approx(0.2)


def test_a_panel_shorter_than_the_horizon_has_no_label() -> None:
    assert np.isnan(forward_return(_panel([[1.0, 2.0]]), horizon=5).values).all()


@pytest.mark.parametrize("arguments", [{"horizon": 0}, {"horizon": 1, "entry_lag": 0}])
def test_a_label_that_would_start_at_t_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="starts after t"):
        forward_return(_panel([[1.0, 2.0]]), **arguments)
