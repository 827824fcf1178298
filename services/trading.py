"""The trading simulation: predictions to booked fills, session by session.

What is decided on the close of one session trades at the close of the next, so no decision
knows the price that it gets. Each session of a run is booked in one transaction; a run that was
stopped anywhere goes on after its last booked session and ends in the same figures, because
every identifier follows from run, session, strategy and symbol, and all state is rebuilt from
the booked fills.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, RefusedError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from market.panel import Panel
from oms.controls import ControlLimits, approve
from oms.orders import ZERO, Order, Report
from oms.states import OrderEvent, TimeInForce
from risk.limits import Limit, LimitSet
from services.ports import OrderChange, OrderJournal, ReplayVenue, SessionRecord
from services.pre_trade import market_betas
from services.session_desk import DeskRules, SessionDesk
from services.session_tape import SessionTape
from services.strategy_book import StrategyBook, StrategyPlan
from strategy.rebalance import Trade

DESK: Final = "desk"  # The venue name under which the desk reports on its own orders.


def close_at_2100_utc(session: date) -> datetime:
    """Return 21:00 UTC of the session: 16:00 in New York in winter."""
    return datetime.combine(session, time(21), tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRequest:
    """What to simulate.

    Attributes
    ----------
    run_id : str
        Follows from the content of the request and its data; the same id is the same run.
    panel : Panel
        Fields `close` and `volume`.
    start, end : date
        First and last session on which something may trade.
    """

    run_id: str
    panel: Panel
    strategies: Sequence[StrategyPlan]
    start: date
    end: date
    instruments: Mapping[str, Instrument]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingResult:
    """What a run holds once every session is booked.

    Attributes
    ----------
    resumed_after : date or None
        Last session that an earlier process had booked.
    orders, refused, fills : int
        Over the whole run.
    equity : mapping of str to ndarray of shape (n_sessions,)
        By strategy: cash and holdings at each close, in money.
    turnover : mapping of str to float
        By strategy: traded notional, both ways, over mean equity, for the whole run.
    """

    run_id: str
    sessions: tuple[date, ...]
    resumed_after: date | None
    orders: int
    refused: int
    fills: int
    fees: Decimal
    equity: Mapping[str, FloatArray]
    turnover: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TradingSimulation:
    """Trades strategies over past sessions through the same orders and controls as live.

    Attributes
    ----------
    limits : callable
        Book to the limits of its orders.
    risk_limits : sequence of Limit
        The limit register's rows in force.
    restricted : mapping of str to str
        Symbol to the reason for which it must not be traded.
    """

    venue: ReplayVenue
    journal: OrderJournal
    limits: Callable[[Book], ControlLimits]
    risk_limits: Sequence[Limit]
    restricted: Mapping[str, str] = field(default_factory=dict)
    session_close: Callable[[date], datetime] = close_at_2100_utc

    async def run(
        self, request: TradingRequest, *, on_session: Callable[[date], None] | None = None
    ) -> TradingResult:
        """Simulate what is not booked yet and return the figures of the whole run.

        Raises
        ------
        InvalidInputError
            If scores do not fit the panel, a symbol has no instrument, or two strategies share
            a name.
        MissingDataError
            If the panel holds no session to trade on, or none before it to decide on.
        """
        books = _open_books(request)
        tape = SessionTape(
            request.panel,
            start=request.start,
            end=request.end,
            instruments=request.instruments,
            session_close=self.session_close,
        )
        records = {record.session: record for record in self.journal.sessions(request.run_id)}
        resumed_after = max(records, default=None)
        stored: dict[datetime, list[Fill]] = defaultdict(list)
        for fill in self.journal.fills(request.run_id):
            stored[fill.executed_at].append(fill)
        for column in tape.columns:
            session = tape.session(column)
            fills = stored[tape.moment(column)]
            if session not in records:
                changes = await self._trade(request, tape, column, books.values())
                fills = [c.order.fill(e) for c in changes for e in c.order.executions]
                records[session] = _record(session, changes)
                self.journal.book_session(request.run_id, records[session], changes)
            for fill in fills:
                books[fill.book.strategy].book_fill(fill, tape.multiplier(fill.symbol))
            for book in books.values():
                book.mark(tape, column)
            if on_session is not None:
                on_session(session)
        return _result(request.run_id, records, resumed_after, books)

    async def _trade(
        self,
        request: TradingRequest,
        tape: SessionTape,
        column: int,
        books: Iterable[StrategyBook],
    ) -> list[OrderChange]:
        """Decide on the close before `column`, send, and collect what `column`'s close gives."""
        covariance = tape.covariance(column - 1)
        self.venue.set_market(tape.quotes(column, covariance), at=tape.moment(column))
        betas = market_betas(tape.symbols, covariance)
        register = LimitSet(self.risk_limits)
        desks = [
            SessionDesk(
                book,
                tape,
                decided=column - 1,
                covariance=covariance,
                rules=DeskRules(
                    limits=self.limits(book.plan.book),
                    risk_limits=register,
                    restricted=self.restricted,
                    betas=betas,
                ),
            )
            for book in books
        ]
        changes = []
        for desk in desks:
            book = desk.book
            desk.see([other for other in desks if other is not desk])
            for trade in book.decide(tape, column - 1, covariance):
                order = _order(request, tape, column, book, trade)
                try:
                    approved = approve(order, desk.context(order))
                except RefusedError as error:
                    changes.append(_applied(order, [_refusal(order, str(error))]))
                    continue
                await self.venue.submit(approved)
                desk.sent(order)
                said = [r for r in await self.venue.reports() if r.cl_ord_id == order.cl_ord_id]
                changes.append(_applied(order, said))
        return changes


