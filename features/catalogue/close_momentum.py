"""Trend, reversal and risk from closing prices alone.

Close is the one field of the shipped equities that is observed and not simulated, so this is
the set that the day's batch trains on. Windows follow the literature: reversal over a week
(Lehmann 1990) and a month (Jegadeesh 1990), momentum from month 12 to month 2 (Jegadeesh and
Titman 1993), nearness to the 52-week high (George and Hwang 2004), low beta (Frazzini and
Pedersen 2014), the largest daily return of the month (Bali, Cakici and Whitelaw 2011).
"""

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import (
    beta,
    correlation,
    cross_mean,
    cross_rank,
    cross_zscore,
    delay,
    highest,
    lowest,
    maximum,
    mean,
    residual,
    returns,
    rsquare,
    std,
    total,
)

VERSION = 1
# {n} stands for a window in sessions.
MEANINGS = {
    "return_{n}": "The return of the last {n} sessions, as a fraction.",
    "momentum_12_1": "The return from twelve months ago to one month ago: winners tend to go "
    "on winning.",
    "volatility_{n}": "The standard deviation of daily returns in {n} sessions, a session.",
    "volatility_ratio_5_60": "The week's volatility over the quarter's: above 1 the stock has "
    "become restless.",
    "momentum_per_risk": "The year's momentum for each unit of the year's volatility.",
    "distance_to_high_250": "How far the close is below the year's highest close: 0 at a new high.",
    "distance_to_low_250": "How far the close is above the year's lowest close: 0 at a new low.",
    "zscore_{n}": "How many standard deviations the close is above its mean of {n} sessions.",
    "rsquare_{n}": "How well a straight line explains {n} closes: 1 for a steady trend, 0 for "
    "none.",
    "line_residual_{n}": "How far the close is above the line through {n} closes, as a share "
    "of the close.",
    "strength_{n}": "The share of all movement in {n} sessions that went up: 0.5 is balanced.",
    "largest_return_{n}": "The largest daily return in {n} sessions: lottery-like stocks tend "
    "to disappoint.",
    "market_beta_{n}": "How many per cent it moved for one of the universe's mean, over {n} "
    "sessions.",
    "market_correlation_{n}": "How closely it moved with the universe's mean, over {n} sessions.",
    "rank_return_{n}": "Its rank among all symbols by the return of {n} sessions: near 1 is "
    "the best.",
    "rank_momentum_12_1": "Its rank among all symbols by the year's momentum: near 1 is the best.",
    "rank_volatility_{n}": "Its rank among all symbols by volatility over {n} sessions: near 1 "
    "the wildest.",
    "relative_return_{n}": "Its return of {n} sessions in standard deviations from the "
    "universe's mean.",
}


def close_momentum() -> FeatureSet:
    """Return the set, version 1; every feature reads `close` alone."""
    close = field("close")
    daily = returns(close, 1)
    market = cross_mean(daily)
    momentum = delay(close, 20) / delay(close, 250) - 1.0
    formulas: dict[str, Expression] = {
        "return_1": daily,
        "return_5": returns(close, 5),
        "return_20": returns(close, 20),
        "return_60": returns(close, 60),
        "return_120": returns(close, 120),
        "momentum_12_1": momentum,
        "volatility_20": std(daily, 20),
        "volatility_ratio_5_60": std(daily, 5) / std(daily, 60),
        "momentum_per_risk": momentum / (std(daily, 250) * 15.0),
        "distance_to_high_250": close / highest(close, 250) - 1.0,
        "distance_to_low_250": close / lowest(close, 250) - 1.0,
        "zscore_20": (close - mean(close, 20)) / std(close, 20),
        "zscore_60": (close - mean(close, 60)) / std(close, 60),
        "rsquare_60": rsquare(close, 60),
        "line_residual_20": residual(close, 20) / close,
        "strength_14": total(maximum(daily, 0.0), 14) / total(abs(daily), 14),
        "largest_return_20": highest(daily, 20),
        "market_beta_120": beta(daily, market, 120),
        "market_correlation_60": correlation(daily, market, 60),
        "rank_return_5": cross_rank(returns(close, 5)),
        "rank_return_20": cross_rank(returns(close, 20)),
        "rank_momentum_12_1": cross_rank(momentum),
        "rank_volatility_20": cross_rank(std(daily, 20)),
        "relative_return_20": cross_zscore(returns(close, 20)),
    }
    return FeatureSet(
        "close_momentum", VERSION, features(formulas, MEANINGS), complete_windows=True
    )
