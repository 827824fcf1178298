"""An order at one moment of its life, and the reports that move it on.

An order never changes: `Order.after(report)` returns the order as it stands next. Quantities of
orders and reports are positive; the side carries the sign, and a `Fill` is signed.

While open, OrderQty = CumQty + LeavesQty; once closed, LeavesQty = 0.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from basics.errors import ConflictError, InvalidInputError
from basics.trading import Book, Fill, Lineage, Liquidity, Side
from oms.states import BY_QUANTITY, TRANSITIONS, OrderEvent, OrderStatus, OrderType, TimeInForce

ZERO: Final = Decimal(0)

# What a status says beyond the quantities; it stays true under a pending request or a late fill.
_STANDINGS: Final = frozenset(
    {
        OrderStatus.STOPPED,
        OrderStatus.SUSPENDED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.DONE_FOR_DAY,
    }
)
_RELEASES: Final = frozenset({OrderEvent.NEW, OrderEvent.REPLACED, OrderEvent.RESTATED})
_TRADES: Final = frozenset({OrderEvent.TRADE, OrderEvent.TRADE_CORRECT, OrderEvent.TRADE_CANCEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One trade of an order, identified by (`venue`, `exec_id`)."""

    venue: str
    exec_id: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    fee: Decimal = ZERO
    liquidity: Liquidity = Liquidity.REMOVED
    mid_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a venue (or the desk itself, for its own requests) says about an order.

    Attributes
    ----------
    report_id : str
        FIX ExecID(17); unique at the venue. A report seen twice counts once.
    execution : Execution or None
        The trade of a Trade report, or the corrected one of a Trade correct.
    exec_ref_id : str or None
        FIX ExecRefID(19): the trade that a correction or cancellation is about.
    quantity, limit_price : Decimal or None
        New terms, in a Replaced or Restated report.
    reason : str
        Why, in words; with the FIX reason code where there is one.
    """

    venue: str
    cl_ord_id: str
    report_id: str
    event: OrderEvent
    at: datetime
    execution: Execution | None = None
    exec_ref_id: str | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        carries = self.event in {OrderEvent.TRADE, OrderEvent.TRADE_CORRECT}
        if carries != (self.execution is not None):
            raise InvalidInputError(
                f"report {self.report_id}: an execution belongs to a Trade or Trade correct, "
                f"and only there; the event is {self.event.name}"
            )
        refers = self.event in {OrderEvent.TRADE_CORRECT, OrderEvent.TRADE_CANCEL}
        if refers != (self.exec_ref_id is not None):
            raise InvalidInputError(
                f"report {self.report_id}: exec_ref_id belongs to a Trade correct or "
                f"Trade cancel, and only there; the event is {self.event.name}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to trade, at one moment of its life.

    Attributes
    ----------
    cl_ord_id : str
        FIX ClOrdID(11), chosen by the desk; placing it again changes nothing.
    quantity : Decimal
        FIX OrderQty(38), positive.
    decision_price : Decimal or None
        The market when the trade was decided: the paper price of implementation shortfall.
    parent_id : str or None
        The algorithm's order that this one is a slice of.
    executions : tuple of Execution
        Trades that stand, corrected and cancelled ones applied.
    standing : OrderStatus or None
        Stopped, Suspended, Canceled, Expired or Done for day: holds beneath a pending request.
    warnings : tuple of str
        What the desk noted when it let the order pass (reports of order status with a reason).
    reports_seen : frozenset
        (venue, report_id) of every report applied.
    """

    cl_ord_id: str
    book: Book
    symbol: str
    side: Side
    quantity: Decimal
    created_at: datetime
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_on: date | None = None
    decision_price: Decimal | None = None
    arrival_price: Decimal | None = None
    currency: str = "USD"
    parent_id: str | None = None
    lineage: Lineage = field(default_factory=Lineage)
    status: OrderStatus = OrderStatus.PENDING_NEW
    executions: tuple[Execution, ...] = ()
    standing: OrderStatus | None = None
    warnings: tuple[str, ...] = ()
    reports_seen: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        if not self.cl_ord_id:
            raise InvalidInputError("an order needs a cl_ord_id, got an empty one")
        for name in ("quantity", "limit_price", "stop_price"):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and value > 0):
                raise InvalidInputError(
                    f"{self.cl_ord_id}: {name} must be a finite positive number, got {value}"
                )
        if self.created_at.tzinfo is None:
            raise InvalidInputError(
                f"{self.cl_ord_id}: created_at must be timezone-aware, got {self.created_at}"
            )

    @property
    def cum_quantity(self) -> Decimal:
        """FIX CumQty(14): what was executed."""
        return sum((execution.quantity for execution in self.executions), ZERO)

    @property
    def leaves_quantity(self) -> Decimal:
        """FIX LeavesQty(151): what can still be executed."""
        return ZERO if self.status.closed else self.quantity - self.cum_quantity

    @property
    def average_price(self) -> Decimal | None:
        """FIX AvgPx(6), or None before the first trade."""
        quantity = self.cum_quantity
        if not quantity:
            return None
        return sum((e.quantity * e.price for e in self.executions), ZERO) / quantity

    def after(self, report: Report) -> "Order":
        """Return the order as it stands after `report`; a report seen before changes nothing.

        Raises
        ------
        ConflictError
            If the report is about another order, if its event cannot follow the order's status,
            if it corrects an unknown trade, or if more would be executed than was ordered.
        """
        if report.cl_ord_id != self.cl_ord_id:
            raise ConflictError(f"a report on {report.cl_ord_id} reached order {self.cl_ord_id}")
        key = (report.venue, report.report_id)
        if key in self.reports_seen:
            return self
        outcome = TRANSITIONS.get((self.status, report.event))
        if outcome is None:
            raise ConflictError(
                f"{self.cl_ord_id}: {report.event.name} cannot follow {self.status.name}; "
                f"reconcile the order with venue {report.venue}"
            )
        executions = _executions_after(self, report)
        executed = sum((execution.quantity for execution in executions), ZERO)
        quantity, limit_price = _terms_after(self, report, executed)
        if executed > quantity:
            raise ConflictError(
                f"{self.cl_ord_id}: executed {executed} of {quantity} ordered; "
                f"reconcile the order with venue {report.venue}"
            )
        standing = _standing_after(self, report, outcome)
        return replace(
            self,
            quantity=quantity,
            limit_price=limit_price,
            executions=executions,
            standing=standing,
            warnings=_warnings_after(self, report),
            status=(
                _by_quantity(executed, quantity, standing)
                if outcome == BY_QUANTITY
                else OrderStatus(outcome)
            ),
            reports_seen=self.reports_seen | {key},
        )

    def fill(self, execution: Execution) -> Fill:
        """Return `execution` as the record that the ledger books."""
        return Fill(
            venue=execution.venue,
            exec_id=execution.exec_id,
            cl_ord_id=self.cl_ord_id,
            book=self.book,
            symbol=self.symbol,
            quantity=execution.quantity * self.side.sign,
            price=execution.price,
            executed_at=execution.executed_at,
            currency=self.currency,
            fee=execution.fee,
            liquidity=execution.liquidity,
            decision_price=self.decision_price,
            arrival_price=self.arrival_price,
            mid_price=execution.mid_price,
            lineage=self.lineage,
        )