def _open_books(request: TradingRequest) -> dict[str, StrategyBook]:
    shape = (len(request.panel.symbols), len(request.panel.sessions))
    unknown = sorted(set(request.panel.symbols) - set(request.instruments))
    if unknown:
        raise InvalidInputError(f"no instrument is known for {', '.join(unknown)}: add them")
    books: dict[str, StrategyBook] = {}
    for plan in request.strategies:
        name = plan.book.strategy
        if plan.scores.shape != shape:
            raise InvalidInputError(f"{name}: scores have shape {plan.scores.shape}, not {shape}")
        if name in books:
            raise InvalidInputError(f"two strategies are called {name}: rename one")
        books[name] = StrategyBook(plan, request.instruments)
    return books


def _order(
    request: TradingRequest, tape: SessionTape, column: int, book: StrategyBook, trade: Trade
) -> Order:
    """Return the market-on-close order for `trade`, to execute at `column`'s close."""
    plan, session = book.plan, tape.session(column)
    names = (request.run_id, f"{session:%Y%m%d}", plan.book.strategy, trade.symbol)
    return Order(
        cl_ord_id="-".join((*names, trade.side.value)),
        book=plan.book,
        symbol=trade.symbol,
        side=trade.side,
        quantity=trade.quantity,
        created_at=tape.moment(column - 1),
        time_in_force=TimeInForce.AT_THE_CLOSE,
        decision_price=tape.prices(column - 1)[trade.symbol],
        # The order reaches the market in the closing auction: what the price did until then is
        # delay, not impact. No control looks at it.
        arrival_price=tape.prices(column)[trade.symbol],
        currency=request.instruments[trade.symbol].currency,
        lineage=plan.lineage.of_prediction(trade.symbol, tape.session(column - 1)),
    )


def _refusal(order: Order, reason: str) -> Report:
    return Report(
        venue=DESK,
        cl_ord_id=order.cl_ord_id,
        report_id=f"{order.cl_ord_id}:refused",
        event=OrderEvent.REJECTED,
        at=order.created_at,
        reason=reason,
    )


def _applied(order: Order, reports: Sequence[Report]) -> OrderChange:
    for report in reports:
        order = order.after(report)
    return OrderChange(order, tuple(reports))


def _record(session: date, changes: Sequence[OrderChange]) -> SessionRecord:
    return SessionRecord(
        session=session,
        orders=len(changes),
        refused=sum(any(r.venue == DESK for r in change.reports) for change in changes),
        fills=sum(len(change.order.executions) for change in changes),
    )


def _result(
    run_id: str,
    records: Mapping[date, SessionRecord],
    resumed_after: date | None,
    books: Mapping[str, StrategyBook],
) -> TradingResult:
    return TradingResult(
        run_id=run_id,
        sessions=tuple(sorted(records)),
        resumed_after=resumed_after,
        orders=sum(record.orders for record in records.values()),
        refused=sum(record.refused for record in records.values()),
        fills=sum(record.fills for record in records.values()),
        fees=sum((book.fees for book in books.values()), ZERO),
        equity={name: np.array(book.path) for name, book in books.items()},
        turnover={
            name: float(book.traded) / float(np.mean(book.path)) for name, book in books.items()
        },
    )
