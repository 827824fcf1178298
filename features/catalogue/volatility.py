"""Volatility estimators, as fractions a year (252 sessions).

Sources: Parkinson (1980); Garman and Klass (1980); Rogers and Satchell (1991); Yang and Zhang
(2000); RiskMetrics (1996) for the exponentially weighted one.
"""

import math

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import decayed, delay, log, mean, sqrt, std

VERSION = 1
SESSIONS_PER_YEAR = 252.0
WINDOWS = (10, 20, 60)
DECAY = 0.94

OPEN, HIGH, LOW, CLOSE = field("open"), field("high"), field("low"), field("close")
# {n} stands for a window in sessions.
MEANINGS = {
    "ewma_094": "Volatility a year from squared returns that fade by 6% a session, as "
    "RiskMetrics has it.",
    "close_to_close_{n}": "Volatility a year from the closes of {n} sessions.",
    "parkinson_{n}": "Volatility a year from highs and lows of {n} sessions: sharper, blind to "
    "gaps and drift.",
    "garman_klass_{n}": "Volatility a year from whole bars of {n} sessions: sharper still, "
    "blind to gaps.",
    "rogers_satchell_{n}": "Volatility a year from whole bars of {n} sessions, right in a "
    "trend, blind to gaps.",
    "yang_zhang_{n}": "Volatility a year from whole bars of {n} sessions, gaps and trend counted.",
}


def volatility() -> FeatureSet:
    """Return the set; reads open, high, low and close."""
    daily = log(CLOSE / delay(CLOSE, 1))
    formulas = {"ewma_094": _yearly(decayed(daily * daily, DECAY))}
    for n in WINDOWS:
        formulas |= {f"{name}_{n}": formula for name, formula in _estimators(n).items()}
    return FeatureSet("volatility", VERSION, features(formulas, MEANINGS), complete_windows=True)


def _estimators(n: int) -> dict[str, Expression]:
    span, body = log(HIGH / LOW), log(CLOSE / OPEN)
    drift_free = log(HIGH / CLOSE) * log(HIGH / OPEN) + log(LOW / CLOSE) * log(LOW / OPEN)
    overnight, daily = log(OPEN / delay(CLOSE, 1)), log(CLOSE / delay(CLOSE, 1))
    garman_klass = 0.5 * span * span - (2.0 * math.log(2.0) - 1.0) * body * body
    # Yang and Zhang's weight of least variance.
    k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0))
    mixed = (
        std(overnight, n) * std(overnight, n)
        + k * std(body, n) * std(body, n)
        + (1.0 - k) * mean(drift_free, n)
    )
    return {
        "close_to_close": std(daily, n) * math.sqrt(SESSIONS_PER_YEAR),
        "parkinson": _yearly(mean(span * span, n) / (4.0 * math.log(2.0))),
        "garman_klass": _yearly(mean(garman_klass, n)),
        "rogers_satchell": _yearly(mean(drift_free, n)),
        "yang_zhang": _yearly(mixed),
    }


def _yearly(daily_variance: Expression) -> Expression:
    return sqrt(daily_variance * SESSIONS_PER_YEAR)
