"""Tests of `strategy.optimiser`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, RefusedError
from strategy.optimiser import mean_variance_weights, risk_budget_weights
from strategy.restrictions import DeviationRestriction, GrossRestriction, NetRestriction

COVARIANCE = np.array([[0.04, 0.006, 0.0], [0.006, 0.09, 0.01], [0.0, 0.01, 0.16]])
EXPECTED = np.array([0.05, 0.08, -0.02])


def random_covariance(seed: int, count: int = 5) -> np.ndarray:
    factors = np.random.default_rng(seed).normal(size=(count, 3 * count))
    return factors @ factors.T / (300.0 * count)


def test_free_weights_have_the_closed_form() -> None:
    weights = mean_variance_weights(EXPECTED, COVARIANCE, risk_aversion=3.0)

    np.testing.assert_allclose(weights, np.linalg.solve(COVARIANCE, EXPECTED) / 3.0, atol=1e-6)


def test_one_asset_trades_only_what_its_cost_leaves_by_hand() -> None:
    # Marginal utility 0.10 - 2 x 0.04 w: with costs of 0.02 the holding stops at 1.0, not 1.25;
    # from 1.2 the gain of trading is below its cost.
    one, covariance = np.array([0.10]), np.array([[0.04]])

    def weight(held: float) -> float:
        return float(
            mean_variance_weights(
                one, covariance, risk_aversion=2.0, current=np.array([held]), cost_rate=0.02
            )[0]
        )

    assert weight(0.0) == pytest.approx(1.0, abs=1e-5)
    assert weight(1.2) == pytest.approx(1.2, abs=1e-5)


def test_restrictions_hold_and_cost_utility() -> None:
    restrictions = [
        GrossRestriction(name="gross", weights=np.ones(3), bound=0.5),
        NetRestriction(name="net", weights=np.ones(3), bound=0.1),
        DeviationRestriction(name="risk", covariance=COVARIANCE, multiple=1.0, bound=0.05),
    ]

    weights = mean_variance_weights(
        EXPECTED, COVARIANCE, risk_aversion=1.0, restrictions=restrictions
    )

    for restriction in restrictions:
        assert restriction.value(weights) <= restriction.bound + 1e-6
    assert weights @ EXPECTED > 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_no_random_change_within_the_restrictions_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    covariance, expected = random_covariance(seed), rng.normal(scale=0.05, size=5)
    gross = GrossRestriction(name="gross", weights=np.ones(5), bound=1.0)

    weights = mean_variance_weights(expected, covariance, risk_aversion=5.0, restrictions=[gross])

    def utility(w: np.ndarray) -> float:
        return float(expected @ w - 2.5 * w @ covariance @ w)

    for _ in range(50):
        other = weights + rng.normal(scale=0.05, size=5)
        other /= max(1.0, np.abs(other).sum())
        assert utility(other) <= utility(weights) + 1e-6


def test_two_assets_share_risk_in_inverse_proportion_to_volatility() -> None:
    # Whatever the correlation: w1 s1 = w2 s2.
    for correlation in (-0.5, 0.0, 0.9):
        covariance = np.array([[0.04, 0.06 * correlation], [0.06 * correlation, 0.09]])
        np.testing.assert_allclose(risk_budget_weights(covariance), [0.6, 0.4], atol=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.lists(st.floats(0.05, 1.0), min_size=5, max_size=5).map(np.array))
def test_risk_is_shared_as_the_budgets_say(seed: int, budgets: np.ndarray) -> None:
    covariance = random_covariance(seed)

    weights = risk_budget_weights(covariance, budgets)

    parts = weights * (covariance @ weights) / (weights @ covariance @ weights)
    np.testing.assert_allclose(parts, budgets / budgets.sum(), atol=1e-8)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights > 0).all()


@pytest.mark.parametrize(
    ("expected", "covariance", "terms", "message"),
    [
        (EXPECTED[:2], COVARIANCE, {}, r"shape \(3, 3\) does not fit \(2,\)"),
        (EXPECTED * np.nan, COVARIANCE, {}, "must be finite"),
        (EXPECTED, np.triu(COVARIANCE), {}, "must be symmetric"),
        (EXPECTED, COVARIANCE, {"risk_aversion": 0.0}, "risk_aversion must be positive"),
    ],
)
def test_malformed_programmes_are_refused(
    expected: np.ndarray, covariance: np.ndarray, terms: dict[str, float], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        mean_variance_weights(expected, covariance, **({"risk_aversion": 1.0} | terms))


def test_contradicting_restrictions_and_bad_budgets_are_refused() -> None:
    with pytest.raises(RefusedError, match="loosen a restriction"):
        mean_variance_weights(
            EXPECTED,
            COVARIANCE,
            risk_aversion=1.0,
            restrictions=[NetRestriction(name="net", weights=np.ones(3), bound=-0.1)],
        )
    with pytest.raises(InvalidInputError, match="every budget and every variance"):
        risk_budget_weights(COVARIANCE, np.array([1.0, 0.0, 1.0]))
