"""Tests of `risk.weekly`: every estimator, on many books, with whole-law ES tests."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from measures.tail import tail_risk
from risk.estimators import ESTIMATORS
from risk.joint import LAWS, Draws, joint_law
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket
from risk.weekly import WeeklyTerms, measure_weekly

TERMS = WeeklyTerms(window=250, days=60, refit=20, n_scenarios=512, seed=4)
RETURNS = np.random.default_rng(8).standard_t(5, size=(3, 400)) * 0.01
MARKET = NightMarket(
    state=estimate_state(
        ("A", "B", "C"), RETURNS, market=RETURNS.mean(axis=0), rates=None, daily_notional={}
    ),
    returns=RETURNS,
    sectors={},
)
BOOKS = NightBooks(
    names=("long", "hedged", "empty", "unpriced"),
    exposures=np.array(
        [[100.0, 50.0, 20.0], [100.0, -100.0, 0.0], [0.0, 0.0, 0.0], [1.0, np.nan, 0.0]]
    ),
    equity=np.full(4, 1000.0),
    drawdown=np.zeros(4),
)


@pytest.fixture(scope="module")
def measured():
    return measure_weekly(BOOKS, MARKET, terms=TERMS)


def test_every_method_has_its_tail_and_all_three_tests(measured) -> None:
    rows, failures = measured
    assert [row.name for row in rows] == ["long", "hedged"]
    assert {f.name: f.reason.split(":")[0] for f in failures} == {
        "empty": "the book is empty",
        "unpriced": "an exposure is missing",
    }
    for row in rows:
        assert {m.method for m in row.methods} == {*ESTIMATORS, *LAWS}
        assert len(row.methods) == 3 * (len(ESTIMATORS) + len(LAWS))
        assert sum(m.best for m in row.methods) == 3
        assert all(m.in_confidence_set for m in row.methods if m.best)
        for method in row.methods:
            assert method.expected_shortfall >= method.value_at_risk > 0
            test = method.backtest
            assert test.n_days == 60
            assert 0 < test.z2_p <= 1
            if method.confidence == 0.95:
                assert 0 < test.z3_p <= 1
        assert row.thresholds


def test_tomorrows_number_is_that_of_the_estimator_on_the_last_window(measured) -> None:
    row = measured[0][0]
    tomorrow = {m.method: m.value_at_risk for m in row.methods if m.confidence == 0.99}
    window = RETURNS[:, -250:]
    pnl = (BOOKS.exposures[0] @ window)[None]
    for name, estimate in ESTIMATORS.items():
        assert tomorrow[name] == pytest.approx(float(estimate(pnl, (0.99,))[0][0, 0])), name
    law = joint_law(
        "monte_carlo_t_copula", BOOKS.exposures[:1], window, Draws(seed=4, n_scenarios=512)
    )
    assert tomorrow["monte_carlo_t_copula"] == pytest.approx(
        tail_risk(law[0], confidence=0.99).value_at_risk, rel=1e-5
    )


def test_forecasts_do_not_know_the_days_they_are_tested_on(measured) -> None:
    later = RETURNS.copy()
    later[:, -1] = -0.5
    (row, *_), _ = measure_weekly(BOOKS, replace(MARKET, returns=later), terms=TERMS)
    before = {(m.method, m.confidence): m.backtest.exceedances for m in measured[0][0].methods}
    after = {(m.method, m.confidence): m.backtest.exceedances for m in row.methods}
    fell = (BOOKS.exposures[0] @ RETURNS[:, -1]) < -10
    assert not fell
    assert after == {key: count + 1 for key, count in before.items()}


def test_a_chunk_of_its_own_gives_the_same_row(measured) -> None:
    (alone,), _ = measure_weekly(BOOKS.chunk(1, 2), MARKET, terms=TERMS)
    together = measured[0][1]
    for one, other in zip(alone.methods, together.methods, strict=True):
        assert one.value_at_risk == pytest.approx(other.value_at_risk, rel=1e-5)
        assert one.backtest.exceedances == other.backtest.exceedances


def test_a_book_that_never_moved_is_a_row_or_a_failure_but_never_hides_the_rest() -> None:
    still = RETURNS.copy()
    still[2] = 0.0
    books = replace(
        BOOKS.chunk(0, 2),
        names=("moves", "still"),
        exposures=np.array([[1.0, 0, 0], [0, 0, 1.0]]),
    )
    rows, failures = measure_weekly(books, replace(MARKET, returns=still), terms=TERMS)
    assert {r.name for r in rows} | {f.name for f in failures} == {"moves", "still"}
    assert "moves" in {r.name for r in rows}


def test_short_history_and_bad_terms_are_refused() -> None:
    with pytest.raises(MissingDataError, match="400 sessions of returns"):
        measure_weekly(BOOKS, MARKET, terms=WeeklyTerms())
    with pytest.raises(InvalidInputError, match="must reach 100"):
        WeeklyTerms(window=50)
    rows, failures = measure_weekly(BOOKS.chunk(2, 4), MARKET, terms=TERMS)
    assert (rows, len(failures)) == ((), 2)
