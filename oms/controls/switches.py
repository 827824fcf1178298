"""Trading state and kill switch of a scope, and what several of them together allow."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from oms.controls.context import TradingState

DESK: Final = "desk"  # The scope of everything that trades.
_STRICTEST_FIRST: Final = (TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSwitch:
    """How a scope (a strategy, a portfolio, or `desk`) may trade, and who said so.

    Attributes
    ----------
    kill_reason : str
        Why everything is stopped; empty when it is not.
    """

    scope: str
    state: TradingState = TradingState.ACTIVE
    kill_reason: str = ""
    changed_by: str
    changed_at: datetime


def strictest(
    switches: Iterable[TradingSwitch], *, scopes: Collection[str]
) -> tuple[TradingState, str]:
    """Return the state and the kill reason that hold where all `scopes` apply."""
    holding = [switch for switch in switches if switch.scope in scopes]
    states = {switch.state for switch in holding}
    state = next((s for s in _STRICTEST_FIRST if s in states), TradingState.ACTIVE)
    reasons = sorted(f"{s.scope}: {s.kill_reason}" for s in holding if s.kill_reason)
    return state, "; ".join(reasons)
