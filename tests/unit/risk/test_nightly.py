"""Tests of `risk.rolling` and `risk.nightly`: the night equals one book at a time."""

from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from measures.var_backtests import traffic_light
from risk.decomposition import normal_components
from risk.estimators import ESTIMATORS
from risk.limits import Limit, Scope
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket, measure_books
from risk.rolling import rolling_forecasts
from risk.shocks import Shock
from risk.stress import Basis, StressScenario, run_stress

CONFIDENCES = (0.95, 0.975, 0.99)
RNG = np.random.default_rng(3)
PNL = RNG.standard_t(5, size=(3, 420)) * 100.0
SYMBOLS = ("A", "B", "C", "D")
RETURNS = RNG.standard_t(5, size=(4, 420)) * 0.01
MARKET = NightMarket(
    state=estimate_state(
        SYMBOLS, RETURNS, market=RETURNS.mean(axis=0), rates=None, daily_notional={"A": 1e6}
    ),
    returns=RETURNS,
    sectors={"A": "x"},
)
LIMITS = (
    Limit(metric="weight", scope=Scope.SYMBOL, warn=0.5, soft=0.6, hard=0.7, owner="risk"),
    Limit(metric="drawdown", scope=Scope.PORTFOLIO, warn=0.1, soft=0.15, hard=0.2, owner="risk"),
)
SCENARIOS = (
    StressScenario(
        name="crash",
        title="",
        description="",
        basis=Basis.REVALUATION,
        shock=Shock(market_return=-0.2),
    ),
    StressScenario(
        name="spike",
        title="",
        description="",
        basis=Basis.TAIL_LOSS,
        shock=Shock(volatility_multiple=3, correlation_target=1, correlation_weight=0.5),
    ),
    StressScenario(
        name="drought",
        title="",
        description="",
        basis=Basis.LIQUIDATION,
        shock=Shock(spread_multiple=10, volume_multiple=0.2),
    ),
)
BOOKS = NightBooks(
    names=("one", "two", "empty", "broken", "bust"),
    exposures=np.array(
        [
            [100.0, 200.0, 0.0, 50.0],
            [800.0, -100.0, 50.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [1.0, np.nan, 0.0, 0.0],
            [1.0, 0.0, 0.0, 0.0],
        ]
    ),
    equity=np.array([1000.0, 1000.0, 1000.0, 1000.0, -5.0]),
    drawdown=np.array([0.05, 0.12, 0.0, 0.0, 0.0]),
)


def night():
    return measure_books(
        BOOKS, MARKET, limits=LIMITS, scenarios=SCENARIOS, as_of=date(2022, 1, 3), window=250
    )


@pytest.mark.parametrize("name", ["historical", "normal", "student_t", "cornish_fisher"])
def test_rolling_forecasts_equal_the_estimators_window_by_window(name: str) -> None:
    value, shortfall = rolling_forecasts(PNL, window=200, confidences=CONFIDENCES)[name]

    for book in range(3):
        rows = np.lib.stride_tricks.sliding_window_view(PNL[book], 200)
        expected, expected_shortfall = ESTIMATORS[name](rows, CONFIDENCES)
        assert value[:, book] == pytest.approx(expected, rel=1e-10)
        assert shortfall[:, book] == pytest.approx(expected_shortfall, rel=1e-10)


def test_rolling_monte_carlo_equals_the_estimator() -> None:
    value, _ = rolling_forecasts(PNL[:1], window=419, confidences=CONFIDENCES)["monte_carlo"]
    expected, _ = ESTIMATORS["monte_carlo"](PNL[:1, 1:], CONFIDENCES)
    assert value[:, 0, -1] == pytest.approx(expected[:, 0], rel=1e-10)


def test_rolling_filter_is_near_the_estimator_that_starts_at_the_window() -> None:
    value, _ = rolling_forecasts(PNL, window=400, confidences=(0.95,))["filtered_ewma"]
    expected, _ = ESTIMATORS["filtered_ewma"](PNL[:, 20:], (0.95,))
    assert value[0, :, -1] == pytest.approx(expected[0], rel=0.03)


def test_ties_and_constant_stretches_stay_sorted() -> None:
    pnl = np.array([[0.0] * 60 + [1.0, -1.0] * 60 + [0.0] * 120])
    value, _ = rolling_forecasts(pnl, window=100, confidences=CONFIDENCES)["historical"]
    rows = np.lib.stride_tricks.sliding_window_view(pnl[0], 100)
    assert value[:, 0].tolist() == ESTIMATORS["historical"](rows, CONFIDENCES)[0].tolist()


def test_forecast_uses_no_day_it_forecasts() -> None:
    changed = PNL.copy()
    changed[:, 300:] *= 50.0
    before = rolling_forecasts(PNL, window=200, confidences=CONFIDENCES)
    after = rolling_forecasts(changed, window=200, confidences=CONFIDENCES)
    for name, (value, _) in before.items():
        # Column 100 forecasts day 300, the first that changed.
        assert after[name][0][:, :, :101] == pytest.approx(value[:, :, :101], rel=1e-9)


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(MissingDataError, match="a window of 50"):
        rolling_forecasts(PNL, window=50, confidences=CONFIDENCES)


def test_rows_equal_one_book_at_a_time() -> None:
    rows, _ = night()

    for row, exposures in zip(rows, BOOKS.exposures, strict=False):
        split = normal_components(exposures, MARKET.state.covariance, confidence=0.99)
        assert sum(row.component_var.values()) == pytest.approx(split.value_at_risk)
        single = run_stress(SCENARIOS, MARKET.state, exposures, equity=1000.0)
        assert list(row.stresses.values()) == pytest.approx([s.loss for s in single])
        pnl = exposures @ RETURNS
        historical = next(
            m for m in row.methods if (m.method, m.confidence) == ("historical", 0.99)
        )
        value, shortfall = ESTIMATORS["historical"](pnl[None, -250:], (0.99,))
        assert historical.value_at_risk == value[0, 0]
        assert sum(row.component_es.values()) == pytest.approx(shortfall[0, 0])
        assert historical.n_days == 170


def test_bad_books_are_failures_beside_the_rows() -> None:
    rows, failures = night()
    assert [row.name for row in rows] == ["one", "two"]
    assert {f.name: f.reason for f in failures} == {
        "empty": "the book is empty",
        "broken": "an exposure is missing: a position has no price",
        "bust": "equity must be positive, got -5.0",
    }


def test_breach_raises_the_level() -> None:
    rows, _ = night()
    assert (rows[1].limit_state, rows[1].level) == ("hard", "HIGH")
    assert rows[1].breached == ("weight of A",)
    assert rows[1].score > rows[0].score


def test_wrong_shape_is_a_wrong_call() -> None:
    with pytest.raises(InvalidInputError, match="do not match 5 books"):
        measure_books(
            NightBooks(
                names=BOOKS.names,
                exposures=BOOKS.exposures[:, :2],
                equity=BOOKS.equity,
                drawdown=BOOKS.drawdown,
            ),
            MARKET,
            limits=LIMITS,
            scenarios=SCENARIOS,
            as_of=date(2022, 1, 3),
        )


def test_each_row_carries_zone_joint_coverage_and_loss_and_one_is_best() -> None:
    row = night()[0][0]
    for method in row.methods:
        light = traffic_light(method.exceedances, method.n_days, confidence=method.confidence)
        assert (method.zone, method.frtb_multiplier) == (light.zone, light.multiplier)
        assert 0 <= method.coverage_p <= 1
    for confidence in (0.95, 0.975, 0.99):
        rows = [m for m in row.methods if m.confidence == confidence]
        (best,) = [m for m in rows if m.best]
        assert best.fissler_ziegel == min(m.fissler_ziegel for m in rows)