def _warnings_after(order: Order, report: Report) -> tuple[str, ...]:
    if report.event is OrderEvent.ORDER_STATUS and report.reason:
        return (*order.warnings, report.reason)
    return order.warnings


def _executions_after(order: Order, report: Report) -> tuple[Execution, ...]:
    """Return the trades that stand once that of `report` is added, corrected or taken out."""
    if report.event not in _TRADES:
        return order.executions
    kept = order.executions
    if report.exec_ref_id is not None:
        kept = tuple(e for e in kept if (e.venue, e.exec_id) != (report.venue, report.exec_ref_id))
        if len(kept) == len(order.executions):
            raise ConflictError(
                f"{order.cl_ord_id}: {report.event.name} names the unknown trade "
                f"{report.exec_ref_id} at {report.venue}"
            )
    return kept if report.execution is None else (*kept, report.execution)


def _terms_after(order: Order, report: Report, executed: Decimal) -> tuple[Decimal, Decimal | None]:
    """Return quantity and limit price, new ones where a report brings them."""
    if report.event not in {OrderEvent.REPLACED, OrderEvent.RESTATED}:
        return order.quantity, order.limit_price
    # A quantity below what was executed meanwhile means: cancel the rest (Appendix D, C.2.a).
    quantity = order.quantity if report.quantity is None else max(report.quantity, executed)
    return quantity, order.limit_price if report.limit_price is None else report.limit_price


def _standing_after(order: Order, report: Report, outcome: str) -> OrderStatus | None:
    """Return what holds beneath the quantities after `report`."""
    if report.event in _RELEASES:
        return None
    if outcome in _STANDINGS:
        return OrderStatus(outcome)
    if report.event in {OrderEvent.STOPPED, OrderEvent.SUSPENDED}:
        return OrderStatus(report.event.value)  # Hidden for now by a pending request.
    return order.standing


def _by_quantity(executed: Decimal, quantity: Decimal, standing: OrderStatus | None) -> OrderStatus:
    """Return the status that the quantities and the standing give."""
    if executed == quantity:
        return OrderStatus.FILLED
    if standing is not None:
        return standing
    return OrderStatus.PARTIALLY_FILLED if executed else OrderStatus.NEW
