"""What a symbol does beside its sector: the sector's mean taken out, and the sector's own move.

The sector is that of the session, as it was known then, so a symbol that changes sector is
measured against its new peers from that day on. A symbol alone in its sector is always at zero.
"""

from features.definitions import FeatureSet, features
from features.expressions import Expression, field
from features.operators import cross_rank, delay, group_demean, returns, std

VERSION = 1
# {n} stands for a window in sessions.
MEANINGS = {
    "return_{n}_sector_neutral": "The return of {n} sessions less the mean of its sector.",
    "momentum_12_1_sector_neutral": "The year's momentum less the mean of its sector.",
    "volatility_{n}_sector_neutral": "Volatility over {n} sessions less the mean of its sector.",
    "sector_return_20": "The month's mean return of its sector.",
    "sector_momentum_12_1": "The year's mean momentum of its sector.",
    "rank_return_20_sector_neutral": "Its rank among all by the month's return within its "
    "sector: near 1 is the best.",
    "rank_momentum_12_1_sector_neutral": "Its rank among all by momentum within its sector: "
    "near 1 is the best.",
}


def sector_neutral() -> FeatureSet:
    """Return the set; reads close and the sector by date."""
    close, sector = field("close"), field("reference.sector")
    daily = returns(close, 1)
    momentum = delay(close, 20) / delay(close, 250) - 1.0
    plain = {
        "return_1": daily,
        "return_5": returns(close, 5),
        "return_20": returns(close, 20),
        "return_60": returns(close, 60),
        "momentum_12_1": momentum,
        "volatility_20": std(daily, 20),
        "volatility_60": std(daily, 60),
    }
    formulas: dict[str, Expression] = {
        f"{name}_sector_neutral": group_demean(x, sector) for name, x in plain.items()
    }
    for name in ("return_20", "momentum_12_1"):
        neutral = formulas[f"{name}_sector_neutral"]
        formulas[f"sector_{name}"] = plain[name] - neutral
        formulas[f"rank_{name}_sector_neutral"] = cross_rank(neutral)
    return FeatureSet(
        "sector_neutral", VERSION, features(formulas, MEANINGS), complete_windows=True
    )
