"""How much can be traded, and what it costs: measures of liquidity and the one impact model."""

from market.liquidity.impact import ALMGREN_2005, ImpactCost, ImpactModel, fit_impact
from market.liquidity.measures import (
    amihud,
    average_daily_volume,
    corwin_schultz,
    days_to_liquidate,
    quoted_spread,
    roll_spread,
    volume_profile,
)

__all__ = [
    "ALMGREN_2005",
    "ImpactCost",
    "ImpactModel",
    "amihud",
    "average_daily_volume",
    "corwin_schultz",
    "days_to_liquidate",
    "fit_impact",
    "quoted_spread",
    "roll_spread",
    "volume_profile",
]
