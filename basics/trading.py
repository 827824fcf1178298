"""The records of trading that every room shares: who trades, which side, what was filled."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from basics.errors import InvalidInputError


class Side(StrEnum):
    """FIX Side(54)."""

    BUY = "1"
    SELL = "2"
    SELL_SHORT = "5"
    SELL_SHORT_EXEMPT = "6"

    @property
    def sign(self) -> int:
        """+1 for a purchase, -1 for a sale."""
        return 1 if self is Side.BUY else -1


class Liquidity(StrEnum):
    """FIX LastLiquidityInd(851)."""

    ADDED = "1"
    REMOVED = "2"
    ROUTED_OUT = "3"


@dataclass(frozen=True, slots=True, order=True)
class Book:
    """Where a trade belongs: a fund holds portfolios, a portfolio runs strategies.

    The account is where the positions are held in custody; one account may serve
    several strategies of one portfolio.
    """

    fund: str
    portfolio: str
    strategy: str
    account: str

    def __post_init__(self) -> None:
        for name in ("fund", "portfolio", "strategy", "account"):
            if not getattr(self, name):
                raise InvalidInputError(f"a book needs a {name}, got an empty one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What led to an order: the prediction, the model behind it, the experiment's arm."""

    prediction_id: str | None = None
    model_version: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An execution report of type Trade (150=F), as it is booked.

    Identified by (`venue`, `exec_id`): seen twice, it is booked once.

    Attributes
    ----------
    quantity : Decimal
        Signed: positive bought, negative sold.
    price : Decimal
        Price per unit in `currency`.
    fee : Decimal
        Commission and exchange fees in `currency`, positive when paid.
    decision_price, arrival_price : Decimal or None
        The market when the trade was decided, and when its order reached the desk;
        both feed the split of implementation shortfall.
    mid_price : Decimal or None
        The market's mid price at the moment of execution.
    """

    venue: str
    exec_id: str
    cl_ord_id: str
    book: Book
    symbol: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    currency: str = "USD"
    fee: Decimal = Decimal(0)
    liquidity: Liquidity = Liquidity.REMOVED
    decision_price: Decimal | None = None
    arrival_price: Decimal | None = None
    mid_price: Decimal | None = None
    lineage: Lineage = Lineage()

    def __post_init__(self) -> None:
        if not (self.quantity.is_finite() and self.quantity != 0):
            raise InvalidInputError(
                f"fill {self.exec_id}: quantity must be finite and not zero, got {self.quantity}"
            )
        if not self.price.is_finite():
            raise InvalidInputError(f"fill {self.exec_id}: price must be finite, got {self.price}")
        if not self.fee.is_finite():
            raise InvalidInputError(f"fill {self.exec_id}: fee must be finite, got {self.fee}")
        if self.executed_at.tzinfo is None:
            raise InvalidInputError(
                f"fill {self.exec_id}: executed_at must be timezone-aware, got {self.executed_at}"
            )
