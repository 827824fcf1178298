"""A portfolio's remedy applied in simulation: orders through the controls to the simulated venue.

The portfolio of the batch is itself a simulated run, which every night computes anew; so its
remedy is traded on top of it, in a run of its own: the book of the last close is the opening
position, each trade is an order that the nine layers check and the simulated venue fills, and the
limits are judged again on what the fills left. By one person, for a reason, approved by another.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import msgspec
import numpy as np

from basics.clock import Clock
from basics.errors import InvalidInputError, RefusedError
from basics.identifiers import short_id
from basics.trading import Book, Fill
from oms.orders import Order
from risk.book import Holding
from risk.limits import LimitCheck
from services.order_tickets import DESK, OrderTicket
from services.ports import OrderChange, OrderJournal, OrderRefusal, ResultStore, SessionRecord
from services.remediation import RemedyReport
from services.remedy_orders import remedy_tickets
from services.risk_inputs import History, RiskInputs

REMEDY_KIND = "risk.remedy"
STRATEGY = "remedy"
OPENING = "opening"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyOrder:
    """One trade of a remedy as it came out; `refused` says why a control stopped it."""

    cl_ord_id: str
    symbol: str
    quantity: float
    status: str
    filled: float
    average_price: float | None
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRemedy:
    """What was done about a portfolio's breaches, by whom, and what is left of them.

    Attributes
    ----------
    limits_scale : float
        Factor on every threshold that was restored; 1 for the limits in force.
    expected_cost, cost : float
        As solved, and as filled: fees and what was paid beyond the last close.
    before, after : tuple of LimitCheck
        Every limit on the book of the last close, and on what the fills left.
    """

    portfolio: str
    as_of: date
    reason: str
    by: str
    approved_by: str
    applied_at: datetime
    limits_scale: float
    orders: tuple[RemedyOrder, ...]
    expected_cost: float
    cost: float
    before: tuple[LimitCheck, ...]
    after: tuple[LimitCheck, ...]
    simulated: bool = True

    @property
    def breaches(self) -> tuple[int, int]:
        """How many limits were breached before and after."""
        before, after = (sum(c.breached for c in checks) for checks in (self.before, self.after))
        return before, after


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRoom:
    """What applying a remedy needs.

    Attributes
    ----------
    inputs : callable
        Returns what a portfolio's risk is computed from; its only one for None.
    solve : callable
        Returns the remedy of a book under limits scaled by a factor.
    place : callable
        Returns a coroutine function that places a ticket of a book with a journal and its equity.
    """

    inputs: Callable[[str | None], RiskInputs]
    solve: Callable[[RiskInputs, float], RemedyReport]
    place: Callable[["JournalOnTop", Book, Decimal], Callable[[OrderTicket], Awaitable[Order]]]
    journal: OrderJournal
    results: ResultStore
    clock: Clock

    async def apply(
        self, portfolio: str | None, *, reason: str, by: str, approved_by: str, scale: float = 1.0
    ) -> AppliedRemedy:
        """Trade the remedy of a portfolio in simulation, and keep what came of it.

        Asking again for the same book sends nothing twice.

        Raises
        ------
        InvalidInputError
            If the reason or a person is missing, or nothing is to be traded.
        RefusedError
            If the same person would propose and approve.
        """
        _check_people(reason, by, approved_by)
        inputs = self.inputs(portfolio)
        told = self.solve(inputs, scale)
        if not told.trades:
            raise InvalidInputError(
                f"{inputs.scope}: no trade restores a limit: none that trades can restore is "
                "breached (ask with a limits scale below 1 what tighter ones would take)"
            )
        run_id = short_id(inputs.scope, inputs.as_of, prefix="remedy-run")
        book = Book(inputs.fund or inputs.scope, inputs.scope, STRATEGY, inputs.scope)
        opening = opening_fills(inputs, book)
        journal = JournalOnTop(self.journal, run_id, opening)
        equity = Decimal(str(round(float(inputs.equity.values[-1]), 2)))
        place = self.place(journal, book, equity)
        orders = []
        for ticket, trade in zip(
            remedy_tickets(told.trades, as_of=inputs.as_of), told.trades, strict=True
        ):
            named = short_id(run_id, trade.symbol, trade.quantity, prefix="remedy")
            orders.append(await _placed(place, replace(ticket, cl_ord_id=named), trade.quantity))
        mine = {order.cl_ord_id for order in orders}
        fills = [fill for fill in journal.own_fills() if fill.cl_ord_id in mine]
        after, cost = after_fills(inputs, fills)
        done = AppliedRemedy(
            portfolio=inputs.scope,
            as_of=inputs.as_of,
            reason=reason.strip(),
            by=by.strip(),
            approved_by=approved_by.strip(),
            applied_at=self.clock.now(),
            limits_scale=scale,
            orders=tuple(orders),
            expected_cost=told.expected_cost,
            cost=cost,
            before=told.before,
            after=self.solve(after, scale).before,
        )
        self.results.put(
            REMEDY_KIND, done.portfolio, done.as_of, msgspec.to_builtins(done), {"run_id": run_id}
        )
        return done


class JournalOnTop:
    """An order journal whose desk run is a remedy's, above the positions of the last close."""

    def __init__(self, journal: OrderJournal, run_id: str, opening: Sequence[Fill]) -> None:
        self._journal = journal
        self._run_id = run_id
        self._opening = tuple(opening)

    def record(self, run_id: str, changes: Sequence[OrderChange]) -> None:
        """Store the changes under the remedy's run."""
        self._journal.record(self._own(run_id), changes)

    def book_session(
        self, run_id: str, record: SessionRecord, changes: Sequence[OrderChange]
    ) -> None:
        """Store a whole session under the remedy's run."""
        self._journal.book_session(self._own(run_id), record, changes)

    def sessions(self, run_id: str) -> Sequence[SessionRecord]:
        """Return the sessions of the remedy's run."""
        return self._journal.sessions(self._own(run_id))

    def order(self, cl_ord_id: str) -> Order:
        """Return the order as it stands."""
        return self._journal.order(cl_ord_id)

    def orders(self, run_id: str, *, open_only: bool = False, limit: int = 1000) -> Sequence[Order]:
        """Return the latest orders of the remedy, newest first."""
        return self._journal.orders(self._own(run_id), open_only=open_only, limit=limit)

    def fills(self, run_id: str) -> Sequence[Fill]:
        """Return the opening positions and what was filled since."""
        opening = self._opening if run_id == DESK else ()
        return [*opening, *self._journal.fills(self._own(run_id))]

    def own_fills(self) -> Sequence[Fill]:
        """Return what was filled since the opening."""
        return self._journal.fills(self._run_id)

    def refusals(self, run_id: str) -> Sequence[OrderRefusal]:
        """Return the remedy's orders that were refused, in the order in which that was told."""
        return self._journal.refusals(self._own(run_id))

    def version(self, run_id: str) -> int:
        """Return a number that grows with every report on the remedy's orders."""
        return self._journal.version(self._own(run_id))

    def last_heard(self, run_id: str, *, venue: str) -> datetime | None:
        """Return the time of the latest report of `venue`, None before the first."""
        return self._journal.last_heard(self._own(run_id), venue=venue)

    def _own(self, run_id: str) -> str:
        """Return the remedy's run where the desk's is meant."""
        return self._run_id if run_id == DESK else run_id


