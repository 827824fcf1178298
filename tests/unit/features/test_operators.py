"""Tests of the operators against a second implementation (pandas, plain numpy), and by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from basics.errors import InvalidInputError
from features import operators as op
from features.evaluation import evaluate, plan
from features.expressions import Expression, field

X, Y = field("x"), field("y")
WINDOWS = (1, 2, 5, 20, 60)


def _panel(seed: int = 0, missing: float = 0.1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (3, 150)), axis=1))
    y = rng.normal(0, 1, (3, 150))
    x[rng.random(x.shape) < missing] = np.nan
    x[1] = np.round(x[1], -1)  # Ties.
    x[2, :40] = np.nan  # Listed late.
    y[2, :40] = np.nan
    return {"x": x, "y": y}


def _value(expression: Expression, fields: dict[str, np.ndarray]) -> np.ndarray:
    return evaluate(plan([expression]), fields)[0]


def _line(window: np.ndarray) -> tuple[float, float, float]:
    """Slope, R² and the line's height at the newest position, over what is present."""
    positions = np.arange(len(window))[~np.isnan(window)]
    values = window[~np.isnan(window)]
    if len(values) < 2:
        return np.nan, np.nan, np.nan
    gradient, height = np.polyfit(positions, values, 1)
    rsquare = np.corrcoef(positions, values)[0, 1] ** 2 if values.std(ddof=1) > 2e-5 else np.nan
    return gradient, rsquare, gradient * (len(window) - 1) + height


PANDAS: dict[str, tuple[Callable[..., Expression], Callable[..., pd.Series]]] = {
    "total": (op.total, lambda s, n: s.rolling(n, min_periods=1).sum()),
    "mean": (op.mean, lambda s, n: s.rolling(n, min_periods=1).mean()),
    "std": (op.std, lambda s, n: s.rolling(n, min_periods=1).std()),
    "highest": (op.highest, lambda s, n: s.rolling(n, min_periods=1).max()),
    "lowest": (op.lowest, lambda s, n: s.rolling(n, min_periods=1).min()),
    "rank": (op.rank, lambda s, n: s.rolling(n, min_periods=1).rank(pct=True)),
    "quantile": (
        lambda x, n: op.quantile(x, n, 0.8),
        lambda s, n: s.rolling(n, min_periods=1).quantile(0.8),
    ),
    "delay": (op.delay, lambda s, n: s.shift(n)),
    "slope": (
        op.slope,
        lambda s, n: s.rolling(n, min_periods=1).apply(lambda w: _line(w)[0], raw=True),
    ),
    "rsquare": (
        op.rsquare,
        lambda s, n: s.rolling(n, min_periods=1).apply(lambda w: _line(w)[1], raw=True),
    ),
    "residual": (
        op.residual,
        lambda s, n: s.rolling(n, min_periods=1).apply(lambda w: w[-1] - _line(w)[2], raw=True),
    ),
}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", sorted(PANDAS))
def test_rolling_operators_equal_a_second_implementation(name: str, window: int) -> None:
    build, reference = PANDAS[name]
    fields = _panel()

    result = _value(build(X, window), fields)

    for row, series in zip(result, fields["x"], strict=True):
        expected = reference(pd.Series(series), window).to_numpy(copy=True)
        expected[np.isnan(series)] = np.nan  # No bar of x, but y is there: compared below.
        np.testing.assert_allclose(
            row[~np.isnan(series)], expected[~np.isnan(series)], rtol=1e-8, atol=1e-9
        )


