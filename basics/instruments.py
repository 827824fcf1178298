"""What can be traded, and the terms that turn a quantity and a price into money."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from basics.errors import InvalidInputError


class InstrumentKind(StrEnum):
    """The kinds of instrument that the desk trades."""

    EQUITY = "equity"
    ETF = "etf"
    INDEX = "index"
    FUTURE = "future"
    FX = "fx"
    BOND = "bond"
    OPTION = "option"
    CRYPTO = "crypto"


class OptionRight(StrEnum):
    """Which side of the strike an option pays on."""

    CALL = "call"
    PUT = "put"


class ExerciseStyle(StrEnum):
    """When an option may be exercised."""

    EUROPEAN = "european"
    AMERICAN = "american"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTerms:
    """The contract of an option."""

    underlying: str
    strike: Decimal
    expiry: date
    right: OptionRight
    style: ExerciseStyle = ExerciseStyle.EUROPEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class BondTerms:
    """The contract of a fixed-coupon bond.

    Attributes
    ----------
    coupon_rate : Decimal
        Yearly coupon as a fraction of face value.
    coupons_per_year : int
        Number of equal coupon payments a year.
    """

    coupon_rate: Decimal
    maturity: date
    coupons_per_year: int = 2
    face: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One tradable thing.

    Attributes
    ----------
    symbol : str
        The name used today; unique on the desk.
    currency : str
        ISO 4217 code in which the price is quoted. For FX it is the quote currency.
    multiplier : Decimal
        Money per point of price per unit of quantity.
    tick_size : Decimal
        Smallest price step.
    lot_size : Decimal
        Smallest quantity step.
    """

    symbol: str
    kind: InstrumentKind = InstrumentKind.EQUITY
    currency: str = "USD"
    multiplier: Decimal = Decimal(1)
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal(1)
    sector: str | None = None
    expiry: date | None = None
    option: OptionTerms | None = None
    bond: BondTerms | None = None

    def __post_init__(self) -> None:
        if not self.symbol:
            raise InvalidInputError("an instrument needs a symbol, got an empty one")
        for name in ("multiplier", "tick_size", "lot_size"):
            value = getattr(self, name)
            if not value > 0:
                raise InvalidInputError(f"{self.symbol}: {name} must be positive, got {value}")
        if (self.option is not None) != (self.kind is InstrumentKind.OPTION):
            raise InvalidInputError(
                f"{self.symbol}: option terms belong to options, and only there"
            )
        if (self.bond is not None) != (self.kind is InstrumentKind.BOND):
            raise InvalidInputError(f"{self.symbol}: bond terms belong to bonds, and only there")
