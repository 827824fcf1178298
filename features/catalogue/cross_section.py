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
    return FeatureSet("cross_section", VERSION, features(formulas), complete_windows=True)
