"""Technical indicators equal to TA-Lib's, its scales (0 to 100) and warm-ups included.

One difference: where a range is zero TA-Lib answers 0 and these are missing.
"""

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import (
    change,
    delay,
    ema,
    highest,
    lowest,
    maximum,
    mean,
    mean_deviation,
    returns,
    sign,
    slope,
    std,
    total,
    wilder,
    wilder_sum,
)

VERSION = 1

HIGH, LOW, CLOSE, VOLUME = field("high"), field("low"), field("close"), field("volume")
TYPICAL = (HIGH + LOW + CLOSE) / 3.0


def technical() -> FeatureSet:
    """Return the set; reads high, low, close and volume."""
    formulas = _trend() | _strength() | _range() | _volume()
    return FeatureSet("technical", VERSION, features(formulas), complete_windows=True)


def true_range() -> Expression:
    """Return the largest of high - low and the two distances to the close before."""
    before = delay(CLOSE, 1)
    return maximum(HIGH - LOW, maximum(abs(HIGH - before), abs(LOW - before)))


def _trend() -> dict[str, Expression]:
    # TA-Lib begins the short average where the long one begins.
    macd = ema(CLOSE, 12, left_out=14) - ema(CLOSE, 26)
    signal = ema(macd, 9)
    middle = mean(CLOSE, 20)
    # TA-Lib's standard deviation has ddof 0.
    width = std(CLOSE, 20) * (19.0 / 20.0) ** 0.5
    return {
        "sma_20": middle,
        "ema_12": ema(CLOSE, 12),
        "ema_26": ema(CLOSE, 26),
        "macd": macd,
        "macd_signal": signal,
        "macd_histogram": macd - signal,
        "bollinger_upper_20": middle + 2.0 * width,
        "bollinger_lower_20": middle - 2.0 * width,
        "linear_slope_14": slope(CLOSE, 14),
        "momentum_10": change(CLOSE, 10),
        "rate_of_change_10": returns(CLOSE, 10) * 100.0,
    }


def _strength() -> dict[str, Expression]:
    move = change(CLOSE, 1)
    gains, losses = wilder(maximum(move, 0.0), 14), wilder(maximum(-move, 0.0), 14)
    up, down = change(HIGH, 1), -change(LOW, 1)
    directed = wilder_sum(true_range(), 14)
    plus = wilder_sum((up > down) * maximum(up, 0.0), 14) * 100.0 / directed
    minus = wilder_sum((down > up) * maximum(down, 0.0), 14) * 100.0 / directed
    return {
        "rsi_14": gains * 100.0 / (gains + losses),
        "plus_di_14": plus,
        "minus_di_14": minus,
        "adx_14": wilder(abs(plus - minus) * 100.0 / (plus + minus), 14),
        "cci_14": (TYPICAL - mean(TYPICAL, 14)) / (mean_deviation(TYPICAL, 14) * 0.015),
    }


def _range() -> dict[str, Expression]:
    average = wilder(true_range(), 14)
    top, bottom = highest(HIGH, 14), lowest(LOW, 14)
    fast = (CLOSE - lowest(LOW, 5)) * 100.0 / (highest(HIGH, 5) - lowest(LOW, 5))
    slow = mean(fast, 3)
    return {
        "true_range": true_range(),
        "atr_14": average,
        "natr_14": average * 100.0 / CLOSE,
        "williams_r_14": (top - CLOSE) * -100.0 / (top - bottom),
        "stochastic_k": slow,
        "stochastic_d": mean(slow, 3),
    }


def _volume() -> dict[str, Expression]:
    flow, move = TYPICAL * VOLUME, change(TYPICAL, 1)
    inflow = total((move > 0.0) * flow, 14)
    outflow = total((move < 0.0) * flow, 14)
    return {
        "money_flow_14": inflow * 100.0 / (inflow + outflow),
        # On-balance volume has no beginning of its own; its change over a month has.
        "on_balance_volume_20": total(sign(change(CLOSE, 1)) * VOLUME, 20),
    }
