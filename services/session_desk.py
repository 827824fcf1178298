"""What the controls see of one strategy while it sends the orders of a session."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Final

from basics.arrays import FloatArray
from oms.controls import Beside, ControlContext, ControlLimits, RecentOrder, Working
from oms.orders import ZERO, Order
from risk.limits import LimitSet, Scope
from services.order_tickets import recent_of
from services.session_tape import SessionTape
from services.strategy_book import StrategyBook

_WIDER: Final = (Scope.PORTFOLIO, Scope.ACCOUNT, Scope.FUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRules:
    """What binds the orders of one book in a session."""

    limits: ControlLimits
    risk_limits: LimitSet
    restricted: Mapping[str, str]
    betas: Mapping[str, float]


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
        rules: "DeskRules",
    ) -> None:
        self.book, self._tape = book, tape
        self._risk_of = partial(tape.risk, decided, covariance)
        self._risks = [self._risk_of(book.positions)]
        self._volumes = dict(zip(tape.symbols, tape.daily_volumes(decided).tolist(), strict=True))
        self._working: dict[str, Working] = {}
        self._recent: list[RecentOrder] = []
        self._base = ControlContext(
            now=tape.moment(decided),
            limits=rules.limits,
            risk_limits=rules.risk_limits,
            as_of=tape.session(decided),
            instrument=None,
            prices=tape.prices(decided),
            equity=book.equity,
            restricted=rules.restricted,
            positions=dict(book.positions),
            working=self._working,
            recent=self._recent,
            multipliers={s: i.multiplier for s, i in tape.instruments.items()},
            risk=self._risks[0],
            drawdown=book.drawdown,
            daily_pnl=book.daily_pnl,
            sectors=tape.sectors,
            betas=rules.betas,
        )

    def see(self, others: Sequence["SessionDesk"]) -> None:
        """Count the other strategies of the same portfolio, account and fund as they now stand."""
        beside: dict[Scope, Beside] = {}
        found: dict[tuple[str, ...], Beside] = {}  # Mostly the three hold the same books.
        for scope in _WIDER:
            of_scope = [desk for desk in others if self._shares(desk, scope)]
            names = tuple(desk.book.plan.book.strategy for desk in of_scope)
            if names and names not in found:
                found[names] = self._beside(of_scope)
            if names:
                beside[scope] = found[names]
        self._base = replace(self._base, beside=beside)

    def _shares(self, other: "SessionDesk", scope: Scope) -> bool:
        mine, theirs = self.book.plan.book, other.book.plan.book
        return bool(getattr(mine, scope.value) == getattr(theirs, scope.value))

    def _beside(self, others: Sequence["SessionDesk"]) -> Beside:
        values: dict[str, float] = {}
        quantities = self._worst_positions()
        for other in others:
            for symbol, value in other.worst_values().items():
                values[symbol] = values.get(symbol, 0.0) + value
            for symbol, quantity in other._worst_positions().items():
                quantities[symbol] = quantities.get(symbol, ZERO) + quantity
        risk = self._risk_of(quantities)
        self._risks.append(risk)  # It follows what this desk sends.
        books = [self.book, *(other.book for other in others)]
        equity, peak = sum(float(book.equity) for book in books), _peak(books)
        return Beside(
            values=values,
            equity=equity - float(self.book.equity),
            daily_pnl=sum(float(other.book.daily_pnl) for other in others),
            drawdown=1.0 - equity / peak,
            risk=risk,
        )

    def _worst_positions(self) -> dict[str, Decimal]:
        state = self._base
        return {s: state.worst_position(s) for s in {*state.positions, *state.working}}

    def worst_values(self) -> dict[str, float]:
        """Return the signed value of each symbol, working orders at their worst."""
        state, values = self._base, {}
        for symbol in {*state.positions, *state.working}:
            unit = state.value_of_one(symbol)
            if unit is not None:
                values[symbol] = float(state.worst_position(symbol) * unit)
        return values

    def context(self, order: Order) -> ControlContext:
        """Return the state of the book at the moment of the order's check."""
        volume = self._volumes.get(order.symbol, math.nan)
        return replace(
            self._base,
            instrument=self._tape.instruments.get(order.symbol),
            daily_volume=Decimal(int(volume)) if math.isfinite(volume) else None,
        )

    def sent(self, order: Order) -> None:
        """Count `order` as working, at its worst."""
        before = self._base.worst_position(order.symbol)
        so_far = self._working.get(order.symbol, Working())
        self._working[order.symbol] = so_far.with_order(order)
        self._recent.append(recent_of(order))
        change = float(self._base.worst_position(order.symbol) - before)
        for risk in self._risks if change else ():
            risk.add(order.symbol, change)


def _peak(books: Sequence[StrategyBook]) -> float:
    """Return the highest that the books were worth together, at the start and at each close."""
    start = sum(float(book.plan.capital) for book in books)
    together = [sum(values) for values in zip(*(book.path for book in books), strict=True)]
    return max(start, *together) if together else start
