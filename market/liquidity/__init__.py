"""How much can be traded, and what it costs: measures of liquidity and the one impact model."""

from market.liquidity.impact import ALMGREN_2005, ImpactCost, ImpactModel, fit_impact

__all__ = ["ALMGREN_2005", "ImpactCost", "ImpactModel", "fit_impact"]
