"""Tests of `measures.evidence`: by hand, by a second formula, by law, and by refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from measures.evidence import diebold_mariano, long_run_variance, newey_west_mean


def test_one_step_losses_by_hand() -> None:
    first = np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0])
    second = first + np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0])

    result = diebold_mariano(first, second)

    # d = -1, 0, ...: mean -1/2, variance 1/4 (ddof 0), so S = -0.5 / sqrt(0.25 / 8);
    # Harvey's factor for h = 1 is sqrt((n - 1) / n) = sqrt(7 / 8).
    assert result.mean_difference == -0.5
    assert result.statistic == pytest.approx(-0.5 / np.sqrt(0.25 / 8) * np.sqrt(7 / 8))
    # That is -sqrt(7): Student's t with 7 degrees of freedom.
    assert result.p_value == pytest.approx(0.0165, abs=2e-4)


def test_autocovariances_up_to_the_horizon_enter_the_variance() -> None:
    series = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 4.0, 6.0, 7.0])

    # Centred on 4: -3 -2 0 -1 1 0 2 3; gamma_0 = 28/8; gamma_1 = (6+0+0-1+0+0+6)/8 = 11/8.
    assert long_run_variance(series, lags=1) == pytest.approx(28 / 8 + 2 * 11 / 8)


def test_bartlett_weights_step_in_where_the_flat_sum_is_negative() -> None:
    series = np.tile([1.0, -1.0], 20)

    # gamma_0 = 1, gamma_1 = -39/40: flat 1 - 78/40 < 0; Bartlett 1 - 39/40 > 0.
    assert long_run_variance(series, lags=1) == pytest.approx(1 - 39 / 40)


def test_equal_forecasts_cannot_be_told_apart() -> None:
    losses = np.linspace(0.0, 1.0, 50)

    result = diebold_mariano(losses, losses)

    assert (result.statistic, result.p_value, result.p_value_two_sided) == (0.0, 0.5, 1.0)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_swapping_the_forecasts_flips_the_sign(seed: int, horizon: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.gamma(2.0, size=(2, 60))

    one, other = diebold_mariano(a, b, horizon=horizon), diebold_mariano(b, a, horizon=horizon)

    assert one.statistic == pytest.approx(-other.statistic)
    assert one.p_value == pytest.approx(1 - other.p_value)


def test_under_equal_skill_one_test_in_twenty_rejects() -> None:
    rng = np.random.default_rng(7)
    rejections = sum(
        diebold_mariano(*rng.gamma(2.0, size=(2, 250)), horizon=1).p_value < 0.05
        for _ in range(2000)
    )

    # Binomial(2000, 0.05): mean 100, standard deviation 9.7.
    assert 65 < rejections < 135


def test_newey_west_agrees_with_the_weighted_sum() -> None:
    series = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 4.0, 6.0, 7.0])

    result = newey_west_mean(series, lags=1)

    assert result.mean == 4.0
    assert result.standard_error == pytest.approx(np.sqrt((28 / 8 + 2 * 0.5 * 11 / 8) / 8))


def test_losses_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="must pair up"):
        diebold_mariano(np.zeros(10), np.zeros(9))


def test_losses_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="1 values that are not finite"):
        diebold_mariano(np.append(np.zeros(9), np.nan), np.zeros(10))


def test_too_few_losses_are_refused() -> None:
    with pytest.raises(MissingDataError, match="5 observations"):
        diebold_mariano(np.zeros(5), np.ones(5))
