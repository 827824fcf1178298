"""Algorithms slice an order over time. Each is a pure planner: terms in, a schedule out."""

from oms.algorithms.schedule import Slice, in_lots, participation_child, pov, twap, vwap
from oms.algorithms.shortfall import ShortfallPlan, implementation_shortfall

__all__ = [
    "ShortfallPlan",
    "Slice",
    "implementation_shortfall",
    "in_lots",
    "participation_child",
    "pov",
    "twap",
    "vwap",
]
