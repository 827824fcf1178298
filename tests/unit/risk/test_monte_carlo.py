"""Tests of `risk.monte_carlo` and `risk.what_if`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from measures.correlation import tail_dependence
from measures.tail import tail_risk
from risk.monte_carlo import (
    fit_copula_degrees,
    linear_normal_pnl,
    monte_carlo_blocks,
    monte_carlo_factor,
    monte_carlo_normal,
    monte_carlo_t_copula,
    quasi_normal_pnl,
)
from risk.scenarios import Scenarios
from risk.what_if import WhatIf

COVARIANCE = np.array([[4.0, 1.0], [1.0, 2.0]]) * 1e-4
EXPOSURES = np.array([300.0, -100.0])
STD = float((EXPOSURES @ COVARIANCE @ EXPOSURES) ** 0.5)


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


def test_normal_draws_are_antithetic_reproducible_and_have_the_covariance() -> None:
    def draw() -> Scenarios:
        return monte_carlo_normal(
            ("A", "B"), COVARIANCE, n_scenarios=200_000, rng=rng(), horizon_days=5
        )

    scenarios = draw()

    assert scenarios.returns.dtype == np.float32
    assert (scenarios.returns[:, :100_000] == -scenarios.returns[:, 100_000:]).all()
    assert np.cov(scenarios.returns) == pytest.approx(5 * COVARIANCE, rel=0.02)
    assert scenarios.returns.tobytes() == draw().returns.tobytes()


def test_streams_are_the_same_whatever_the_threads_and_join_without_a_seam() -> None:
    symbols = tuple(map(str, range(20)))
    mixed = np.random.default_rng(1).normal(size=(20, 20)) * 0.01
    covariance = mixed @ mixed.T
    drawn = {
        threads: monte_carlo_normal(
            symbols, covariance, n_scenarios=60_000, rng=rng(), threads=threads
        ).returns
        for threads in (1, 3)
    }

    assert drawn[1].tobytes() == drawn[3].tobytes()
    assert np.cov(drawn[1]) == pytest.approx(covariance, abs=0.02 * covariance.max())
    blocks = drawn[1][:, :28_672].reshape(20, 7, 4_096)
    seams = np.corrcoef(blocks[0])
    assert np.abs(seams - np.eye(7)).max() < 0.07


def test_singular_covariance_is_drawn_from_its_eigenvector_root() -> None:
    returns = monte_carlo_normal(
        ("A", "B"), np.full((2, 2), 1e-4), n_scenarios=20_000, rng=rng()
    ).returns
    assert returns[0] == pytest.approx(returns[1], abs=1e-7)
    assert returns[0].std() == pytest.approx(0.01, rel=0.02)


def test_blocks_cover_what_was_asked_for() -> None:
    blocks = list(
        monte_carlo_blocks(("A", "B"), COVARIANCE, n_scenarios=1000, block=300, rng=rng())
    )
    assert [b.returns.shape[1] for b in blocks] == [300, 300, 300, 100]


def test_linear_book_in_one_dimension_has_the_closed_form_tail() -> None:
    pnl = linear_normal_pnl(EXPOSURES, COVARIANCE, n_scenarios=400_000, rng=rng())
    assert tail_risk(pnl, confidence=0.99).value_at_risk == pytest.approx(2.326348 * STD, rel=0.01)


def test_quasi_random_is_ten_times_nearer_than_random_on_the_same_draws() -> None:
    quasi = quasi_normal_pnl(EXPOSURES, COVARIANCE, n_factors=2, n_scenarios=2**14, seed=3)
    error = tail_risk(quasi, confidence=0.99).expected_shortfall / STD - 2.665214
    random = [
        tail_risk(np.random.default_rng(s).normal(size=2**14), confidence=0.99).expected_shortfall
        - 2.665214
        for s in range(20)
    ]
    assert abs(error) < 0.3 * float(np.std(random))


def test_factor_draws_have_the_factor_covariance() -> None:
    loadings = np.array([[1.0, 0.5], [0.8, -0.2], [0.0, 1.0]])
    factors, specific = np.diag([4e-4, 1e-4]), np.array([1e-4, 2e-4, 3e-4])

    scenarios = monte_carlo_factor(
        ("A", "B", "C"), loadings, factors, specific, n_scenarios=200_000, rng=rng()
    )

    expected = loadings @ factors @ loadings.T + np.diag(specific)
    assert np.cov(scenarios.returns) == pytest.approx(expected, abs=8e-6)


def test_t_copula_keeps_margins_and_joins_the_extremes() -> None:
    generator = rng()
    shared = np.sqrt(4.0 / generator.chisquare(4.0, size=4000))
    history = np.linalg.cholesky(np.array([[1, 0.5], [0.5, 1]])) @ generator.normal(size=(2, 4000))
    history = history * shared * 0.01

    degrees = fit_copula_degrees(history)
    scenarios = monte_carlo_t_copula(
        ("A", "B"), history, degrees=degrees, n_scenarios=40_000, rng=rng()
    )

    assert degrees in (3.0, 4.0, 5.0)
    for row in range(2):
        assert np.quantile(scenarios.returns[row], [0.05, 0.5, 0.95]) == pytest.approx(
            np.quantile(history[row], [0.05, 0.5, 0.95]), abs=6e-4
        )
    normal = monte_carlo_normal(
        ("A", "B"), np.array([[1, 0.5], [0.5, 1]]), n_scenarios=40_000, rng=rng()
    )
    assert tail_dependence(*scenarios.returns, quantile=0.01) > 1.5 * tail_dependence(
        *normal.returns, quantile=0.01
    )


def test_normal_history_asks_for_many_degrees() -> None:
    assert fit_copula_degrees(rng().normal(size=(3, 5000))) >= 30.0


@settings(max_examples=40, deadline=None)
@given(st.floats(-5000, 5000), st.sampled_from(["A", "B", "C"]), st.sampled_from([0.95, 0.99]))
def test_what_if_equals_the_tail_of_the_changed_book(
    notional: float, symbol: str, confidence: float
) -> None:
    returns = np.random.default_rng(4).standard_t(4, size=(3, 1037))
    scenarios = Scenarios("test", ("A", "B", "C"), returns)
    book = np.array([100.0, -50.0, 20.0])
    desk = WhatIf(scenarios, book, confidence=confidence)

    after = desk.after(symbol, notional)

    changed = book + notional * (np.array(["A", "B", "C"]) == symbol)
    expected = tail_risk(changed @ returns, confidence=confidence)
    assert after.value_at_risk == pytest.approx(expected.value_at_risk, rel=1e-9, abs=1e-9)
    assert after.expected_shortfall == pytest.approx(
        expected.expected_shortfall, rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("notional", [0.0, 3.0, -20.0, 150.0, 2_000.0, -1e6])
def test_small_and_large_orders_are_answered_alike(dtype: type, notional: float) -> None:
    returns = np.random.default_rng(4).normal(size=(2, 20_000)).astype(dtype)
    desk = WhatIf(Scenarios("t", ("A", "B"), returns), np.array([90.0, -40.0]), confidence=0.99)

    after = desk.after("B", notional)

    expected = tail_risk(
        np.array([90.0, notional - 40.0]) @ returns.astype(np.float64), confidence=0.99
    )
    assert after.value_at_risk == pytest.approx(expected.value_at_risk, rel=1e-5)
    assert after.expected_shortfall == pytest.approx(expected.expected_shortfall, rel=1e-5)


def test_fills_accumulate() -> None:
    returns = np.random.default_rng(4).normal(size=(2, 1000))
    desk = WhatIf(Scenarios("t", ("A", "B"), returns), np.array([10.0, 0.0]), confidence=0.95)
    before = desk.now

    desk.add("B", 5.0)
    back = desk.add("B", -5.0)

    assert back.value_at_risk == pytest.approx(before.value_at_risk)
    assert desk.now == back
    assert desk.after("A", 0.0).expected_shortfall == pytest.approx(back.expected_shortfall)


def test_bad_requests_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be even"):
        monte_carlo_normal(("A", "B"), COVARIANCE, n_scenarios=3, rng=rng())
    with pytest.raises(InvalidInputError, match="pass 500000000 cells: use blocks"):
        monte_carlo_normal(("A",) * 100, np.eye(100), n_scenarios=8_000_000, rng=rng())
    with pytest.raises(InvalidInputError, match="threads must be at least 1, got 0"):
        monte_carlo_normal(("A", "B"), COVARIANCE, n_scenarios=10, rng=rng(), threads=0)
    with pytest.raises(InvalidInputError, match="power of two, got 1000"):
        quasi_normal_pnl(EXPOSURES, COVARIANCE, n_factors=1, n_scenarios=1000, seed=0)
    with pytest.raises(InvalidInputError, match="degrees must be positive"):
        monte_carlo_t_copula(("A",), np.ones((1, 9)), degrees=0.0, n_scenarios=2, rng=rng())
    desk = WhatIf(Scenarios("t", ("A",), np.ones((1, 100))), np.ones(1), confidence=0.95)
    with pytest.raises(MissingDataError, match="Z has no scenarios"):
        desk.after("Z", 1.0)
    with pytest.raises(InvalidInputError, match="notional of A must be finite"):
        desk.after("A", float("nan"))
