"""Order entry of the live desk: check, journal, send, journal what comes back.

Whatever is asked is stored before the venue hears of it, so a process that dies at any point
leaves an order that the next call takes up again. Asking twice changes nothing: an order is
known by its cl_ord_id. Each call first tells the venue which orders are open and lets the market
move on, so that several processes may take turns; `exclusive` keeps them from acting at once.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeVar

from basics.clock import Clock
from basics.errors import ConflictError, InvalidInputError, MissingDataError, RefusedError
from basics.trading import Book
from oms.controls import (
    ControlContext,
    ControlLimits,
    approve,
    near_limits,
    strictest,
    working_orders,
)
from oms.orders import Order, Report
from oms.states import OrderEvent, OrderStatus
from risk.limits import Limit, LimitSet
from services.book_standing import BookStanding, book_standing
from services.desk_market import MarketView
from services.limit_register import LimitRegister
from services.order_tickets import (
    DESK,
    OrderTicket,
    desk_report,
    order_of,
    recent_of,
    same_order,
    warning_of,
)
from services.ports import ControlStore, OrderChange, OrderJournal, ReplayVenue

RECENT_ORDERS: Final = 1000

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class OrderEntry:
    """Places, cancels and replaces the orders of one book.

    Attributes
    ----------
    book, capital : Book, Decimal
        Where the orders belong, and the money the book began with.
    market : callable
        Returns the market of now.
    limits, restricted
        As the policy says.
    risk_limits : callable
        Returns the limit register's rows in force now.
    register : LimitRegister or None
        Whose breach log is told of soft thresholds that an order passed.
    exclusive : callable
        Returns a context in which no other process enters orders.
    """

    book: Book
    capital: Decimal
    venue: ReplayVenue
    journal: OrderJournal
    controls: ControlStore
    market: Callable[[], MarketView]
    limits: Callable[[Book], ControlLimits]
    risk_limits: Callable[[], Iterable[Limit]]
    restricted: Mapping[str, str]
    clock: Clock
    exclusive: Callable[[], AbstractAsyncContextManager[None]]
    register: LimitRegister | None = None

    async def place(self, ticket: OrderTicket) -> Order:
        """Check and send an order; return it as it then stands.

        Raises
        ------
        RefusedError
            With every breach; the refused order is journalled.
        ConflictError
            If the cl_ord_id is taken by an order on other terms.
        """
        known = await _aside(self._find, ticket.cl_ord_id)
        if known is not None:
            return same_order(known, ticket)
        async with self.exclusive():
            market = await self._take_up()
            order = order_of(ticket, self.book, market, self.clock)
            seen = await self._context(order, market)
            try:
                approved = approve(order, seen)
            except RefusedError as error:
                refusal = desk_report(order, OrderEvent.REJECTED, self.clock, reason=str(error))
                await self._store(order, [refusal])
                raise
            await self._store(order, await self._warnings(order, seen))
            await self.venue.submit(approved)
            await self._collect()
            return await _aside(self.journal.order, order.cl_ord_id)

    async def cancel(self, cl_ord_id: str) -> Order:
        """Cancel what is left of an order; return it as it then stands.

        Raises
        ------
        MissingDataError
            If the order is unknown.
        ConflictError
            If nothing is left to cancel.
        """
        async with self.exclusive():
            await self._take_up()
            order = await self._open_order(cl_ord_id)
            asked = desk_report(order, OrderEvent.PENDING_CANCEL, self.clock)
            await self._store(order, [asked])
            await self.venue.cancel(cl_ord_id)
            await self._collect()
            return await _aside(self.journal.order, cl_ord_id)

    async def replace(
        self, cl_ord_id: str, *, quantity: Decimal | None = None, limit_price: Decimal | None = None
    ) -> Order:
        """Give an order another quantity or limit, after the same checks as a new one.

        Raises
        ------
        InvalidInputError
            If nothing changes, or a limit is given to an order without one.
        RefusedError, MissingDataError, ConflictError
            As `place` and `cancel`.
        """
        async with self.exclusive():
            market = await self._take_up()
            order = await self._open_order(cl_ord_id)
            wanted = replace(
                order,
                quantity=order.quantity if quantity is None else quantity,
                limit_price=order.limit_price if limit_price is None else limit_price,
                status=OrderStatus.PENDING_NEW,
            )
            if (wanted.quantity, wanted.limit_price) == (order.quantity, order.limit_price):
                raise InvalidInputError(f"{cl_ord_id}: nothing to replace, the terms are the same")
            seen = await self._context(wanted, market)
            approved = approve(wanted, seen)
            noted = await self._warnings(wanted, seen)
            asked = desk_report(order, OrderEvent.PENDING_REPLACE, self.clock, after=noted)
            await self._store(order, [*noted, asked])
            await self.venue.replace(approved)
            await self._collect()
            return await _aside(self.journal.order, cl_ord_id)

    async def orders(self, *, open_only: bool = False, limit: int = 100) -> Sequence[Order]:
        """Return the latest orders, newest first."""
        return await _aside(lambda: self.journal.orders(DESK, open_only=open_only, limit=limit))

    async def order(self, cl_ord_id: str) -> Order:
        """Return an order as it stands; `MissingDataError` if there is none."""
        return await _aside(self.journal.order, cl_ord_id)

    async def standing(self) -> BookStanding:
        """Return what the book holds and is worth."""
        fills = await _aside(self.journal.fills, DESK)
        return book_standing(fills, capital=self.capital, market=await _aside(self.market))

    async def _take_up(self) -> MarketView:
        """Bring venue and journal to now: open orders, market moves, requests left unanswered."""
        market = await _aside(self.market)
        still_open = await _aside(lambda: self.journal.orders(DESK, open_only=True))
        last = await _aside(lambda: self.journal.last_heard(DESK, venue=self.venue.name))
        unsent = [order for order in still_open if order.status is OrderStatus.PENDING_NEW]
        sent = [order for order in reversed(still_open) if order not in unsent]
        await self.venue.restore(sent, at=last or market.moment)
        self.venue.set_market(market.quotes, at=market.moment)
        await self._collect()
        for order in reversed(unsent):
            await self._send_again(order, market)
        for order in sent:
            if order.status is OrderStatus.PENDING_CANCEL:
                await self.venue.cancel(order.cl_ord_id)
            elif order.status is OrderStatus.PENDING_REPLACE:
                lost = "its terms were lost with the process that asked; ask again"
                no = desk_report(order, OrderEvent.REPLACE_REJECTED, self.clock, reason=lost)
                await self._store(order, [no])
        await self._collect()
        return market

    async def _send_again(self, order: Order, market: MarketView) -> None:
        """Send an order that was journalled by a process that died before it could."""
        try:
            approved = approve(order, await self._context(order, market))
        except RefusedError as error:
            refusal = desk_report(order, OrderEvent.REJECTED, self.clock, reason=str(error))
            await self._store(order, [refusal])
            return
        await self.venue.submit(approved)

    async def _context(self, order: Order, market: MarketView) -> ControlContext:
        """Return what the controls see as `order` is checked."""
        now = self.clock.now()
        limits = self.limits(self.book)
        fills = await _aside(self.journal.fills, DESK)
        known = await _aside(lambda: self.journal.orders(DESK, limit=RECENT_ORDERS))
        others = [other for other in known if other.cl_ord_id != order.cl_ord_id]
        standing = book_standing(fills, capital=self.capital, market=market)
        working = working_orders(others)
        state, kill = strictest(
            await _aside(self.controls.switches),
            scopes={DESK, self.book.portfolio, self.book.strategy},
        )
        quote = market.quotes.get(order.symbol)
        seen = ControlContext(
            now=now,
            limits=limits,
            risk_limits=LimitSet(await _aside(self.risk_limits)),
            as_of=market.moment.date(),
            instrument=market.instruments.get(order.symbol),
            prices=market.prices,
            equity=standing.equity,
            restricted=self.restricted,
            positions=standing.positions,
            working=working,
            multipliers={s: i.multiplier for s, i in market.instruments.items()},
            # What was refused was never sent, so it is no message and no duplicate.
            recent=[recent_of(o) for o in others if o.status is not OrderStatus.REJECTED],
            daily_volume=None if quote is None else Decimal(int(quote.daily_volume)),
            drawdown=standing.drawdown,
            daily_pnl=standing.daily_pnl,
            sectors={s: i.sector for s, i in market.instruments.items() if i.sector is not None},
            betas=market.betas,
            trading_state=state,
            kill_switch=kill,
            overrides=await _aside(self.controls.overrides),
        )
        if order.symbol not in market.prices:
            return seen
        worst = {s: seen.worst_position(s) for s in {*standing.positions, *working}}
        return replace(seen, risk=market.risk(worst))

    async def _warnings(self, order: Order, seen: ControlContext) -> list[Report]:
        """Return what the desk notes on an order that passes near a limit, and log soft ones."""
        near = near_limits(order, seen)
        if self.register is not None and any(one.check.breached for one in near):
            checks = [one.check for one in near]
            register, scope = self.register, self.book.portfolio
            await _aside(lambda: register.log(scope, checks, as_of=seen.as_of))
        notes: list[Report] = []
        for one in near:
            notes.append(
                desk_report(
                    order, OrderEvent.ORDER_STATUS, self.clock, reason=warning_of(one), after=notes
                )
            )
        return notes

    async def _collect(self) -> None:
        """Journal what the venue said, order by order."""
        said: dict[str, list[Report]] = {}
        for report in await self.venue.reports():
            said.setdefault(report.cl_ord_id, []).append(report)
        for cl_ord_id, reports in said.items():
            order = await _aside(self.journal.order, cl_ord_id)
            await self._store(order, reports)

    async def _store(self, order: Order, reports: Sequence[Report]) -> None:
        """Apply `reports` to `order` and journal both."""
        moved = order
        for report in reports:
            moved = moved.after(report)
        change = OrderChange(moved, tuple(reports))
        await _aside(self.journal.record, DESK, [change])

    async def _open_order(self, cl_ord_id: str) -> Order:
        order = await _aside(self.journal.order, cl_ord_id)
        if order.status.closed:
            raise ConflictError(f"{cl_ord_id} is {order.status.name}: nothing is left to change")
        return order

    def _find(self, cl_ord_id: str) -> Order | None:
        try:
            return self.journal.order(cl_ord_id)
        except MissingDataError:
            return None


async def _aside(work: Callable[..., T], *arguments: object) -> T:
    """Run `work`, which waits on the disk, beside the event loop."""
    return await asyncio.to_thread(work, *arguments)
