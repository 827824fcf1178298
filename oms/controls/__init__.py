"""Pre-trade controls: nine layers, and the only way to an `ApprovedOrder`.

The layers follow MiFID II RTS 6 articles 12, 15 and 16 and SEC rule 15c3-5. Each is a pure
function of the order and a `ControlContext`; limits come from data that is handed in, so code
that decides trades cannot loosen them.
"""

from oms.controls.approval import LAYERS, ApprovedOrder, approve, check, refusals
from oms.controls.book import near_limits
from oms.controls.breach import RULES, Breach, Layer, OrdRejReason, Override
from oms.controls.context import (
    Beside,
    ControlContext,
    ControlLimits,
    RecentOrder,
    RiskFigures,
    RiskView,
    TradingState,
    Working,
    working_orders,
)
from oms.controls.observed import Judged
from oms.controls.switches import TradingSwitch, strictest

__all__ = [
    "LAYERS",
    "RULES",
    "ApprovedOrder",
    "Beside",
    "Breach",
    "ControlContext",
    "ControlLimits",
    "Judged",
    "Layer",
    "OrdRejReason",
    "Override",
    "RecentOrder",
    "RiskFigures",
    "RiskView",
    "TradingState",
    "TradingSwitch",
    "Working",
    "approve",
    "check",
    "near_limits",
    "refusals",
    "strictest",
    "working_orders",
]
