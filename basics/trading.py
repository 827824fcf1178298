"""The records of trading that every room shares: who trades, which side, what was filled."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from basics.errors import InvalidInputError
from basics.identifiers import content_hash


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


_RULE, _PLACED = "rule: ", "placed: "  # Orders that no model asked for.


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
    """What led to an order: the prediction, the model behind it, the experiment's arm.

    Attributes
    ----------
    prediction_id : str or None
        The one prediction that was acted on: `price v2 lightgbm AAPL 2022-12-27`.
    model_version : str or None
        The model's version; of an order that no model asked for, who did: `rule: momentum 3f9a2c01`
        or `placed: manual`. None where nobody knows, as with fills from elsewhere.
    """

    prediction_id: str | None = None
    model_version: str | None = None
    arm: str | None = None

    @property
    def followed_model(self) -> str | None:
        """The version of the model that was followed; None for a rule or a person."""
        label = self.model_version
        return None if label is None or label.startswith((_RULE, _PLACED)) else label

    def of_prediction(self, symbol: str, session: date) -> "Lineage":
        """Return the same with the prediction for a symbol on a session; of no model: the same."""
        model = self.followed_model
        return self if model is None else replace(self, prediction_id=f"{model} {symbol} {session}")


def rule_lineage(name: str, *terms: object) -> Lineage:
    """Return the lineage of a decision by a rule, told from others of the name by its terms."""
    return Lineage(model_version=f"{_RULE}{name} {content_hash(*terms)[:8]}", arm="rule")


def placed_lineage(strategy: str) -> Lineage:
    """Return the lineage of an order that a person or a program placed by itself."""
    return Lineage(model_version=f"{_PLACED}{strategy}", arm="placed")


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
