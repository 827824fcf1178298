"""How much trades and what it costs: turnover, price impact, spreads estimated from bars.

Sources: Amihud (2002); Roll (1984); Corwin and Schultz (2012), negative estimates set to zero.
"""

import math

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import (
    change,
    covariance,
    delay,
    exp,
    log,
    maximum,
    mean,
    minimum,
    returns,
    sqrt,
    std,
)

VERSION = 1

HIGH, LOW, CLOSE, VOLUME = field("high"), field("low"), field("close"), field("volume")
# {n} stands for a window in sessions.
MEANINGS = {
    "log_notional_{n}": "The logarithm of the mean value traded a session, over {n} sessions.",
    "relative_volume_{n}": "Today's volume over its mean of {n} sessions: above 1 is busier "
    "than usual.",
    "volume_variation_{n}": "The spread of volume over its mean, in {n} sessions: how unsteady "
    "trading is.",
    "no_trade_{n}": "The share of the last {n} sessions without a trade.",
    "amihud_{n}": "The mean move for a million traded, over {n} sessions: the larger, the less "
    "liquid.",
    "roll_spread_{n}": "The spread that the bounce of {n} closes implies, as a share of the price.",
    "corwin_schultz_{n}": "The spread that highs and lows of {n} sessions imply, as a share of "
    "the price.",
}


def liquidity() -> FeatureSet:
    """Return the set; reads high, low, close and volume."""
    notional, moves = CLOSE * VOLUME, change(CLOSE, 1)
    formulas = {
        "log_notional_20": log(mean(notional, 20)),
        "relative_volume_20": VOLUME / mean(VOLUME, 20),
        "volume_variation_20": std(VOLUME, 20) / mean(VOLUME, 20),
        "no_trade_20": 1.0 - mean(VOLUME > 0.0, 20),
        # Return for a million of currency traded.
        "amihud_20": mean(abs(returns(CLOSE, 1)) / notional, 20) * 1e6,
        "roll_spread_20": 2.0
        * sqrt(maximum(-covariance(moves, delay(moves, 1), 20), 0.0))
        / mean(CLOSE, 20),
        "corwin_schultz_20": mean(maximum(_corwin_schultz(), 0.0), 20),
    }
    return FeatureSet("liquidity", VERSION, features(formulas, MEANINGS), complete_windows=True)


def _corwin_schultz() -> Expression:
    """Return the spread from the highs and lows of two sessions, as a fraction of the price."""
    span = log(HIGH / LOW)
    single = span * span + delay(span, 1) * delay(span, 1)
    double = log(maximum(HIGH, delay(HIGH, 1)) / minimum(LOW, delay(LOW, 1)))
    weight = 3.0 - 2.0 * math.sqrt(2.0)
    alpha = (sqrt(2.0 * single) - sqrt(single)) / weight - sqrt(double * double / weight)
    return 2.0 * (exp(alpha) - 1.0) / (1.0 + exp(alpha))
