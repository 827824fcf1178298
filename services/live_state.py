"""What a live portfolio takes and gives: marks, the keeper of its risk, whole states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from pnl.engine_snapshot import PnlSnapshot
from risk.limits import Limit
from risk.score import Level
from services.live_observations import Whole
from services.live_profile import LiveHoldings, LiveProfile
from services.live_risk import LiveRiskReading

OBSERVED = "observed"


class RiskOfBook(Protocol):
    """Keeps one portfolio measured: `LiveRisk` stocks, `MultiAssetRisk` every kind."""

    def update(
        self,
        values: Mapping[str, float],
        working: Mapping[str, tuple[float, float]],
        worth: Mapping[str, float],
    ) -> int:
        """Move to new market values and working orders; return how many symbols moved."""
        ...

    def read(
        self,
        *,
        equity: float,
        drawdown: float,
        limits: Sequence[Limit],
        as_of: date,
        previous: Level | None = None,
        whole: Whole = (),
    ) -> LiveRiskReading:
        """Return what every event can pay for, held against `limits`."""
        ...

    def profile(
        self,
        reading: LiveRiskReading,
        holdings: LiveHoldings,
        *,
        limits: Sequence[Limit],
        desk_date: date,
        at: datetime,
        sequence: int,
    ) -> LiveProfile:
        """Return the full profile of what `reading` is of."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """A price of a symbol, as a source tells it; see `pnl.engine` for what sequences mean."""

    symbol: str
    price: float
    event_time_ns: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """A portfolio at one moment, whole: a reader never sees half an update.

    Attributes
    ----------
    sequence : int
        Grows with each state published, over restarts too.
    desk_date : date
        The last session of the lake, whose closes the day began with.
    equity, peak : float
        What the portfolio is worth, and the most it was.
    day_pnl : float
        Profit since the closes of the desk date, on the books as they stood then.
    risk : LiveRiskReading or None
        Read with each state; None while equity is not positive: weights have no meaning then.
    fx_on_cash : mapping of str to float
        Part of `day_pnl`: what rates made of the cash of each other currency held at the closes.
    exchanges, cash_booked : float
        Parts of `day_pnl`: what conversions gave over the rates of now; interest, fees and
        adjustments of no instrument.
    market : str
        `observed`, or `simulated`: then nothing here is evidence of anything.
    profile : LiveProfile or None
        The full profile last taken, with the moment and the state that it is of; None before the
        first.
    """

    sequence: int
    portfolio: str
    run_id: str
    desk_date: date
    as_of: datetime
    equity: float
    peak: float
    day_pnl: float
    pnl: PnlSnapshot
    risk: LiveRiskReading | None
    fx_on_cash: Mapping[str, float] = field(default_factory=dict)
    exchanges: float = 0.0
    cash_booked: float = 0.0
    market: str = OBSERVED
    profile: LiveProfile | None = None
