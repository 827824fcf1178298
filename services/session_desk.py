"""What the controls see of one strategy while it sends the orders of a session."""

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from basics.arrays import FloatArray
from oms.controls import ControlContext, ControlLimits, RecentOrder, Working
from oms.orders import Order
from services.order_tickets import recent_of
from services.session_tape import SessionTape
from services.strategy_book import StrategyBook


class SessionDesk:
    """The book at the close on which it decided, and what it has sent since.

    Parameters
    ----------
    decided : int
        Position in the tape of the close that decisions rest on.
    """

    def __init__(
        self,
        book: StrategyBook,
        tape: SessionTape,
        *,
        decided: int,
        covariance: FloatArray,
        limits: ControlLimits,
        restricted: Mapping[str, str],
    ) -> None:
        self._tape = tape
        self._risk = tape.risk(decided, covariance, book.positions)
        self._volumes = dict(zip(tape.symbols, tape.daily_volumes(decided).tolist(), strict=True))
        self._working: dict[str, Working] = {}
        self._recent: list[RecentOrder] = []
        self._base = ControlContext(
            now=tape.moment(decided),
            limits=limits,
            instrument=None,
            prices=tape.prices(decided),
            equity=book.equity,
            restricted=restricted,
            positions=dict(book.positions),
            working=self._working,
            recent=self._recent,
            multipliers={s: i.multiplier for s, i in tape.instruments.items()},
            risk=self._risk,
            drawdown=book.drawdown,
            daily_pnl=book.daily_pnl,
        )

    def context(self, order: Order) -> ControlContext:
        """Return the state of the book at the moment of the order's check."""
        volume = self._volumes.get(order.symbol, math.nan)
        return replace(
            self._base,
            instrument=self._tape.instruments.get(order.symbol),
            daily_volume=Decimal(int(volume)) if math.isfinite(volume) else None,
        )

    def sent(self, order: Order) -> None:
        """Count `order` as working."""
        so_far = self._working.get(order.symbol, Working())
        self._working[order.symbol] = so_far.with_order(order)
        self._recent.append(recent_of(order))
        self._risk.add(order.symbol, float(order.quantity) * order.side.sign)
