"""Tests of the volatility kind: by hand, by closed form, causal, and honest about what wins."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from measures.evidence_losses import qlike
from models.garch import filter_variance, fit_garch, garch_forecasts
from models.variance import daily_returns, ewma_rows, trailing_mean
from models.volatility import VolatilitySpec, variance_ratio, volatility_features
from services.training import Training
from services.training_inputs import TrainingInputs
from tests.fakes.model_registry import MemoryRegistry


def _panel(years: int = 6, series: int = 4, *, clustered: bool = True) -> Panel:
    """Prices whose variance follows a GARCH(1,1), or stays as it is."""
    rng = np.random.default_rng(8)
    sessions = np.arange("2005-01-01", f"{2005 + years}-01-01", dtype="datetime64[D]")
    returns = np.empty((series, len(sessions)))
    variance = np.full(series, 1e-4)
    for t in range(len(sessions)):
        returns[:, t] = np.sqrt(variance) * rng.normal(size=series)
        if clustered:
            variance = 4e-6 + 0.15 * returns[:, t] ** 2 + 0.81 * variance
    names = tuple("ABCDEFGH"[:series])
    return Panel(names, sessions, {"close": 100 * np.exp(np.cumsum(returns, axis=1))})


def test_qlike_is_zero_for_the_truth_and_worse_below_it() -> None:
    low, exact, high = qlike(np.array([2.0, 2.0, 2.0]), np.array([1.0, 2.0, 4.0]))

    assert exact == 0.0
    assert low == pytest.approx(2.0 - np.log(2.0) - 1.0)
    assert high == pytest.approx(0.5 - np.log(0.5) - 1.0)
    assert low > high


def test_a_variance_of_zero_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be positive"):
        qlike(np.array([0.0]), np.array([1.0]))


def test_ewma_by_hand_after_its_start() -> None:
    panel = _panel(years=1, series=1)
    returns = daily_returns(panel)

    variance = ewma_rows(returns)

    start = float(np.mean(returns[0, 1:67] ** 2))
    assert np.isnan(variance[0, 66])
    assert variance[0, 67] == pytest.approx(0.94 * start + 0.06 * returns[0, 67] ** 2)


def test_the_label_is_the_variance_to_come_over_todays_forecast() -> None:
    panel = _panel(years=1, series=1)
    returns, ewma = daily_returns(panel), ewma_rows(daily_returns(panel))

    labels = variance_ratio(panel, horizon=5)

    expected = np.mean(returns[0, 101:106] ** 2) / ewma[0, 100]
    assert labels.values[0, 100] == pytest.approx(expected)
    assert (labels.start[0, 100], labels.end[0, 100]) == (101, 105)
    assert np.isnan(labels.values[0, -5:]).all()


def test_a_mean_over_a_gap_is_not_known() -> None:
    means = trailing_mean(np.array([[1.0, 2.0, np.nan, 4.0, 5.0]]), 2)

    assert np.array_equal(means, [[np.nan, 1.5, np.nan, np.nan, 4.5]], equal_nan=True)


def test_features_know_nothing_of_tomorrow() -> None:
    whole = _panel(years=5, series=2)
    early = whole.window(0, 1200)

    a = volatility_features(whole, ranges=False).values[:, :, :1200]
    b = volatility_features(early, ranges=False).values

    assert np.array_equal(a, b, equal_nan=True)


def test_range_estimators_need_the_range() -> None:
    with pytest.raises(MissingDataError, match="open, high and low"):
        volatility_features(_panel(years=1, series=1), ranges=True, garch=False)


def test_parkinson_of_a_known_range() -> None:
    bare = _panel(years=1, series=1)
    close = bare["close"]
    fields = {"close": close, "open": close, "high": close * 1.01, "low": close / 1.01}
    panel = Panel(bare.symbols, bare.sessions, fields, frozenset({"high"}))

    features = volatility_features(panel, ranges=True, garch=False)

    expected = (2 * np.log(1.01)) ** 2 / (4 * np.log(2.0))
    ratio = features["parkinson_1"][0, 200] * ewma_rows(daily_returns(panel))[0, 200]
    assert ratio == pytest.approx(expected)
    assert features.simulated == frozenset({"high"})


def test_garch_recovers_the_process_that_made_the_returns() -> None:
    returns = daily_returns(_panel(years=20, series=1))[0, 1:]

    found = fit_garch(returns, asymmetric=False)

    assert found is not None
    _, omega, alpha, gamma, beta = found
    assert gamma == 0.0
    assert alpha == pytest.approx(0.15, abs=0.04)
    assert beta == pytest.approx(0.81, abs=0.05)
    assert omega == pytest.approx(4e-6, abs=2e-6)


def test_filtered_variance_by_hand() -> None:
    variance = filter_variance(np.array([0.01, -0.02]), (0.0, 1e-5, 0.1, 0.2, 0.8))

    start = np.var([0.01, -0.02])
    first = 1e-5 + 0.1 * 0.01**2 + 0.8 * start
    assert variance[1] == pytest.approx(first)
    # A loss counts gamma too.
    assert variance[2] == pytest.approx(1e-5 + 0.3 * 0.02**2 + 0.8 * first)


def test_a_forecast_far_ahead_tends_to_the_long_run_variance() -> None:
    returns = daily_returns(_panel(years=8, series=1))
    refits = np.array([1500])

    near = garch_forecasts(returns, refits=refits, horizon=1)[0, 1500:]
    far = garch_forecasts(returns, refits=refits, horizon=2000)[0, 1500:]

    assert np.isnan(garch_forecasts(returns, refits=refits, horizon=1)[0, :1500]).all()
    assert far.std() < 0.05 * near.std()


def test_clustered_volatility_is_foretold_better_than_by_ewma() -> None:
    panel = _panel(years=10)
    spec = VolatilitySpec(first_test_year=2009)

    result = Training(MemoryRegistry(), code_version="c").train(
        TrainingInputs(
            features=volatility_features(panel, ranges=False),
            outcome=variance_ratio(panel, horizon=5),
            data_version="d",
            spec=spec,
        )
    )

    assert result.verdict.promoted, result.verdict.summary
    assert result.metrics["har"]["qlike"] < result.metrics["ewma"]["qlike"]
    # What made the data cannot be beaten by what only approximates it.
    assert result.metrics["garch"]["qlike"] < result.metrics["har"]["qlike"]
    assert result.baseline.estimator == "ewma"
