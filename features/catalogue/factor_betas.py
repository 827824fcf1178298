"""How a symbol moves with the market and with styles, measured against series of their own.

The market is the index of dataset `indices`, a style its exchange-traded fund (dataset
`factor_etfs`) less the market. A window counts once the series reaches back over all of it, so
that a beta never rests on a handful of sessions of a fund that was just launched. Downside beta
(Ang, Chen and Xing 2006) is over the sessions in which the market fell.
"""

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import beta, correlation, mean, returns, sqrt, std, total

VERSION = 1
MARKET = "series.indices.SPX.close"
STYLES = {
    "momentum": "series.factor_etfs.MTUM.close",
    "quality": "series.factor_etfs.QUAL.close",
    "size": "series.factor_etfs.SIZE.close",
    "low_volatility": "series.factor_etfs.USMV.close",
    "value": "series.factor_etfs.VLUE.close",
}
SHORT, LONG = 60, 250
# {n} stands for a window in sessions.
MEANINGS = {
    "market_beta_{n}": "How many per cent it moved for one of the S&P 500, over {n} sessions.",
    "market_correlation_{n}": "How closely it moved with the S&P 500, over {n} sessions.",
    "own_volatility_{n}": "The volatility a session that the S&P 500 does not explain, over "
    "{n} sessions.",
    "alpha_{n}": "The mean daily return that its beta to the S&P 500 does not explain, over "
    "{n} sessions.",
    "downside_beta_{n}": "Its beta over those of {n} sessions in which the S&P 500 fell.",
    "beta_change": "The quarter's market beta less the year's: above 0 it has become more of a "
    "market stock.",
    "momentum_beta_{n}": "How it moved with winners less the market, over {n} sessions.",
    "quality_beta_{n}": "How it moved with profitable companies less the market, over {n} "
    "sessions.",
    "size_beta_{n}": "How it moved with smaller companies less the market, over {n} sessions.",
    "low_volatility_beta_{n}": "How it moved with calm stocks less the market, over {n} sessions.",
    "value_beta_{n}": "How it moved with cheap stocks less the market, over {n} sessions.",
}


def factor_betas() -> FeatureSet:
    """Return the set; reads close, the index and five exchange-traded funds."""
    daily, market = returns(field("close"), 1), returns(field(MARKET), 1)
    formulas: dict[str, Expression] = {}
    for n in (SHORT, LONG):
        slope = _beta(daily, market, n)
        formulas[f"market_beta_{n}"] = slope
        formulas[f"market_correlation_{n}"] = correlation(daily, market, n) * _reaches(market, n)
        explained = slope * std(market, n)
        formulas[f"own_volatility_{n}"] = sqrt(
            std(daily, n) * std(daily, n) - explained * explained
        )
    slope = formulas[f"market_beta_{LONG}"]
    formulas[f"alpha_{LONG}"] = mean(daily, LONG) - slope * mean(market, LONG)
    fallen = market / (market < 0.0)
    formulas[f"downside_beta_{LONG}"] = beta(daily, fallen, LONG) * _reaches(market, LONG)
    formulas["beta_change"] = formulas[f"market_beta_{SHORT}"] - slope
    for name, series in STYLES.items():
        style = returns(field(series), 1) - market
        formulas[f"{name}_beta_{SHORT}"] = _beta(daily - market, style, SHORT)
        formulas[f"{name}_beta_{LONG}"] = _beta(daily - market, style, LONG)
    return FeatureSet("factor_betas", VERSION, features(formulas, MEANINGS), complete_windows=True)


def _beta(x: Expression, y: Expression, window: int) -> Expression:
    return beta(x, y, window) * _reaches(y, window)


def _reaches(series: Expression, window: int) -> Expression:
    """Return 1 where nine tenths of the window's sessions have a value, else missing."""
    there = total(series - series + 1.0, window)
    return 1.0 / (there > 0.9 * window)
