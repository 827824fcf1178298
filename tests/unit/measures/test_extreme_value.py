"""Tests of `measures.extreme_value`: exact quantiles, a second implementation, refusals."""

import numpy as np
import pytest
from scipy import stats

from basics.errors import InvalidInputError, MissingDataError
from measures.extreme_value import (
    ParetoTail,
    fit_pareto_tail,
    hill,
    tail_ratio,
    threshold_diagnostics,
)

LOSSES = stats.t(4).rvs(size=20_000, random_state=np.random.default_rng(0))


def exact(shape: float, n: int = 4000) -> np.ndarray:
    return stats.genpareto(shape, scale=2.0).ppf((np.arange(n) + 0.5) / n)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.15, 0.4])
def test_the_law_that_made_the_losses_is_found(shape: float) -> None:
    tail = fit_pareto_tail(exact(shape), threshold_quantile=0.01)
    assert tail.shape == pytest.approx(shape, abs=0.02)
    # Above u the scale is beta + xi u.
    assert tail.scale == pytest.approx(2.0 + shape * tail.threshold, rel=0.02)


def test_likelihood_is_at_least_that_of_scipy() -> None:
    tail = fit_pareto_tail(LOSSES, threshold_quantile=0.95)
    excesses = LOSSES[tail.threshold < LOSSES] - tail.threshold
    shape, _, scale = stats.genpareto.fit(excesses, floc=0.0)
    ours = stats.genpareto.logpdf(excesses, tail.shape, scale=tail.scale).sum()
    assert ours >= stats.genpareto.logpdf(excesses, shape, scale=scale).sum() - 1e-3


def test_value_at_risk_and_shortfall_by_hand() -> None:
    tail = ParetoTail(threshold=1.0, shape=0.25, scale=0.5, shape_error=0.1, n=1000, n_excesses=100)
    value = 1.0 + 2.0 * (0.1**-0.25 - 1.0)
    assert tail.value_at_risk(0.99) == pytest.approx(value)
    assert tail.expected_shortfall(0.99) == pytest.approx((value + 0.5 - 0.25) / 0.75)


def test_tail_extends_beyond_the_data_as_the_true_law_does() -> None:
    tail = fit_pareto_tail(LOSSES, threshold_quantile=0.95)
    assert tail.value_at_risk(0.999) == pytest.approx(stats.t(4).ppf(0.999), rel=0.08)


def test_fit_scales_with_the_losses() -> None:
    one, thousand = fit_pareto_tail(LOSSES[:2000]), fit_pareto_tail(1000 * LOSSES[:2000])
    assert thousand.shape == pytest.approx(one.shape, rel=1e-9)
    assert thousand.scale == pytest.approx(1000 * one.scale, rel=1e-9)


def test_diagnostics_are_stable_above_a_good_threshold() -> None:
    rows = threshold_diagnostics(exact(0.2), quantiles=(0.5, 0.7, 0.9))
    assert [row.shape for row in rows] == pytest.approx([0.2, 0.2, 0.2], abs=0.05)
    assert [row.modified_scale for row in rows] == pytest.approx([2.0, 2.0, 2.0], rel=0.12)
    assert all(row.distance < 0.03 for row in rows)
    assert threshold_diagnostics(exact(0.2, n=100), quantiles=(0.5, 0.9))[-1].quantile == 0.5


def test_hill_finds_the_index_of_a_pareto_law() -> None:
    losses = (1 - (np.arange(100_000) + 0.5) / 100_000) ** (-1 / 3.0)
    assert hill(losses, n_largest=2000) == pytest.approx(3.0, rel=0.02)


def test_symmetric_pnl_has_a_tail_ratio_of_one() -> None:
    assert tail_ratio(np.linspace(-1, 1, 1001)) == pytest.approx(1.0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(MissingDataError, match="10 losses beyond"):
        fit_pareto_tail(np.arange(100.0))
    with pytest.raises(InvalidInputError, match="finite vector"):
        fit_pareto_tail(np.array([np.nan]))
    with pytest.raises(InvalidInputError, match=r"it must reach 0\.9000"):
        fit_pareto_tail(LOSSES).value_at_risk(0.5)
    with pytest.raises(InvalidInputError, match="has no mean"):
        ParetoTail(
            threshold=1.0, shape=1.2, scale=1.0, shape_error=0.1, n=10, n_excesses=5
        ).expected_shortfall(0.9)
    with pytest.raises(InvalidInputError, match=r"1\.\.4, got 9"):
        hill(np.ones(5), n_largest=9)
    with pytest.raises(MissingDataError, match="needs losses"):
        tail_ratio(np.zeros(10))
