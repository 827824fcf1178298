"""The multi-asset demo portfolio's rules: who holds it, what is aimed at, what a trade costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from basics.money import round_money, to_decimal
from basics.trading import Book, Fill, Lineage, rule_lineage
from services.book_closes import MARK_DIGITS
from services.portfolios import MULTI_ASSET

CORE, OVERLAY = "core", "overlay"
# Share of equity aimed at, by strategy; futures and options are sized apart.
TARGETS: Mapping[str, Mapping[str, float]] = {
    CORE: {
        "SIM-EQ-US": 0.09, "SIM-ETF-US": 0.09, "SIM-EQ-EU": 0.08, "SIM-EQ-JP": 0.07,
        "SIM-BOND-US": 0.09, "SIM-BOND-EU": 0.08, "SIM-BOND-JP": 0.06, "SIM-NOTE-US": 0.05,
    },
    OVERLAY: {"SIM-EQ-SHORT": -0.04, "SIM-EURUSD": 0.05, "SIM-COIN": 0.02},
}  # fmt: skip
FUTURE_SHARE = -0.05  # Notional of the index futures, a hedge.
CALLS_OF_HELD, PUTS_OF_HELD = -0.4, 0.5  # Units of options for each share of the underlying.
CASH_SHARE = {"EUR": 0.02, "JPY": 0.015}
BAND = 0.004  # Distance from the target, as a share of equity, within which nothing is traded.
BORROW_RATE = Decimal("0.03")
MONTHS = Decimal(12)
WITHHOLDING = {"SIM-EQ-EU": Decimal("0.25"), "SIM-EQ-JP": Decimal("0.15")}
# Half the spread as a fraction of price, and the fee: of the amount, or for each contract.
HALF_SPREAD: Mapping[InstrumentKind, float] = {
    InstrumentKind.EQUITY: 3e-4, InstrumentKind.ETF: 1e-4, InstrumentKind.FUTURE: 5e-5,
    InstrumentKind.FX: 5e-5, InstrumentKind.CRYPTO: 1e-3, InstrumentKind.BOND: 3e-4,
    InstrumentKind.OPTION: 1e-2,
}  # fmt: skip
FEE_RATE, CONTRACT_FEE = Decimal("0.0002"), Decimal("1.25")
EXCHANGE_SPREAD = 1e-4
CONTRACTS = frozenset({InstrumentKind.FUTURE, InstrumentKind.OPTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiAssetPlan:
    """Who holds the portfolio, since when, with how much money.

    Attributes
    ----------
    start : date
        First session of the simulated market; what lies before the first trade is the history
        that risk is estimated on.
    first_traded : date
        From which on the portfolio trades.
    capital : int
        Paid in on the first session traded, in dollars.
    """

    start: date = date(2020, 1, 2)
    first_traded: date = date(2022, 1, 3)
    fund: str = "demo-fund"
    account: str = "SIM-2"
    capital: int = 10_000_000

    def __post_init__(self) -> None:
        if self.capital <= 0:
            raise InvalidInputError(f"multi_asset.capital must be positive, got {self.capital}")
        if self.first_traded <= self.start:
            raise InvalidInputError(
                f"multi_asset.first_traded must lie after start, got {self.first_traded} and "
                f"{self.start}"
            )

    @property
    def portfolio(self) -> str:
        """The portfolio's name."""
        return MULTI_ASSET

    def book(self, strategy: str) -> Book:
        """Return the book of one strategy."""
        return Book(
            fund=self.fund, portfolio=self.portfolio, strategy=strategy, account=self.account
        )


def simulated_fill(
    identity: str,
    book: Book,
    instrument: Instrument,
    quantity: Decimal,
    prices: tuple[Decimal, Decimal],
    day: date,
) -> Fill:
    """Return a fill at the close of `day` plus half a spread, with its fee.

    Parameters
    ----------
    prices : (decision, mid)
        The price on which it was decided, and the close.
    """
    decided, mid = prices
    spread = HALF_SPREAD[instrument.kind] * (1 if quantity > 0 else -1)
    price = _at_tick(mid * to_decimal(1.0 + spread, digits=MARK_DIGITS), instrument)
    if instrument.kind in CONTRACTS:
        fee = abs(quantity) * CONTRACT_FEE
    else:
        fee = abs(quantity) * price * FEE_RATE
    return Fill(
        venue="SIM",
        exec_id=identity,
        cl_ord_id=identity,
        symbol=instrument.symbol,
        book=book,
        quantity=quantity,
        price=price,
        currency=instrument.currency,
        fee=round_money(fee, instrument.currency),
        executed_at=datetime.combine(day, time(21), tzinfo=UTC),
        decision_price=decided,
        arrival_price=mid,
        mid_price=mid,
        lineage=_followed_rule(book.strategy),
    )


@cache
def _followed_rule(strategy: str) -> Lineage:
    """Return what the orders of a strategy say that they followed."""
    terms = TARGETS.get(strategy, {}), CASH_SHARE, BAND
    hedges = (FUTURE_SHARE, CALLS_OF_HELD, PUTS_OF_HELD) if strategy == OVERLAY else ()
    return rule_lineage(strategy, *terms, *hedges)


def lots(units: float, instrument: Instrument) -> Decimal:
    """Return whole lots, rounded towards zero."""
    lots = int(units / float(instrument.lot_size))
    return lots * instrument.lot_size


def _at_tick(price: Decimal, instrument: Instrument) -> Decimal:
    ticks = (price / instrument.tick_size).quantize(Decimal(1), ROUND_HALF_EVEN)
    return max(ticks, Decimal(1)) * instrument.tick_size
