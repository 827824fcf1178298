"""Every operator on bad input, in batch and live: what its docstring says, by plain Python.

The row holds what goes wrong in bars: missing and infinite values, zeros, negatives, equals and a
flat stretch; a second symbol has three rows in all, a third none.
"""

import inspect
import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from basics.errors import InvalidInputError
from features.definitions import Feature, FeatureSet
from features.expressions import Expression, field
from features.formulas import OPERATORS
from features.online import OnlineFeatures
from features.operators import (
    beta,
    change,
    correlation,
    covariance,
    cross_mean,
    cross_rank,
    cross_residual,
    cross_zscore,
    decayed,
    delay,
    ema,
    exp,
    group_demean,
    highest,
    highest_at,
    log,
    lowest,
    lowest_at,
    maximum,
    mean,
    mean_deviation,
    minimum,
    quantile,
    rank,
    residual,
    returns,
    rsquare,
    sign,
    slope,
    sqrt,
    std,
    total,
    wilder,
    wilder_sum,
)  # fmt: skip
from market.panel import Panel

NAN, INF = math.nan, math.inf
X = [NAN, INF, 0.0, -2.0, 3.0, NAN, 5.0, 5.0, 5.0, 5.0, 900.0, -INF, 0.0, 4.0]
Y = [1.0, 2.0, -1.0, 0.0, NAN, 3.0, 2.0, 2.0, 2.0, 7.0, INF, 1.0, 0.0, -4.0]
ROWS = {"x": [X, [NAN] * 11 + [0.0, -1.0, 1e300], [NAN] * 14], "y": [Y, [2.0] * 14, [NAN] * 14]}
W = 4
Present = list[tuple[int, float]]


def _clean(values: Sequence[float]) -> list[float]:
    return [value if math.isfinite(value) else NAN for value in values]


Reference = Callable[[list[float], list[float]], list[float]]


def _known(value: float) -> bool:
    return not math.isnan(value)


def _windowed(found: Callable[[Present], float]) -> Reference:
    """Apply a function of what is present in each window: pairs of session and value."""

    def over(x: list[float], _: list[float]) -> list[float]:
        return [
            found([(s, x[s]) for s in range(max(t - W + 1, 0), t + 1) if _known(x[s])])
            for t in range(len(x))
        ]

    return over


def _values(window: Present) -> list[float]:
    return [value for _, value in window]


