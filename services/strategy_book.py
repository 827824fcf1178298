"""One strategy of a simulation: its plan, and what it holds as its fills leave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from basics.arrays import FloatArray
from basics.instruments import Instrument
from basics.trading import Book, Fill, Lineage
from services.session_tape import SessionTape
from strategy.rebalance import Trade, rebalance
from strategy.signals import cross_sectional_signals, smooth
from strategy.sizing import long_only_weights, long_short_weights, scale_to_volatility

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPlan:
    """One strategy of a run.

    Attributes
    ----------
    scores : ndarray of shape (n_symbols, n_sessions)
        A forecast for each cell of the panel, made with what was known at that session's close;
        NaN where there is none.
    hold_sessions : int
        Sessions over which an opinion is held (overlapping slices).
    abstain_below : float
        Smallest score, in standard deviations of its session, that is an opinion.
    gross, cap : float
        Gross exposure before scaling, and the largest weight, as fractions of equity.
    volatility_target : float
        Yearly standard deviation aimed at.
    band : float
        Distance from the target weight within which nothing is traded.
    """

    book: Book
    capital: Decimal
    scores: FloatArray
    long_only: bool = False
    hold_sessions: int = 1
    abstain_below: float = 0.0
    gross: float = 1.0
    cap: float = 0.10
    volatility_target: float = 0.10
    max_gross: float = 1.5
    band: float = 0.01
    lineage: Lineage = field(default_factory=Lineage)


class StrategyBook:
    """Holdings, cash and equity of one strategy, and the trades that its plan asks for."""

    def __init__(self, plan: StrategyPlan, instruments: Mapping[str, Instrument]) -> None:
        self.plan = plan
        self.cash = self.equity = self.peak = plan.capital
        self.positions: dict[str, Decimal] = {}
        self.daily_pnl = self.traded = self.fees = ZERO
        self.path: list[float] = []
        self._lots = {symbol: instrument.lot_size for symbol, instrument in instruments.items()}
        opinions = cross_sectional_signals(plan.scores, abstain_below=plan.abstain_below)
        self._signals = smooth(opinions, sessions=plan.hold_sessions)

    @property
    def drawdown(self) -> float:
        """Distance of equity from its peak, a fraction, positive."""
        return float(1 - self.equity / self.peak)

    def book_fill(self, fill: Fill, multiplier: Decimal) -> None:
        """Apply one fill to cash and holdings."""
        value = fill.quantity * fill.price * multiplier
        self.cash -= value + fill.fee
        self.positions[fill.symbol] = self.positions.get(fill.symbol, ZERO) + fill.quantity
        self.traded += abs(value)
        self.fees += fill.fee

    def mark(self, tape: SessionTape, column: int) -> None:
        """Value the holdings at the close of `column`."""
        prices, before = tape.prices(column), self.equity
        held = (q * prices[s] * tape.multiplier(s) for s, q in self.positions.items() if q)
        self.equity = self.cash + sum(held, ZERO)
        self.daily_pnl = self.equity - before
        self.peak = max(self.peak, self.equity)
        self.path.append(float(self.equity))

    def decide(self, tape: SessionTape, column: int, covariance: FloatArray) -> tuple[Trade, ...]:
        """Return the trades wanted on what the close of `column` shows.

        A strategy whose equity is gone decides nothing more.
        """
        if self.equity <= 0:
            return ()
        plan = self.plan
        opinions = self._signals[:, column]
        opinions = np.where(np.isfinite(np.diagonal(covariance)), opinions, np.nan)
        if plan.long_only:
            weights = long_only_weights(opinions, total=plan.gross, cap=plan.cap)
        else:
            weights = long_short_weights(opinions, gross=plan.gross, cap=plan.cap)
        weights = scale_to_volatility(
            weights, covariance, target=plan.volatility_target, max_gross=plan.max_gross
        )
        return rebalance(
            dict(zip(tape.symbols, weights.tolist(), strict=True)),
            positions=self.positions,
            prices={s: p * tape.multiplier(s) for s, p in tape.prices(column).items()},
            equity=self.equity,
            lots=self._lots,
            band=plan.band,
        )