@pytest.mark.parametrize("window", WINDOWS)
def test_correlation_and_beta_equal_pandas_over_complete_pairs(window: int) -> None:
    fields = _panel(missing=0.05)
    pairs = np.where(np.isnan(fields["x"]), np.nan, fields["y"])

    correlation = _value(op.correlation(X, Y, window), fields)
    beta = _value(op.beta(X, Y, window), fields)

    for i in range(3):
        x, y = pd.Series(fields["x"][i]), pd.Series(pairs[i])
        rolling = x.rolling(window, min_periods=2 if window > 1 else 1)
        with np.errstate(all="ignore"):
            expected = rolling.corr(y).to_numpy(copy=True)
            slopes = (rolling.cov(y) / y.rolling(window, min_periods=1).var()).to_numpy()
        there = ~np.isnan(fields["y"][i])
        flat = (x.rolling(window, min_periods=1).std() < 2e-5).to_numpy()
        expected[flat] = np.nan
        np.testing.assert_allclose(correlation[i, there], expected[there], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(beta[i, there], slopes[there], rtol=1e-7, atol=1e-9)


def test_positions_of_extremes_by_hand() -> None:
    # Listed at column 1; the second 7 ties with the first, and the older one counts.
    fields = {"x": np.array([[np.nan, 5.0, 7.0, 7.0, 1.0, 2.0, 3.0]])}

    highest = _value(op.highest_at(X, 3), fields)[0]
    lowest = _value(op.lowest_at(X, 3), fields)[0]

    np.testing.assert_array_equal(highest, [np.nan, 1, 2, 2, 1, 1, 3])
    np.testing.assert_array_equal(lowest, [np.nan, 1, 1, 1, 3, 2, 1])


def test_cross_section_by_hand() -> None:
    fields = {"x": np.array([[1.0, 4.0], [3.0, 4.0], [3.0, np.nan], [5.0, 6.0]])}

    rank = _value(op.cross_rank(X), fields)
    mean = _value(op.cross_mean(X), fields)
    zscore = _value(op.cross_zscore(X), fields)

    # Ties share the mean rank: (2 + 3) / 2 of 4, and (1 + 2) / 2 of 3.
    np.testing.assert_allclose(rank[:, 0], [0.25, 0.625, 0.625, 1.0])
    np.testing.assert_allclose(rank[:, 1], [0.5, 0.5, np.nan, 1.0])
    np.testing.assert_allclose(mean[:, 0], 3.0)
    # Squares 4 + 0 + 0 + 4 over n - 1 = 3.
    np.testing.assert_allclose(zscore[:, 0], np.array([-2.0, 0, 0, 2.0]) / np.sqrt(8 / 3))


def test_what_is_not_defined_is_missing_and_never_infinite() -> None:
    fields = {"x": np.array([[0.0, -1.0, np.inf, 2.0]]), "y": np.ones((1, 4))}

    np.testing.assert_array_equal(_value(1.0 / X, fields), [[np.nan, -1.0, np.nan, 0.5]])
    np.testing.assert_array_equal(_value(op.log(X), fields), [[np.nan, np.nan, np.nan, np.log(2)]])
    np.testing.assert_array_equal(_value(op.sqrt(X), fields), [[0, np.nan, np.nan, np.sqrt(2)]])
    np.testing.assert_allclose(_value(op.mean(X, 4), fields)[0, 2:], [-0.5, 1 / 3])


def test_comparisons_are_zero_or_one_from_the_first_bar_on() -> None:
    fields = {"x": np.array([[np.nan, 1.0, 2.0, np.nan, 3.0]]), "y": np.ones((1, 5))}

    risen = _value(op.mean(op.delay(X, 1) < X, 2), {"x": fields["x"]})

    # The first bar has nothing to rise above: false, as in qlib, and not missing.
    np.testing.assert_array_equal(risen, [[np.nan, 0.0, 0.5, np.nan, 0.0]])


def test_quantiles_of_windows_built_from_one_another_equal_pandas() -> None:
    x = np.round(np.cumsum(np.random.default_rng(3).normal(size=(3, 1_300)), axis=1), 1)
    x[1, :100] = np.nan
    x[2, [5, 400]] = np.nan
    windows, levels = (5, 10, 20, 30, 60), (0.0, 0.2, 0.8, 1.0)
    roots = [op.quantile(X, n, q) for n in windows for q in levels]

    result = evaluate(plan(roots), {"x": x})

    for k, (n, q) in enumerate((n, q) for n in windows for q in levels):
        for i in range(3):
            expected = pd.Series(x[i]).rolling(n, min_periods=1).quantile(q).to_numpy(copy=True)
            expected[np.isnan(x[i])] = np.nan
            np.testing.assert_allclose(result[k, i], expected, rtol=1e-12, atol=1e-12)


def test_the_last_columns_alone_are_the_same_bytes() -> None:
    fields = _panel()
    roots = [op.slope(op.returns(X, 3), 20), op.correlation(X, Y, 10), op.cross_rank(op.std(X, 5))]

    whole = evaluate(plan(roots), fields)
    tail = evaluate(plan(roots), fields, last=2)

    assert tail.tobytes() == np.ascontiguousarray(whole[:, :, -2:]).tobytes()


def test_threads_do_not_change_a_byte() -> None:
    fields = {name: np.tile(values, (4, 20)) for name, values in _panel().items()}
    work = plan([op.residual(X, 60), op.beta(X, Y, 60)])

    assert evaluate(work, fields).tobytes() == evaluate(work, fields, threads=2).tobytes()


def test_a_long_history_does_not_drift() -> None:
    x = np.full((1, 50_000), 1e6)
    x[0, :100] = 1e12
    x[0, -60:] += np.arange(60.0) * 1e-3

    std = _value(op.std(X, 60), {"x": x})[0, -1]

    assert std == pytest.approx(1e-3 * np.std(np.arange(60.0), ddof=1), rel=1e-6)


@pytest.mark.parametrize("window", [0, -1, 2.5, True, 10_000])
def test_a_window_that_is_none_is_refused(window: int) -> None:
    with pytest.raises(InvalidInputError, match="window"):
        op.mean(X, window)


def test_a_division_by_the_constant_zero_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="divided by zero"):
        X / 0
