"""The words of which formulas are made.

Every operator leaves out what is missing (NaN) and says below when its answer is missing. Common
to all: infinite inputs count as missing; a division by zero, the logarithm of what is not
positive and the root of what is negative are missing, never infinite and never zero. So is what
passes the largest number (1.8e308, in float32 3.4e38) on the way to an answer: a product, a
quotient, a sum, and the squares of values beyond its root (1e154, in float32 1e19). Windows
include the session itself and may be shorter near a symbol's first bar (one value is enough
unless an operator says more).
"""

import math

from basics.errors import InvalidInputError
from features.expressions import (
    CrossSection,
    Delay,
    Elementwise,
    Expression,
    Param,
    Rolling,
    Smoothing,
    call,
)

MAX_WINDOW_SESSIONS = 5_000


def delay(x: Expression, sessions: int) -> Expression:
    """Return `x` as it stood `sessions` ago; missing where x was, and before that much history."""
    return call(Delay("delay", lambda params: int(params[0])), x, params=(_window(sessions),))


def change(x: Expression, sessions: int) -> Expression:
    """Return x less its value `sessions` ago.

    Missing where either is, or the difference passes the largest number.
    """
    return x - delay(x, sessions)


def returns(x: Expression, sessions: int) -> Expression:
    """Return the simple return over `sessions`, as a fraction.

    Missing where either value is, or the earlier one is zero.
    """
    return x / delay(x, sessions) - 1.0


def log(x: Expression) -> Expression:
    """Return the natural logarithm; missing where x is not positive."""
    return call(Elementwise("log"), x)


def exp(x: Expression) -> Expression:
    """Return e to the power of x; missing where that is infinite."""
    return call(Elementwise("exp"), x)


def sqrt(x: Expression) -> Expression:
    """Return the square root; missing where x is negative or missing."""
    return call(Elementwise("sqrt"), x)


def sign(x: Expression) -> Expression:
    """Return -1, 0 or 1; missing where x is."""
    return call(Elementwise("sign"), x)


def maximum(x: Expression | float, y: Expression | float) -> Expression:
    """Return the larger of two; missing if either is."""
    return call(Elementwise("maximum"), x, y)


def minimum(x: Expression | float, y: Expression | float) -> Expression:
    """Return the smaller of two; missing if either is."""
    return call(Elementwise("minimum"), x, y)


def total(x: Expression, window: int) -> Expression:
    """Return the sum over the window.

    Missing where it holds no value, or the sum passes the largest number.
    """
    return _rolling("total", "moments", "sum", x, window=window)


def mean(x: Expression, window: int) -> Expression:
    """Return the mean over the window.

    Missing where it holds no value, or their sum passes the largest number.
    """
    return _rolling("mean", "moments", "mean", x, window=window)


def std(x: Expression, window: int) -> Expression:
    """Return the standard deviation (ddof 1) over the window.

    Missing below two values, and where their squares pass the largest number.
    """
    return _rolling("std", "moments", "std", x, window=window)


def slope(x: Expression, window: int) -> Expression:
    """Return the slope per session of the least-squares line through the window.

    A session without a value leaves a gap in time; missing below two values, and where a
    product passes the largest number.
    """
    return _rolling("slope", "moments", "slope", x, window=window)


def rsquare(x: Expression, window: int) -> Expression:
    """Return R² of that line.

    Missing below two values or a standard deviation over 2e-5, and where squares pass the
    largest number.
    """
    return _rolling("rsquare", "moments", "rsquare", x, window=window)


def residual(x: Expression, window: int) -> Expression:
    """Return the newest value less the line; missing where it is, and below two values."""
    return _rolling("residual", "moments", "residual", x, window=window)


def mean_deviation(x: Expression, window: int) -> Expression:
    """Return the mean absolute deviation from the window's mean; missing without a value."""
    return _rolling("mean_deviation", "deviation", "deviation", x, window=window)


def highest(x: Expression, window: int) -> Expression:
    """Return the largest value of the window; missing where it holds none."""
    return _rolling("highest", "highest", "extreme", x, window=window)


def lowest(x: Expression, window: int) -> Expression:
    """Return the smallest value of the window; missing where it holds none."""
    return _rolling("lowest", "lowest", "extreme", x, window=window)


def highest_at(x: Expression, window: int) -> Expression:
    """Return the 1-based position of the largest value, the window's oldest session being 1.

    Among equals the oldest counts; missing where the window holds no value.
    """
    return _rolling("highest_at", "highest", "position", x, window=window)


def lowest_at(x: Expression, window: int) -> Expression:
    """Return the 1-based position of the smallest value, the window's oldest session being 1.

    Among equals the oldest counts; missing where the window holds no value.
    """
    return _rolling("lowest_at", "lowest", "position", x, window=window)


def rank(x: Expression, window: int) -> Expression:
    """Return the percentile rank of the newest value in its window, in (0, 1].

    Equals share the mean of their ranks; missing where the newest value is.
    """
    return _rolling("rank", "rank", "rank", x, window=window)


def quantile(x: Expression, window: int, probability: float) -> Expression:
    """Return the quantile of the window, linear between order statistics.

    Missing where the window holds no value.
    """
    if not 0.0 <= probability <= 1.0:
        raise InvalidInputError(f"a probability lies in [0, 1], got {probability}")
    operator = Rolling(
        "quantile", _window_history, family="quantile", statistic=repr(float(probability))
    )
    return call(operator, x, params=(_window(window), float(probability)))