def opening_fills(inputs: RiskInputs, book: Book) -> tuple[Fill, ...]:
    """Return the book of the last close as fills at that close, so that it has no profit yet."""
    at = datetime.combine(inputs.as_of, time(0), UTC)
    return tuple(
        Fill(
            venue=OPENING,
            exec_id=f"{OPENING}-{symbol}",
            cl_ord_id=f"{OPENING}-{symbol}",
            book=book,
            symbol=symbol,
            quantity=Decimal(str(round(held.quantity, 6))),
            price=Decimal(str(held.market_value / held.quantity)),
            executed_at=at,
            currency=inputs.currency,
        )
        for symbol, held in sorted(inputs.holdings.items())
        if held.quantity
    )


def after_fills(inputs: RiskInputs, fills: Iterable[Fill]) -> tuple[RiskInputs, float]:
    """Return the book as fills leave it, at the last close, and what they cost."""
    last = dict(zip(inputs.prices.symbols, inputs.prices["close"][:, -1].tolist(), strict=True))
    held, cost = dict(inputs.holdings), 0.0
    for fill in fills:
        close, quantity = last[fill.symbol], float(fill.quantity)
        before = held.get(fill.symbol, Holding(0.0, 0.0))
        held[fill.symbol] = Holding(
            before.quantity + quantity, before.market_value + quantity * close
        )
        cost += quantity * (float(fill.price) - close) + float(fill.fee)
    equity = np.array(inputs.equity.values, copy=True)
    equity[-1] -= cost
    left = {symbol: item for symbol, item in held.items() if abs(item.quantity) > 1e-9}
    after = replace(inputs, holdings=left, equity=History(inputs.equity.sessions, equity))
    return after, cost


async def _placed(
    place: Callable[[OrderTicket], Awaitable[Order]], ticket: OrderTicket, quantity: float
) -> RemedyOrder:
    try:
        order = await place(ticket)
    except RefusedError as error:
        return RemedyOrder(
            cl_ord_id=ticket.cl_ord_id,
            symbol=ticket.symbol,
            quantity=quantity,
            status="refused",
            filled=0.0,
            average_price=None,
            refused=str(error),
        )
    price = order.average_price
    return RemedyOrder(
        cl_ord_id=order.cl_ord_id,
        symbol=order.symbol,
        quantity=quantity,
        status=order.status.name.lower(),
        filled=float(order.cum_quantity),
        average_price=None if price is None else float(price),
    )


def _check_people(reason: str, by: str, approved_by: str) -> None:
    if not (reason.strip() and by.strip() and approved_by.strip()):
        raise InvalidInputError(
            "a remedy is applied for a reason, by one person, approved by another: give all three"
        )
    if by.strip().casefold() == approved_by.strip().casefold():
        raise RefusedError(f"{by} cannot approve an own remedy: another person must")
