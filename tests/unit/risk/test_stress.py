"""Tests of `risk.shocks` and `risk.stress`."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.covariance import is_positive_semidefinite
from risk.shocks import MarketState, Shock
from risk.stress import Basis, StressScenario, days_to_liquidate, run_stress

NORMAL_ES_99 = 2.665214
STATE = MarketState(
    symbols=("A", "B"),
    moves=np.zeros(2),
    volatilities=np.array([0.01, 0.02]),
    correlation=np.array([[1.0, 0.2], [0.2, 1.0]]),
    market_betas=np.array([1.0, 1.5]),
    rate_betas=np.array([-4.0, 2.0]),
    half_spreads=np.array([0.0001, 0.0002]),
    daily_notional=np.array([1e6, np.nan]),
    factor_betas={"oil": np.array([0.1, -0.2])},
)
BOOK = np.array([1000.0, -200.0])


def run(shock: Shock, basis: Basis = Basis.REVALUATION):
    scenario = StressScenario(name="s", title="S", description="d", basis=basis, shock=shock)
    return run_stress([scenario], STATE, BOOK, equity=1000.0)[0]


def test_crash_moves_each_position_by_its_beta() -> None:
    result = run(Shock(market_return=-0.2))
    # 1000 * 0.2 lost on the long, 200 * 0.3 won on the short.
    assert result.contributions == {"A": pytest.approx(200.0), "B": pytest.approx(-60.0)}
    assert result.loss == pytest.approx(140.0)
    assert result.loss_fraction == pytest.approx(0.14)


def test_rate_and_factor_shocks_add_up() -> None:
    result = run(Shock(rate_change=0.01, factor_returns={"oil": 0.5}, symbol_returns={"A": -0.1}))
    assert result.contributions["A"] == pytest.approx(1000 * (0.04 - 0.05 + 0.1))
    assert result.contributions["B"] == pytest.approx(-200 * (-0.02 + 0.1))


def test_volatility_spike_triples_the_tail_loss() -> None:
    result = run(Shock(volatility_multiple=3.0), Basis.TAIL_LOSS)
    variance = 10.0**2 + 4.0**2 - 2 * 0.2 * 10 * 4
    assert result.normal_loss == pytest.approx(NORMAL_ES_99 * variance**0.5, rel=1e-6)
    assert result.loss == pytest.approx(3 * result.normal_loss)
    assert sum(result.contributions.values()) == pytest.approx(result.loss)


def test_correlation_shock_leaves_a_valid_matrix() -> None:
    wide = MarketState(
        symbols=tuple("ABCDE"),
        moves=np.zeros(5),
        volatilities=np.ones(5),
        correlation=np.eye(5),
        market_betas=np.ones(5),
        rate_betas=np.zeros(5),
        half_spreads=np.zeros(5),
        daily_notional=np.ones(5),
    )
    # Five assets cannot all be correlated at -0.9: the repair must step in.
    after = Shock(correlation_target=-1.0, correlation_weight=0.9).apply(wide)
    assert is_positive_semidefinite(after.correlation)
    assert np.diag(after.correlation) == pytest.approx(np.ones(5))
    assert wide.correlation.tolist() == np.eye(5).tolist()


def test_liquidity_crisis_costs_more_than_calm() -> None:
    result = run(Shock(spread_multiple=10.0, volume_multiple=0.2), Basis.LIQUIDATION)
    assert result.normal_loss is not None
    # B's volume is unknown: ten times the half spread of 0.0002 on 200.
    assert result.contributions["B"] == pytest.approx(0.4)
    assert result.loss > 5 * result.normal_loss > 0
    assert run(Shock(), Basis.LIQUIDATION).loss == pytest.approx(
        run(Shock(), Basis.LIQUIDATION).normal_loss
    )


def test_nothing_falls_below_zero_value() -> None:
    assert run(Shock(market_return=-0.9)).contributions["B"] == pytest.approx(-200.0)


def test_days_to_liquidate_by_hand() -> None:
    days = days_to_liquidate(np.array([1000.0, -500.0, 0.0]), np.array([1e5, np.nan, np.nan]))
    assert days[0] == pytest.approx(0.1)
    assert np.isnan(days[1])
    assert days[2] == 0.0


def test_impossible_shocks_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="volatility_multiple must be positive, got 0"):
        Shock(volatility_multiple=0.0)
    with pytest.raises(InvalidInputError, match=r"correlation_weight must lie in \[0, 1\]"):
        Shock(correlation_weight=2.0)
    with pytest.raises(InvalidInputError, match="market_return must not fall below -1"):
        Shock(market_return=-1.5)
    with pytest.raises(InvalidInputError, match=r"no sensitivity to factor 'gold'.*known are oil"):
        Shock(factor_returns={"gold": 1.0}).apply(STATE)