def correlation(x: Expression, y: Expression, window: int) -> Expression:
    """Return Pearson's correlation over the window's complete pairs.

    Missing below two pairs, where either standard deviation is at most 2e-5, and where squares
    pass the largest number.
    """
    return _rolling("correlation", "comoments", "correlation", x, y, window=window)


def beta(x: Expression, y: Expression, window: int) -> Expression:
    """Return the slope of x on y over the window's complete pairs.

    Missing below two pairs, where y does not vary, and where squares pass the largest number.
    """
    return _rolling("beta", "comoments", "beta", x, y, window=window)


def covariance(x: Expression, y: Expression, window: int) -> Expression:
    """Return the covariance (ddof 1) over the window's complete pairs.

    Missing below two, and where products pass the largest number.
    """
    return _rolling("covariance", "comoments", "covariance", x, y, window=window)


def ema(x: Expression, window: int, *, left_out: int = 0) -> Expression:
    """Return the exponential average of weight 2 / (window + 1), begun with a simple average.

    It begins with the mean of the first `window` values after `left_out` ones, as TA-Lib does;
    what is missing is passed over. Missing before that, and where x is. Its lookback is what it
    takes to forget how it began to fifteen digits.
    """
    return _smoothing("ema", x, (_window(window), left_out), 2.0 / (window + 1), window)


def wilder(x: Expression, window: int, *, left_out: int = 0) -> Expression:
    """Return Wilder's average, of weight 1 / window.

    It begins with the mean of the first `window` values after `left_out` ones; what is missing
    is passed over. Missing before that, and where x is.
    """
    return _smoothing("wilder", x, (_window(window), left_out), 1.0 / window, window)


def wilder_sum(x: Expression, window: int) -> Expression:
    """Return Wilder's average as TA-Lib's directional movement begins it.

    With the sum of window - 1 values over the window, and one step before its first answer.
    Missing before that, and where x is.
    """
    operator = Smoothing(
        "wilder_sum",
        lambda params: _memory(1.0 / int(params[0])),
        lambda params: int(params[0]) - 1,
        alpha=lambda params: 1.0 / int(params[0]),
        seed=lambda params: (0, int(params[0]) - 1, float(params[0])),
        quiet=1,
    )
    return call(operator, x, params=(_window(window),))


def decayed(x: Expression, decay: float) -> Expression:
    """Return the average that keeps the share `decay` at each session (RiskMetrics: 0.94).

    It begins with the first value; missing before that, and where x is.
    """
    if not 0.0 < decay < 1.0:
        raise InvalidInputError(f"a decay lies in (0, 1), got {decay}")
    operator = Smoothing(
        "decayed",
        lambda params: _memory(1.0 - float(params[0])),
        lambda _: 0,
        alpha=lambda params: 1.0 - float(params[0]),
        seed=lambda _: (0, 1, 1.0),
    )
    return call(operator, x, params=(float(decay),))


def group_demean(x: Expression, groups: Expression) -> Expression:
    """Return x less the mean of its group in the session; `groups` numbers them.

    Missing where x or its group is; zero for one alone in its group.
    """
    return call(CrossSection("group_demean"), x, groups)


def cross_residual(x: Expression, y: Expression) -> Expression:
    """Return what the line of x on y over the symbols of the session leaves of x.

    Missing where either is, and for all below three pairs or where y does not vary.
    """
    return call(CrossSection("cross_residual"), x, y)


def cross_rank(x: Expression) -> Expression:
    """Return the percentile rank among the symbols of the session, in (0, 1].

    Equals share the mean of their ranks; missing where x is.
    """
    return call(CrossSection("cross_rank"), x)


def cross_mean(x: Expression) -> Expression:
    """Return the mean over the symbols of the session, the same for each symbol.

    Missing where no symbol has a value.
    """
    return call(CrossSection("cross_mean"), x)


def cross_zscore(x: Expression) -> Expression:
    """Return (x - mean) / standard deviation (ddof 1) over the symbols of the session.

    Missing where x is, and for all below two values or where they do not vary.
    """
    return call(CrossSection("cross_zscore"), x)


def _rolling(name: str, family: str, statistic: str, *args: Expression, window: int) -> Expression:
    operator = Rolling(name, _window_history, family=family, statistic=statistic)
    return call(operator, *args, params=(_window(window),))


def _smoothing(
    name: str, x: Expression, params: tuple[int, int], alpha: float, window: int
) -> Expression:
    operator = Smoothing(
        name,
        lambda given: _memory(alpha) + int(given[1]),
        lambda given: int(given[0]) + int(given[1]) - 1,
        alpha=lambda _: alpha,
        seed=lambda given: (int(given[1]), window, float(window)),
    )
    return call(operator, x, params=params)


def _memory(alpha: float) -> int:
    """Return after how many steps the weight of the beginning is below 1e-15."""
    return math.ceil(math.log(1e-15) / math.log1p(-alpha)) if alpha < 1.0 else 1


def _window_history(params: tuple[Param, ...]) -> int:
    return int(params[0]) - 1


def _window(sessions: int) -> int:
    if isinstance(sessions, bool) or not isinstance(sessions, int):
        raise InvalidInputError(f"a window is a whole number of sessions, got {sessions!r}")
    if not 1 <= sessions <= MAX_WINDOW_SESSIONS:
        raise InvalidInputError(
            f"a window lies between 1 and {MAX_WINDOW_SESSIONS} sessions, got {sessions}"
        )
    return sessions
