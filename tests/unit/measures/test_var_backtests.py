"""Tests of `measures.var_backtests`: golden numbers, second implementations, size and power."""

import math

import numpy as np
import pytest
from scipy import stats

from basics.errors import InvalidInputError, MissingDataError
from measures.var_backtests import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    christoffersen,
    conditional_coverage,
    dynamic_quantile,
    exceedances,
    kupiec,
    traffic_light,
)


def test_kupiec_golden() -> None:
    result = kupiec(5, 250, confidence=0.99)
    assert result.statistic == pytest.approx(1.95681, abs=1e-5)
    assert result.p_value == pytest.approx(0.16185, abs=1e-5)


def test_kupiec_without_exceedance_uses_zero_log_zero() -> None:
    assert kupiec(0, 250, confidence=0.99).statistic == pytest.approx(-500 * math.log(0.99))


def test_christoffersen_by_hand() -> None:
    # 0 0 1 1 0 1: transitions 00, 01, 11, 10, 01.
    hits = np.array([0, 0, 1, 1, 0, 1], dtype=bool)

    result = christoffersen(hits)

    null = 2 * math.log(1 - 3 / 5) + 3 * math.log(3 / 5)
    chain = math.log(1 / 3) + 2 * math.log(2 / 3) + math.log(1 / 2) + math.log(1 / 2)
    assert result.statistic == pytest.approx(-2 * (null - chain))
    assert result.p_value == pytest.approx(stats.chi2.sf(result.statistic, 1))


def test_conditional_coverage_is_the_sum_on_two_degrees() -> None:
    hits = np.random.default_rng(2).random(500) < 0.03
    result = conditional_coverage(hits, confidence=0.99)
    parts = kupiec(int(hits.sum()), 500, confidence=0.99).statistic + christoffersen(hits).statistic
    assert result.statistic == pytest.approx(parts)
    assert result.p_value == pytest.approx(stats.chi2.sf(parts, 2))


@pytest.mark.parametrize(
    ("count", "zone", "multiplier"),
    [  # MAR99 and MAR33: 250 days at 99%.
        (4, "green", 1.5),
        (5, "yellow", 1.70),
        (6, "yellow", 1.76),
        (9, "yellow", 1.92),
        (10, "red", 2.0),
    ],
)
def test_basel_zones_of_250_days(count: int, zone: str, multiplier: float) -> None:
    light = traffic_light(count, 250, confidence=0.99)
    assert (light.zone, light.multiplier) == (zone, multiplier)


def test_dynamic_quantile_keeps_its_size_and_finds_clusters() -> None:
    rng = np.random.default_rng(11)
    var = 1.0 + rng.random(500)
    independent = [
        dynamic_quantile(rng.random(500) < 0.05, var, confidence=0.95).p_value for _ in range(200)
    ]
    assert np.mean(np.array(independent) < 0.05) < 0.15

    clustered = np.zeros(500, dtype=bool)
    clustered[100:125] = True
    assert dynamic_quantile(clustered, var, confidence=0.95).p_value < 1e-6


def test_dynamic_quantile_of_a_constant_forecast_drops_a_degree() -> None:
    hits = np.random.default_rng(5).random(300) < 0.05
    result = dynamic_quantile(hits, np.full(300, 2.0), confidence=0.95)
    assert 0.0 <= result.p_value <= 1.0


def test_expected_shortfall_tests_are_centred_when_the_forecast_is_right() -> None:
    pnl = np.random.default_rng(1).normal(size=200_000)
    var, es = np.full(len(pnl), 1.959964), np.full(len(pnl), 2.337803)  # 97.5% of the normal

    assert acerbi_szekely_z2(pnl, var, es, confidence=0.975) == pytest.approx(0.0, abs=0.03)
    assert acerbi_szekely_z1(pnl, var, es) == pytest.approx(0.0, abs=0.01)


def test_understated_risk_is_negative() -> None:
    pnl = 2 * np.random.default_rng(1).normal(size=5_000)
    var, es = np.full(5_000, 1.96), np.full(5_000, 2.34)
    assert acerbi_szekely_z2(pnl, var, es, confidence=0.975) < -0.7


def test_exceedance_is_a_loss_beyond_the_forecast() -> None:
    hits = exceedances(np.array([-3.0, -2.0, 5.0]), np.array([2.0, 2.0, -6.0]))
    assert hits.tolist() == [True, False, True]


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must match"):
        exceedances(np.zeros(3), np.zeros(2))
    with pytest.raises(MissingDataError, match="at least one day"):
        kupiec(0, 0, confidence=0.99)
    with pytest.raises(MissingDataError, match="no exceedance"):
        acerbi_szekely_z1(np.ones(5), np.ones(5), np.ones(5))
    with pytest.raises(MissingDataError, match="too few"):
        dynamic_quantile(np.zeros(8, dtype=bool), np.ones(8), confidence=0.99)
