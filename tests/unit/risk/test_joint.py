"""Tests of `risk.joint`: laws of many symbols, held against closed forms and each other."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from measures.covariance import ledoit_wolf_covariance
from measures.parametric_tail import degrees_from_kurtosis, student_t_tail
from measures.tail import tail_risk, tail_risks
from risk.estimators import moments
from risk.joint import (
    LAWS,
    MAX_LAW_CELLS,
    Draws,
    backtest_laws,
    joint_law,
    principal_factors,
    rank_correlation,
    sampling_error,
)

DRAWS = Draws(seed=5, n_scenarios=2**14)


def history(n_symbols: int = 4, n_sessions: int = 800) -> np.ndarray:
    generator = np.random.default_rng(2)
    market = generator.normal(scale=0.008, size=n_sessions)
    return market + generator.normal(scale=0.01, size=(n_symbols, n_sessions))


BOOKS = np.array([[100.0, 50.0, -20.0, 0.0], [0.0, 0.0, 0.0, 10.0]])


def test_normal_law_has_the_closed_form_tail() -> None:
    past = history()
    covariance, _ = ledoit_wolf_covariance(past)
    std = np.sqrt(np.einsum("bi,ij,bj->b", BOOKS, covariance, BOOKS))

    law = joint_law("monte_carlo_normal", BOOKS, past, DRAWS)

    value, shortfall = tail_risks(law, confidences=(0.99,))
    assert value[0] == pytest.approx(2.326348 * std, rel=0.03)
    assert shortfall[0] == pytest.approx(2.665214 * std, rel=0.03)


def test_quasi_random_t_is_several_times_nearer_its_closed_form_than_random() -> None:
    past = np.random.default_rng(7).standard_t(6, size=(4, 3000)) * 0.01
    covariance, _ = ledoit_wolf_covariance(past)
    std = np.sqrt(BOOKS[:1] @ covariance @ BOOKS[0])
    degrees = degrees_from_kurtosis(np.median(moments(past)[3], keepdims=True))
    (truth,), _ = student_t_tail(np.zeros(1), std, degrees, confidence=0.99)

    def error(seed: int) -> float:
        law = joint_law("monte_carlo_quasi", BOOKS[:1], past, Draws(seed, 2**13))[0]
        return float(tail_risk(law, confidence=0.99).value_at_risk - truth)

    random = sampling_error(
        np.random.default_rng(1).standard_t(degrees[0], size=2**13), confidence=0.99
    )
    scale = float(std[0]) * ((degrees[0] - 2) / degrees[0]) ** 0.5
    assert np.std([error(seed) for seed in range(10)]) < 0.35 * random * scale


def test_factor_law_keeps_each_symbols_own_variance() -> None:
    past = history(n_symbols=8)
    loadings, specific = principal_factors(past, n_factors=5)
    assert (loadings**2).sum(axis=1) + specific == pytest.approx(past.var(axis=1, ddof=1))
    law = joint_law("monte_carlo_factor", np.eye(8), past, DRAWS)
    assert law.std(axis=1) == pytest.approx(past.std(axis=1, ddof=1), rel=0.03)


def test_t_copula_law_has_the_margins_of_history_and_joins_extremes() -> None:
    generator = np.random.default_rng(1)
    shared = np.sqrt(3.0 / generator.chisquare(3.0, size=2000))
    past = generator.normal(size=(2, 2000)) * shared * 0.01
    law = joint_law("monte_carlo_t_copula", np.eye(2), past, DRAWS)
    for quantile in (0.01, 0.25, 0.5, 0.99):
        assert np.quantile(law, quantile, axis=1) == pytest.approx(
            np.quantile(past, quantile, axis=1), rel=0.12, abs=4e-4
        )
    low = law < np.quantile(law, 0.02, axis=1)[:, None]
    assert (low[0] & low[1]).mean() > 2 * 0.02**2 * 2  # Uncorrelated, yet they fall together.


@pytest.mark.parametrize("name", list(LAWS))
def test_each_law_scales_with_the_book_and_repeats_by_seed(name: str) -> None:
    past, draws = history(), Draws(seed=3, n_scenarios=1024)
    law = joint_law(name, BOOKS, past, draws)
    assert law.shape == (2, 1024)
    assert law.dtype == np.float32
    assert law.tobytes() == joint_law(name, BOOKS, past, draws).tobytes()
    assert joint_law(name, 4 * BOOKS, past, draws) == pytest.approx(4 * law, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", list(LAWS))
def test_draws_in_many_blocks_are_of_the_same_law(name: str, monkeypatch) -> None:
    whole = joint_law(name, BOOKS, history(), DRAWS)
    monkeypatch.setattr("risk.joint.MAX_BLOCK_CELLS", 4_000)
    split = joint_law(name, BOOKS, history(), DRAWS)
    assert split.std(axis=1) == pytest.approx(whole.std(axis=1), rel=0.05)


@pytest.mark.parametrize("name", list(LAWS))
def test_a_days_forecast_knows_only_the_sessions_before(name: str) -> None:
    past, draws = history(n_sessions=320), Draws(seed=3, n_scenarios=256)
    books = np.repeat(BOOKS[:1].T, 20, axis=1)
    laws = backtest_laws(name, books, past, draws, window=300, refit=7)
    later = past.copy()
    later[:, 307:] = 0.5
    changed = backtest_laws(name, books, later, draws, window=300, refit=7)
    assert (changed[:8] == laws[:8]).all()
    assert (laws[7] == joint_law(name, BOOKS[:1], past[:, 7:307], draws)[0]).all()


@pytest.mark.parametrize("name", list(LAWS))
def test_constant_and_duplicated_symbols_have_a_law(name: str) -> None:
    past = history()
    past[1] = past[0]
    past[2] = 0.0
    law = joint_law(name, BOOKS, past, Draws(seed=3, n_scenarios=256))
    assert np.isfinite(law).all()


def test_rank_correlation_is_definite_with_more_symbols_than_sessions() -> None:
    correlation = rank_correlation(np.random.default_rng(0).normal(size=(60, 40)))
    assert np.linalg.eigvalsh(correlation)[0] > 0
    assert np.diag(correlation) == pytest.approx(np.ones(60))


def test_sampling_error_is_that_of_a_normal_sample() -> None:
    generator = np.random.default_rng(0)
    found = [sampling_error(generator.normal(size=2**13), confidence=0.99) for _ in range(50)]
    by_theory = (0.01 * 0.99 / 2**13) ** 0.5 / 0.02665
    assert np.mean(found) == pytest.approx(by_theory, rel=0.1)


def test_bad_calls_are_refused_by_name() -> None:
    past = history()
    with pytest.raises(InvalidInputError, match="unknown method 'magic'"):
        joint_law("magic", BOOKS, past, DRAWS)
    with pytest.raises(InvalidInputError, match="power of two"):
        Draws(seed=1, n_scenarios=1000)
    with pytest.raises(InvalidInputError, match="must be finite and match"):
        joint_law("monte_carlo_normal", BOOKS[:, :2], past, DRAWS)
    with pytest.raises(InvalidInputError, match="must be finite, symbols x sessions"):
        joint_law("monte_carlo_normal", BOOKS, np.full_like(past, np.nan), DRAWS)
    with pytest.raises(MissingDataError, match="50 sessions are too few"):
        joint_law("monte_carlo_normal", BOOKS, past[:, :50], DRAWS)
    many = np.broadcast_to(BOOKS[0], (MAX_LAW_CELLS // DRAWS.n_scenarios + 1, 4))
    with pytest.raises(InvalidInputError, match="ask for fewer books"):
        joint_law("monte_carlo_normal", many, past, DRAWS)
    with pytest.raises(InvalidInputError, match="refit >= 1"):
        backtest_laws("monte_carlo_normal", BOOKS.T, past, DRAWS, window=800, refit=1)
