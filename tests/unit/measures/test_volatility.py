"""Tests of `measures.volatility`."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from measures.volatility import ewma_variance, garch


def test_ewma_recursion_by_hand() -> None:
    variance = ewma_variance(np.array([[1.0, -3.0]]), decay=0.9)
    # Starts at the mean square 5, then 0.9 v + 0.1 r^2.
    assert variance[0] == pytest.approx([5.0, 0.9 * 5 + 0.1, 0.9 * 4.6 + 0.9])


def test_forecast_does_not_use_its_own_day() -> None:
    calm = np.array([[0.1] * 50])
    shocked = calm.copy()
    shocked[0, -1] = 1.0
    # The start uses the window's level, so compare the change beyond it: only the last moves.
    before = ewma_variance(calm, decay=0.94)[0]
    after = ewma_variance(shocked, decay=0.94)[0]
    start = (after[0] - before[0]) * 0.94 ** np.arange(51)
    assert (after - before - start)[:-1] == pytest.approx(np.zeros(50))
    assert (after - before - start)[-1] == pytest.approx(0.06 * (1.0 - 0.01))


def test_bad_decay_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="decay must lie"):
        ewma_variance(np.ones((1, 3)), decay=1.0)


def test_warm_start_uses_the_first_days_alone() -> None:
    variance = ewma_variance(np.array([[1.0, 3.0, 9.0]]), decay=0.5, warm=2)
    assert variance[0] == pytest.approx([5.0, 3.0, 6.0, 43.5])


def simulate_garch(alpha: float, beta: float, n: int) -> np.ndarray:
    rng = np.random.default_rng(2)
    variance, out = 1.0, np.empty(n)
    for t in range(n):
        out[t] = np.sqrt(variance) * rng.normal()
        variance = (1 - alpha - beta) + alpha * out[t] ** 2 + beta * variance
    return out


def test_garch_recovers_the_parameters_that_made_the_series() -> None:
    fit = garch(simulate_garch(0.10, 0.85, 8000)[None, :])
    assert (fit.alpha[0], fit.beta[0]) == pytest.approx((0.10, 0.85), abs=0.03)


def test_garch_recursion_and_likelihood_equal_the_arch_package() -> None:
    from arch.univariate import GARCH, ZeroMean

    series = simulate_garch(0.08, 0.9, 1500)
    fit = garch(series[None, :])
    omega = (series**2).mean() * (1 - fit.alpha[0] - fit.beta[0])
    model = ZeroMean(series, volatility=GARCH(), rescale=False)

    def fixed(alpha: float, beta: float) -> object:
        return model.fix([(series**2).mean() * (1 - alpha - beta), alpha, beta])

    ours = fixed(fit.alpha[0], fit.beta[0])
    # The package starts elsewhere; after a while the recursions are the same.
    assert np.sqrt(fit.variance[0, 500:-1]) == pytest.approx(
        ours.conditional_volatility[500:], rel=1e-6
    )
    assert fit.variance[0, 1] == pytest.approx(
        omega + fit.alpha[0] * series[0] ** 2 + fit.beta[0] * (series**2).mean()
    )
    best = max(
        fixed(fit.alpha[0] + a, fit.beta[0] + b).loglikelihood
        for a in (-0.02, 0.02)
        for b in (-0.03, -0.02)
    )
    assert ours.loglikelihood > best


def test_series_that_never_moves_has_no_variance() -> None:
    fit = garch(np.zeros((1, 100)))
    assert fit.variance.sum() == 0.0


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(MissingDataError, match="10 observations are too few for GARCH: 50"):
        garch(np.ones((1, 10)))
