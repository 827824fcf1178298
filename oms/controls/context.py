"""What the controls look at beside the order: limits, positions, prices, switches. All data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Side
from oms.controls.breach import Override
from oms.orders import ZERO, Order
from risk.limits import LimitSet, Scope


class TradingState(StrEnum):
    """Which orders may go out at all."""

    ACTIVE = "active"
    REDUCING = "reducing"  # Only orders that bring a position nearer to zero.
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFigures:
    """The risk of one book, losses positive and in money; None where a view cannot tell.

    Attributes
    ----------
    value_at_risk : float
        One day at 99%, 0 where the tail is a gain.
    expected_shortfall : float or None
        One day at 97.5%.
    worst_stress_loss : float or None
        Largest loss of the scenarios that the limit counts.
    days_to_liquidate : float or None
        Of the slowest position at the participation cap.
    """

    value_at_risk: float
    expected_shortfall: float | None = None
    worst_stress_loss: float | None = None
    days_to_liquidate: float | None = None


class RiskView(Protocol):
    """Answers what an order would do to the risk of its book, working orders counted already."""

    def covers(self, symbol: str) -> bool:
        """Return whether the risk of `symbol` is known."""
        ...

    def figures(self) -> RiskFigures:
        """Return the risk now."""
        ...

    def figures_after(self, symbol: str, quantity: float) -> RiskFigures:
        """Return the risk with `quantity` (signed) of `symbol` more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLimits:
    """What form, price, size and pace an order of one book may have.

    What a book may become is no business of this: the limit register says it (`risk.limits`).

    Attributes
    ----------
    price_collar : Decimal
        Largest distance of a limit or stop price from the reference price, a fraction of it.
    max_volume_share : Decimal
        Largest order as a fraction of the daily volume.
    message_window, max_messages : timedelta, int
        At most this many orders in any such span of time.
    repeat_window, max_repeats : timedelta, int
        At most this many orders of one symbol and side in such a span (the repeated-execution
        throttle of RTS 6 article 12).
    duplicate_window : timedelta
        Two orders equal in all terms within this span are one sent twice.
    margin_rate : Decimal
        Equity that a unit of gross exposure binds.
    kinds : frozenset of InstrumentKind
        What the book may trade.
    """

    price_collar: Decimal = Decimal("0.10")
    max_order_quantity: Decimal = Decimal(1_000_000)
    max_order_notional: Decimal = Decimal(5_000_000)
    max_volume_share: Decimal = Decimal("0.10")
    message_window: timedelta = timedelta(seconds=1)
    max_messages: int = 500
    repeat_window: timedelta = timedelta(seconds=10)
    max_repeats: int = 20
    duplicate_window: timedelta = timedelta(seconds=2)
    margin_rate: Decimal = Decimal("0.5")
    may_short: bool = True
    needs_locate: bool = False
    kinds: frozenset[InstrumentKind] = frozenset({InstrumentKind.EQUITY, InstrumentKind.ETF})

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if not value > type(value)(0):
                raise InvalidInputError(f"control limit {name} must be positive, got {value}")


_POSITIVE: Final = (
    "price_collar",
    "max_order_quantity",
    "max_order_notional",
    "max_volume_share",
    "message_window",
    "max_messages",
    "repeat_window",
    "max_repeats",
    "margin_rate",
)


