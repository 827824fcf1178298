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
# {n} stands for a window in sessions.
MEANINGS = {
    "sma_{n}": "The mean close of {n} sessions: a price.",
    "ema_{n}": "The exponential average of the close over about {n} sessions: a price.",
    "macd": "The fast average less the slow one: above 0 the price has lately risen.",
    "macd_signal": "The average of MACD over nine sessions.",
    "macd_histogram": "MACD less its signal: above 0 the rise is gaining speed.",
    "bollinger_upper_{n}": "Two standard deviations above the mean of {n} closes: seldom passed.",
    "bollinger_lower_{n}": "Two standard deviations below the mean of {n} closes: seldom passed.",
    "linear_slope_{n}": "The slope of the line through {n} closes: price a session.",
    "momentum_{n}": "The close less that of {n} sessions ago: a price.",
    "rate_of_change_{n}": "The return of {n} sessions, in per cent.",
    "rsi_{n}": "The share of movement that went up, over {n} sessions: above 70 is called "
    "overbought.",
    "plus_di_{n}": "How much of the range of {n} sessions was new highs: strength upwards, 0 "
    "to 100.",
    "minus_di_{n}": "How much of the range of {n} sessions was new lows: strength downwards, 0 "
    "to 100.",
    "adx_{n}": "How strong the trend is, up or down, over {n} sessions: above 25 is called a "
    "trend.",
    "cci_{n}": "How far the typical price is from its mean of {n} sessions: beyond 100 is unusual.",
    "true_range": "The session's range, the gap from the close before counted: a price.",
    "atr_{n}": "The true range smoothed over {n} sessions: what it moves in a day, as a price.",
    "natr_{n}": "The true range smoothed over {n} sessions, in per cent of the close.",
    "williams_r_{n}": "Where the close lies in the range of {n} sessions: 0 at the high, -100 "
    "at the low.",
    "stochastic_k": "Where the close lies in the week's range, averaged over three sessions: 0 "
    "to 100.",
    "stochastic_d": "The average of the stochastic's K over three sessions: 0 to 100.",
    "money_flow_{n}": "The share of traded value on rises, over {n} sessions: above 80 is "
    "called overbought.",
    "on_balance_volume_{n}": "Volume on rises less volume on falls, over {n} sessions: shares.",
}


def technical() -> FeatureSet:
    """Return the set; reads high, low, close and volume."""
    formulas = _trend() | _strength() | _range() | _volume()
    return FeatureSet("technical", VERSION, features(formulas, MEANINGS), complete_windows=True)


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
