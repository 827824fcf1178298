"""Tests of `risk.laws`: a whole law is that of the estimator whose name it bears."""

import numpy as np
import pytest
from scipy import stats

from measures.tail import tail_risks
from risk.backtests import backtest
from risk.estimators import ESTIMATORS
from risk.laws import FITTED_LAWS, LAW_OUTCOMES, SCENARIO_LAWS, normal_law, strata

CONFIDENCES = (0.95, 0.975, 0.99)
ROWS = np.random.default_rng(2).standard_t(5, size=(4, 1000)) * 0.01


def test_every_estimator_has_a_whole_law() -> None:
    assert set(FITTED_LAWS) | set(SCENARIO_LAWS) == set(ESTIMATORS)


@pytest.mark.parametrize("name", FITTED_LAWS)
def test_a_law_has_the_tails_of_its_estimator(name: str) -> None:
    law = FITTED_LAWS[name](ROWS, LAW_OUTCOMES)
    assert law.shape == (4, LAW_OUTCOMES)
    assert (np.diff(law, axis=1) >= 0).all()
    value, shortfall = tail_risks(law, confidences=CONFIDENCES)
    own_value, own_shortfall = ESTIMATORS[name](ROWS, CONFIDENCES)
    # Weighted scenarios are steps, and a heavy Pareto tail goes on beyond the last stratum.
    near = {"age_weighted": (0.1, 0.03), "extreme_value": (0.01, 0.02)}.get(name, (0.01, 0.01))
    assert value == pytest.approx(own_value, rel=near[0])
    assert shortfall == pytest.approx(own_shortfall, rel=near[1])


def test_a_normal_law_is_its_quantiles() -> None:
    row = ROWS[:1]
    expected = stats.norm(row.mean(), row.std(ddof=1)).ppf(strata(50))
    assert normal_law(row, 50)[0] == pytest.approx(expected)


def test_p_values_of_a_right_law_are_uniform_and_of_a_small_one_tiny() -> None:
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(300, 500))
    p_values = []
    for _ in range(40):
        (run,) = backtest(
            rows, rng.normal(size=300), estimators={"normal": ESTIMATORS["normal"]},
            confidences=(0.95,), rng=rng,
        )  # fmt: skip
        p_values.append([run.tests[0].z1_p, run.tests[0].z2_p, run.tests[0].z3_p])
    for column in np.array(p_values).T:
        assert stats.kstest(column, "uniform").pvalue > 0.001

    (wrong,) = backtest(
        rows, 2.0 * rng.normal(size=300), estimators={"normal": ESTIMATORS["normal"]},
        confidences=(0.95,), rng=rng,
    )  # fmt: skip
    assert max(wrong.tests[0].z1_p, wrong.tests[0].z2_p, wrong.tests[0].z3_p) < 0.01


def test_every_estimator_carries_all_three_p_values() -> None:
    rng = np.random.default_rng(1)
    pnl = rng.standard_t(5, size=700)
    rows = np.lib.stride_tricks.sliding_window_view(pnl, 400)[:-1]
    runs = backtest(rows, pnl[400:], estimators=ESTIMATORS, confidences=CONFIDENCES, rng=rng)
    for run in runs:
        for test in run.tests:
            assert 0 < test.z2_p <= 1, run.estimator
            assert 0 < test.z3_p <= 1, run.estimator
            assert (test.z1_p is None) == (test.exceedances == 0), run.estimator
