"""Tests of the labels: by hand, by law, and by refusal."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from features.labels import forward_return, forward_volatility, meta_label, triple_barrier
from features.leakage import prove_labels
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


def test_forward_volatility_by_hand() -> None:
    # Log returns after close(1): ln 2 and -ln 2, of mean 0: std ln 2 * sqrt(2 / 1).
    labels = forward_volatility(_panel([[5.0, 1.0, 2.0, 1.0, 7.0]]), horizon=2)

    assert labels.values[0, 0] == pytest.approx(np.log(2) * np.sqrt(2) * np.sqrt(252))
    assert (labels.start[0, 0], labels.end[0, 0]) == (1, 3)
    np.testing.assert_array_equal(np.isnan(labels.values[0]), [False, False, True, True, True])


def test_a_hole_leaves_the_volatility_unknown() -> None:
    labels = forward_volatility(_panel([[5.0, 1.0, np.nan, 1.0, 2.0, 4.0, 3.0]]), horizon=2)

    # Returns are missing at 2 and 3; the windows of t = 0, 1 hold one of them.
    np.testing.assert_array_equal(
        np.isnan(labels.values[0]), [True, True, False, False, True, True, True]
    )


def _barrier_panel(path: list[float]) -> Panel:
    """Daily returns of +-1% up to t = 3 (standard deviation known), then the path."""
    return _panel([[100.0, 101.0, 99.99, 100.9899, *path]])


def test_the_first_barrier_decides_and_ends_the_interval() -> None:
    # Entered at 100 one session after t = 3; with horizon 4 the unit is twice the std of
    # (+1%, -1%, +1%) = 1.1547%: barriers at +-2.309%.
    terms = {"horizon": 4, "profit": 1.0, "loss": 1.0, "volatility_window": 3}
    for path, outcome, end in (
        ([100.0, 101.0, 102.4, 90.0, 90.0], 1.0, 6),
        ([100.0, 101.0, 97.6, 110.0, 110.0], -1.0, 6),
        ([100.0, 101.0, 102.0, 101.0, 98.0], 0.0, 8),
    ):
        labels = triple_barrier(_barrier_panel(path), **terms)
        assert (labels.values[0, 3], labels.start[0, 3], labels.end[0, 3]) == (outcome, 4, end)


def test_a_path_that_ends_before_any_barrier_is_unknown() -> None:
    labels = triple_barrier(_barrier_panel([100.0, 101.0]), horizon=4, volatility_window=3)

    assert np.isnan(labels.values[0, 3])
    assert labels.end[0, 3] == -1


def test_meta_labels_say_whether_the_bet_gained() -> None:
    panel = _barrier_panel([100.0, 99.0, 97.0, 96.0, 95.0])
    terms = {"horizon": 4, "profit": 1.0, "loss": 1.0, "volatility_window": 3}

    for side, label in ((1.0, 0.0), (-1.0, 1.0)):
        labels = meta_label(panel, np.full((1, 9), side), **terms)
        assert labels.values[0, 3] == label
    assert np.isnan(meta_label(panel, np.zeros((1, 9)), **terms).values).all()


def test_every_label_rests_on_its_interval_alone() -> None:
    rng = np.random.default_rng(4)
    close = 30 * np.exp(np.cumsum(rng.normal(0, 0.02, (3, 400)), axis=1))
    close[1, 100:103] = np.nan
    panel, side = _panel(close.tolist()), np.sign(rng.normal(size=(3, 400)))
    makers = (
        lambda p: forward_return(p, horizon=5),
        lambda p: forward_volatility(p, horizon=10),
        lambda p: triple_barrier(p, horizon=10),
        # The bet of each session, wherever the history begins.
        lambda p: meta_label(p, side[:, np.isin(panel.sessions, p.sessions)], horizon=10),
    )
    for make in makers:
        report = prove_labels(make, panel, rng=rng)
        assert report.clean, str(report.leaks[0])


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"horizon": 5, "profit": 0.0}, "must be positive"),
        ({"horizon": 0}, "starts after t"),
        ({"horizon": 5, "volatility_window": 1}, "must be positive"),
    ],
)
def test_terms_that_make_no_bet_are_refused(terms: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        triple_barrier(_panel([[1.0, 2.0, 3.0]]), **terms)


def test_a_side_that_is_no_side_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="take the sign"):
        meta_label(_panel([[1.0, 2.0]]), np.full((1, 2), 0.3), horizon=1)


def test_a_volatility_of_one_return_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="one return has no volatility"):
        forward_volatility(_panel([[1.0, 2.0]]), horizon=1)