def _std(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else NAN


def _line(window: Present) -> tuple[float, float, float]:
    """Return slope, R² and the line's height at the last value of a window."""
    if len(window) < 2:
        return NAN, NAN, NAN
    sessions, values = zip(*window, strict=True)
    slope_, height = statistics.linear_regression(sessions, values)
    spread = _std(values)
    fit = NAN if spread <= 2e-5 else statistics.correlation(sessions, values) ** 2
    return slope_, fit, height + slope_ * sessions[-1]


def _newest(found: Callable[[Present], float]) -> Callable[[list[float], list[float]], list[float]]:
    """The same where the newest value is present, else missing."""

    def over(x: list[float], y: list[float]) -> list[float]:
        answers = _windowed(found)(x, y)
        return [a if _known(v) else NAN for a, v in zip(answers, x, strict=True)]

    return over


def _pairs(found: Callable[[list[float], list[float]], float]) -> Callable[..., list[float]]:
    def over(x: list[float], y: list[float]) -> list[float]:
        answers = []
        for t in range(len(x)):
            span = range(max(t - W + 1, 0), t + 1)
            both = [(x[s], y[s]) for s in span if _known(x[s]) and _known(y[s])]
            answers.append(found(*map(list, zip(*both, strict=True))) if len(both) > 1 else NAN)
        return answers

    return over


def _each(found: Callable[[float, float], float]) -> Callable[..., list[float]]:
    def over(x: list[float], y: list[float]) -> list[float]:
        return [found(a, b) for a, b in zip(x, y, strict=True)]

    return over


def _ago(sessions: int) -> Callable[[list[float]], list[float]]:
    return lambda x: [NAN] * min(sessions, len(x)) + x[: max(len(x) - sessions, 0)]


def _smooth(alpha: float, seed: int, divisor: float, quiet: int = 0) -> Callable[..., list[float]]:
    def over(x: list[float], _: list[float]) -> list[float]:
        count, y, answers = 0, 0.0, []
        for value in x:
            if not _known(value):
                answers.append(NAN)
                continue
            count += 1
            y = y + value / divisor if count <= seed else y + alpha * (value - y)
            answers.append(y if count >= seed + quiet else NAN)
        return answers

    return over


def _least_squares(x: list[float], y: list[float]) -> float:
    return NAN if len(set(y)) == 1 else statistics.linear_regression(y, x)[0]


def _correlated(x: list[float], y: list[float]) -> float:
    flat = _std(x) <= 2e-5 or _std(y) <= 2e-5
    return NAN if flat else statistics.correlation(x, y)


def _position(window: Present, best: Callable[[list[float]], float]) -> int:
    return next(s for s, value in window if value == best(_values(window)))


x_, y_ = field("x"), field("y")
CASES: dict[str, tuple[Expression, Callable[..., list[float]]]] = {
    "abs": (abs(x_), _each(lambda a, _: abs(a))),
    "beta": (beta(x_, y_, W), _pairs(_least_squares)),
    "change": (change(x_, 2), lambda x, _: [a - b for a, b in zip(x, _ago(2)(x), strict=True)]),
    "correlation": (correlation(x_, y_, W), _pairs(_correlated)),
    "covariance": (covariance(x_, y_, W), _pairs(statistics.covariance)),
    "decayed": (decayed(x_, 0.9), _smooth(0.1, 1, 1.0)),
    "delay": (delay(x_, 2), lambda x, _: _ago(2)(x)),
    "ema": (ema(x_, 3), _smooth(0.5, 3, 3.0)),
    "exp": (exp(x_), _each(lambda a, _: NAN if a > 709 else math.exp(a) if _known(a) else NAN)),
    "field": (x_, _each(lambda a, _: a)),
    "highest": (highest(x_, W), _windowed(lambda w: max(_values(w), default=NAN))),
    "lowest": (lowest(x_, W), _windowed(lambda w: min(_values(w), default=NAN))),
    "log": (log(x_), _each(lambda a, _: math.log(a) if a > 0 else NAN)),
    "maximum": (
        maximum(x_, y_),
        _each(lambda a, b: NAN if not (_known(a) and _known(b)) else max(a, b)),
    ),
    "mean": (mean(x_, W), _windowed(lambda w: statistics.fmean(_values(w)) if w else NAN)),
    "mean_deviation": (
        mean_deviation(x_, W),
        _windowed(
            lambda w: (
                statistics.fmean([abs(v - statistics.fmean(_values(w))) for v in _values(w)])
                if w
                else NAN
            )
        ),
    ),
    "minimum": (
        minimum(x_, y_),
        _each(lambda a, b: NAN if not (_known(a) and _known(b)) else min(a, b)),
    ),
    "quantile": (
        quantile(x_, W, 0.25),
        _windowed(lambda w: float(np.quantile(_values(w), 0.25)) if w else NAN),
    ),
    "rank": (
        rank(x_, W),
        _newest(
            lambda w: (
                sum((v < w[-1][1]) + (v == w[-1][1]) / 2 for v in _values(w)) / len(w)
                + 0.5 / len(w)
                if w
                else NAN
            )
        ),
    ),
    "residual": (residual(x_, W), _newest(lambda w: w[-1][1] - _line(w)[2] if w else NAN)),
    "returns": (
        returns(x_, 2),
        lambda x, _: [NAN if b == 0 else a / b - 1 for a, b in zip(x, _ago(2)(x), strict=True)],
    ),
    "rsquare": (rsquare(x_, W), _windowed(lambda w: _line(w)[1])),
    "sign": (sign(x_), _each(lambda a, _: a if not _known(a) else float((a > 0) - (a < 0)))),
    "slope": (slope(x_, W), _windowed(lambda w: _line(w)[0])),
    "sqrt": (sqrt(x_), _each(lambda a, _: math.sqrt(a) if a >= 0 else NAN)),
    "std": (std(x_, W), _windowed(lambda w: _std(_values(w)))),
    "total": (total(x_, W), _windowed(lambda w: sum(_values(w)) if w else NAN)),
    "wilder": (wilder(x_, 3), _smooth(1 / 3, 3, 3.0)),
    "wilder_sum": (wilder_sum(x_, 3), _smooth(1 / 3, 2, 3.0, quiet=1)),
}
ACROSS: dict[str, Expression] = {
    "cross_mean": cross_mean(x_),
    "cross_rank": cross_rank(x_),
    "cross_residual": cross_residual(x_, y_),
    "cross_zscore": cross_zscore(x_),
    "group_demean": group_demean(x_, y_),
}
POSITIONS = {"highest_at": (highest_at(x_, W), max), "lowest_at": (lowest_at(x_, W), min)}


def _panel() -> Panel:
    fields = {name: np.array(rows) for name, rows in ROWS.items()}
    sessions = np.datetime64("2020-01-01") + np.arange(14)
    return Panel(("A", "B", "C"), sessions, fields)


def _computed(expression: Expression) -> np.ndarray:
    """Compute in batch, and live from the first session on: both must agree everywhere."""
    # The field y makes every session one with a bar, where x is missing too.
    features = FeatureSet("s", 1, (Feature("f", expression), Feature("y", y_), Feature("x", x_)))
    panel = _panel()
    batch = features.compute(panel)["f"]
    live = OnlineFeatures(features, panel.window(0, 1))
    bars = [{name: rows[:, t] for name, rows in panel.fields.items()} for t in range(14)]
    told = [live.values()[0]]
    told += [live.update(panel.sessions[t], bars[t])[0] for t in range(1, 14)]
    np.testing.assert_allclose(np.column_stack(told), batch, rtol=1e-9, atol=1e-9)
    assert not np.isinf(batch).any()
    return batch


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_operator_answers_bad_input_as_its_docstring_says(name: str) -> None:
    expression, reference = CASES[name]
    found = _computed(expression)

    expected = reference(_clean(X), _clean(Y))
    there = [_known(a) or _known(b) for a, b in zip(_clean(X), _clean(Y), strict=True)]
    np.testing.assert_allclose(
        found[0][there], np.array(expected)[there], rtol=1e-9, atol=1e-9, err_msg=name
    )
    assert np.isnan(found[2]).all()


@pytest.mark.parametrize("name", sorted(POSITIONS))
def test_a_position_counts_from_the_windows_oldest_session(name: str) -> None:
    expression, best = POSITIONS[name]
    found = _computed(expression)[0]

    x = _clean(X)
    for t in range(14):
        window = [(s, x[s]) for s in range(max(t - W + 1, 0), t + 1) if _known(x[s])]
        if not window:
            assert np.isnan(found[t])
        else:
            assert found[t] == _position(window, best) - max(t - W + 1, 0) + 1


@pytest.mark.parametrize("name", sorted(ACROSS))
def test_a_comparison_of_symbols_leaves_out_who_is_missing(name: str) -> None:
    found = _computed(ACROSS[name])

    assert np.isnan(found[2]).all()
    if name != "cross_mean":
        assert np.isnan(found[0][np.isnan(_clean(X))]).all()
    if name in {"cross_zscore", "cross_residual"}:
        assert np.isnan(found[0][:11]).all()  # Alone in the session there is nothing to compare.


def test_every_operator_has_a_case_and_says_when_it_is_missing() -> None:
    assert {*CASES, *ACROSS, *POSITIONS} == set(OPERATORS)
    for name, operator in OPERATORS.items():
        if name not in {"abs", "field"}:
            assert "missing" in (inspect.getdoc(operator) or "").lower(), name


HUGE = 2.0**600
# By what power of a scale an answer grows when its inputs do.
POWERS = dict.fromkeys([*CASES, *ACROSS], 1.0) | dict.fromkeys(
    ("beta", "correlation", "cross_rank", "cross_zscore", "rank", "returns", "rsquare", "sign"), 0.0
) | {"covariance": 2.0, "sqrt": 0.5}  # fmt: skip
ARITHMETIC = {"sum": x_ + y_, "difference": x_ - y_, "product": x_ * y_, "quotient": x_ / (y_ / 8)}
POWERS |= {"sum": 1.0, "difference": 1.0, "product": 2.0, "quotient": 0.0}
SCALED = {name: expression for name, (expression, _) in CASES.items()} | ACROSS | ARITHMETIC


@pytest.mark.parametrize("name", sorted(set(SCALED) - {"exp", "log"}))
def test_past_the_largest_number_an_answer_is_missing_and_never_wrong(name: str) -> None:
    rng = np.random.default_rng(154)
    # Squares pass the largest number from 2^512 on, sums and differences from 2^1023 on.
    powers = np.where(rng.random((2, 5, 40)) < 0.5, rng.uniform(-90, 423, (2, 5, 40)), 423.7)
    x, y = 2.0**powers * rng.choice([-1.0, 1.0], (2, 5, 40))
    features = FeatureSet("s", 1, (Feature("f", SCALED[name]), Feature("x", x_), Feature("y", y_)))
    days = np.datetime64("2020-01-01") + np.arange(40)

    def computed(scale: float) -> tuple[np.ndarray, np.ndarray]:
        panel = Panel(tuple("ABCDE"), days, {"x": x * scale, "y": y * scale})
        live = OnlineFeatures(features, panel.window(0, 1))
        bars = [{name: rows[:, t] for name, rows in panel.fields.items()} for t in range(40)]
        told = [live.values()[0], *(live.update(days[t], bars[t])[0] for t in range(1, 40))]
        return features.compute(panel)["f"], np.column_stack(told)

    with np.errstate(over="ignore"):
        expected = np.ldexp(computed(1.0)[0], int(600 * POWERS[name]))
    # What cancels leaves the rounding of what was there.
    least = 1e-12 * np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    for found in computed(HUGE):
        assert not np.isinf(found).any()
        known = ~np.isnan(found)
        np.testing.assert_allclose(found[known], expected[known], rtol=1e-9, atol=least)


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="inf is not finite"):
        x_ * 1e999
