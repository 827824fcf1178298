"""Tests of `risk.estimators` and `risk.backtests`."""

import numpy as np
import pytest

from basics.errors import MissingDataError
from measures.tail import tail_risk
from risk.backtests import backtest, best_scored, confidence_set
from risk.estimators import ESTIMATORS, check_history, moments

RNG = np.random.default_rng(21)
NORMAL_ROW = RNG.normal(scale=1000.0, size=(1, 20_000))
CONFIDENCES = (0.95, 0.99)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_estimator_finds_the_tail_of_the_normal(name: str) -> None:
    value, shortfall = ESTIMATORS[name](NORMAL_ROW, CONFIDENCES)

    # Age weighting sees about 400 days and EWMA about 30, hence the tolerance.
    assert value[:, 0] == pytest.approx([1644.9, 2326.3], rel=0.25)
    assert shortfall[:, 0] == pytest.approx([2062.7, 2665.2], rel=0.25)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_estimators_scale_with_the_book(name: str) -> None:
    row = NORMAL_ROW[:, :500]
    value, shortfall = ESTIMATORS[name](row, CONFIDENCES)
    tripled, tripled_shortfall = ESTIMATORS[name](3 * row, CONFIDENCES)
    assert tripled == pytest.approx(3 * value)
    assert tripled_shortfall == pytest.approx(3 * shortfall)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_row_is_measured_alone_as_in_a_batch(name: str) -> None:
    rows = RNG.standard_t(5, size=(4, 300))
    value, shortfall = ESTIMATORS[name](rows, CONFIDENCES)
    for i in range(4):
        alone = ESTIMATORS[name](rows[i : i + 1], CONFIDENCES)
        assert value[:, i] == pytest.approx(alone[0][:, 0], rel=1e-12)
        assert shortfall[:, i] == pytest.approx(alone[1][:, 0], rel=1e-12)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_book_that_never_moves_has_no_risk(name: str) -> None:
    value, shortfall = ESTIMATORS[name](np.zeros((1, 300)), CONFIDENCES)
    assert value.tolist() == [[0.0], [0.0]]
    assert shortfall.tolist() == [[0.0], [0.0]]


def test_historical_is_the_empirical_tail() -> None:
    row = NORMAL_ROW[:, :777]
    value, _ = ESTIMATORS["historical"](row, (0.99,))
    assert value[0, 0] == tail_risk(row[0], confidence=0.99).value_at_risk


def test_moments_by_hand() -> None:
    mean, std, skewness, kurtosis = moments(np.array([[0.0, 0.0, 0.0, 4.0]]))
    # Centred: -1 -1 -1 3; m2 = 3, m3 = 6, m4 = 21.
    assert (mean[0], std[0]) == pytest.approx((1.0, 2.0))
    assert (skewness[0], kurtosis[0]) == pytest.approx((6 / 3**1.5, 21 / 9 - 3))


def test_short_history_is_refused() -> None:
    with pytest.raises(MissingDataError, match="99 days of P&L are too few: 100"):
        check_history(np.zeros((1, 99)), (0.95,))
    with pytest.raises(MissingDataError, match="1000 are needed"):
        check_history(np.zeros((1, 500)), (0.999,))


def test_right_forecasts_pass_and_halved_ones_fail() -> None:
    rows = RNG.normal(size=(600, 400))
    realised = RNG.normal(size=600)
    estimators = {
        "normal": ESTIMATORS["normal"],
        "halved": lambda r, c: ESTIMATORS["normal"](r / 2, c),
    }

    normal, halved = backtest(rows, realised, estimators=estimators, confidences=(0.95,), rng=RNG)

    assert normal.tests[0].kupiec_p > 0.01
    assert normal.tests[0].zone == "green"
    assert halved.tests[0].kupiec_p < 1e-6
    assert halved.tests[0].zone == "red"
    assert halved.tests[0].z2 is not None
    assert halved.tests[0].z2 < -1
    assert best_scored((normal, halved), confidence=0.95) == "normal"


def test_a_right_law_passes_the_shortfall_tests_and_is_in_the_confidence_set() -> None:
    rows = RNG.standard_t(6, size=(500, 500))
    realised = RNG.standard_t(6, size=500)
    estimators = {
        "historical": ESTIMATORS["historical"],
        "wild": lambda r, c: ESTIMATORS["normal"](3 * r, c),
    }

    runs = backtest(
        rows, realised, estimators=estimators, confidences=(0.975,), rng=np.random.default_rng(0)
    )

    (test,) = runs[0].tests
    assert test.z3 == pytest.approx(0.0, abs=0.2)
    assert test.z2_p is not None
    assert test.z2_p > 0.02
    assert runs[1].tests[0].z3 is None
    assert confidence_set(runs, at=0, rng=np.random.default_rng(0)) == {"historical"}


def test_understated_law_fails_the_shortfall_tests() -> None:
    rows = RNG.standard_t(6, size=(500, 500)) / 2
    realised = RNG.standard_t(6, size=500)
    (run,) = backtest(
        rows,
        realised,
        estimators={"historical": ESTIMATORS["historical"]},
        confidences=(0.975,),
        rng=np.random.default_rng(0),
    )
    assert run.tests[0].z2_p == pytest.approx(1 / 1001)
    assert run.tests[0].z3 < -0.5


def test_too_few_days_are_refused() -> None:
    with pytest.raises(MissingDataError, match="19 days are too few to backtest"):
        backtest(
            np.ones((19, 200)), np.ones(19), estimators=ESTIMATORS, confidences=(0.95,), rng=RNG
        )