@dataclass(frozen=True, slots=True)
class Working:
    """Quantity of a symbol still to be bought and to be sold, both positive.

    Open orders count with their LeavesQty, an algorithm with the rest of its schedule.
    """

    to_buy: Decimal = ZERO
    to_sell: Decimal = ZERO

    def with_order(self, order: Order) -> "Working":
        """Return this with what is left of `order` added."""
        if order.side is Side.BUY:
            return Working(self.to_buy + order.leaves_quantity, self.to_sell)
        return Working(self.to_buy, self.to_sell + order.leaves_quantity)


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """What the rate layer remembers of an order that was sent."""

    cl_ord_id: str
    symbol: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the other books of a portfolio, account or fund hold and are worth, in money.

    Attributes
    ----------
    values : mapping of str to float
        Signed, by symbol, working orders at their worst.
    drawdown : float or None
        Of all books together with the order's; None where the order's book is the only one.
    risk : RiskView or None
        Of all books together, with the order's; None where it is not known.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    equity: float = 0.0
    daily_pnl: float = 0.0
    drawdown: float | None = None
    risk: RiskView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlContext:
    """The state of the order's book, and of the desk, at the moment of the check.

    Attributes
    ----------
    risk_limits : LimitSet
        The limit register's rows in force: what the book may become.
    as_of : date
        Desk date by which their overrides expire.
    instrument : Instrument or None
        None when the desk does not know the symbol.
    prices : mapping of str to Decimal
        Reference price of every symbol that is held, worked or ordered.
    restricted : mapping of str to str
        Symbol to the reason for which it must not be traded.
    locates : mapping of str to Decimal
        Quantity that a lender has located for short sales.
    positions : mapping of str to Decimal
        Signed holdings of the order's book.
    margin_in_use : Decimal or None
        Margin bound elsewhere in the account; it lessens what is free.
    drawdown : float
        Distance of the book's equity from its peak, a fraction, positive.
    daily_pnl : Decimal
        Gain since the last close, in money, loss negative.
    beside : mapping of Scope to Beside
        Other books of the order's portfolio, account and fund; without one the order's book is
        all there is.
    sectors, betas : mapping
        Sector of each symbol, and its beta on the market factor, as far as known.
    kill_switch : str
        Why all trading of the book is stopped; empty when it is not.
    """

    now: datetime
    limits: ControlLimits
    risk_limits: LimitSet
    as_of: date
    instrument: Instrument | None
    prices: Mapping[str, Decimal]
    equity: Decimal
    restricted: Mapping[str, str] = field(default_factory=dict)
    locates: Mapping[str, Decimal] = field(default_factory=dict)
    positions: Mapping[str, Decimal] = field(default_factory=dict)
    working: Mapping[str, Working] = field(default_factory=dict)
    multipliers: Mapping[str, Decimal] = field(default_factory=dict)
    recent: Sequence[RecentOrder] = ()
    daily_volume: Decimal | None = None
    margin_in_use: Decimal = ZERO
    risk: RiskView | None = None
    drawdown: float = 0.0
    daily_pnl: Decimal = ZERO
    beside: Mapping[Scope, Beside] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)
    betas: Mapping[str, float] = field(default_factory=dict)
    trading_state: TradingState = TradingState.ACTIVE
    kill_switch: str = ""
    overrides: Sequence[Override] = ()

    def position(self, symbol: str) -> Decimal:
        """Return the signed holding of `symbol`."""
        return self.positions.get(symbol, ZERO)

    def value_of_one(self, symbol: str) -> Decimal | None:
        """Return the money value of one unit of `symbol`, or None without a price."""
        price = self.prices.get(symbol)
        return None if price is None else price * self.multipliers.get(symbol, Decimal(1))

    def worst_position(self, symbol: str, order: Order | None = None) -> Decimal:
        """Return the largest holding, by size, that working orders and `order` can lead to."""
        held, working = self.position(symbol), self.working.get(symbol, Working())
        if order is not None and order.symbol == symbol:
            working = working.with_order(order)
        return max(held + working.to_buy, held - working.to_sell, key=abs)

    def reduces(self, order: Order) -> bool:
        """Whether `order`, with all that works already, only brings its position nearer to zero."""
        held, working = self.position(order.symbol), self.working.get(order.symbol, Working())
        if order.side is Side.BUY:
            return working.to_buy + order.leaves_quantity <= -held
        return working.to_sell + order.leaves_quantity <= held


def working_orders(orders: Iterable[Order]) -> dict[str, Working]:
    """Sum the leaves of open orders, by symbol."""
    totals: dict[str, Working] = {}
    for order in orders:
        if order.leaves_quantity:
            totals[order.symbol] = totals.get(order.symbol, Working()).with_order(order)
    return totals
