"""A symbol among its peers: ranks, betas, and what the market and size leave; with the calendar."""

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import (
    beta,
    cross_mean,
    cross_rank,
    cross_residual,
    cross_zscore,
    delay,
    log,
    mean,
    returns,
    sqrt,
    std,
)

VERSION = 1

CLOSE, VOLUME = field("close"), field("volume")
# {n} stands for a window in sessions.
MEANINGS = {
    "rank_return_{n}": "Its rank among all symbols by the return of {n} sessions: near 1 is "
    "the best.",
    "rank_momentum_{n}": "Its rank by the return from {n} to 20 sessions ago: near 1 is the best.",
    "rank_size": "Its rank by the value traded in a month, which stands for size: near 1 is "
    "the largest.",
    "rank_volatility_{n}": "Its rank by volatility over {n} sessions: near 1 is the wildest.",
    "zscore_return_{n}": "Its return of {n} sessions in standard deviations from the "
    "universe's mean.",
    "market_beta_{n}": "How many per cent it moved for one of the universe's mean, over {n} "
    "sessions.",
    "size_factor_beta_{n}": "How it moved with large less small symbols, over {n} sessions.",
    "own_volatility_{n}": "The volatility that the universe's mean does not explain, over {n} "
    "sessions.",
    "return_20_beta_neutral": "The month's return less what its market beta explains across "
    "symbols.",
    "momentum_size_neutral": "Momentum less what size explains across symbols.",
    "weekday": "The day of the week: 0 is Monday.",
    "month": "The month of the year: 1 to 12.",
    "days_to_month_end": "Calendar days left in the month: 0 on its last day.",
}


def cross_section() -> FeatureSet:
    """Return the set; reads close and volume."""
    daily = returns(CLOSE, 1)
    market = cross_mean(daily)
    size = log(mean(CLOSE * VOLUME, 20))
    market_beta = beta(daily, market, 120)
    explained = market_beta * std(market, 120)
    momentum = delay(CLOSE, 20) / delay(CLOSE, 120) - 1.0
    # The return of the larger half of the universe less the smaller's: a factor of its own.
    larger = cross_mean(daily * ((cross_rank(size) > 0.5) * 2.0 - 1.0))
    formulas: dict[str, Expression] = {
        "rank_return_20": cross_rank(returns(CLOSE, 20)),
        "rank_momentum_120": cross_rank(momentum),
        "rank_size": cross_rank(size),
        "rank_volatility_60": cross_rank(std(daily, 60)),
        "zscore_return_5": cross_zscore(returns(CLOSE, 5)),
        "market_beta_120": market_beta,
        "size_factor_beta_120": beta(daily, larger, 120),
        "own_volatility_120": sqrt(std(daily, 120) * std(daily, 120) - explained * explained),
        "return_20_beta_neutral": cross_residual(returns(CLOSE, 20), market_beta),
        "momentum_size_neutral": cross_residual(momentum, size),
        "weekday": field("session.weekday"),
        "month": field("session.month"),
        "days_to_month_end": field("session.days_to_month_end"),
    }
    return FeatureSet("cross_section", VERSION, features(formulas, MEANINGS), complete_windows=True)
