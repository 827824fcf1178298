"""What a book holds and is worth, from its fills and the market of now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from basics.errors import MissingDataError
from basics.trading import Fill
from services.desk_market import MarketView

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookStanding:
    """A book as its fills leave it, in money of its one currency.

    Attributes
    ----------
    positions : mapping of str to Decimal
        Signed holdings, none that are zero.
    daily_pnl : Decimal
        Equity now less equity at the close of the session before.
    drawdown : float
        Distance from the highest of capital, that close and now, as a fraction of it; highs
        before are not kept.
    """

    positions: Mapping[str, Decimal]
    equity: Decimal
    daily_pnl: Decimal
    drawdown: float


def book_standing(fills: Iterable[Fill], *, capital: Decimal, market: MarketView) -> BookStanding:
    """Value a book that began with `capital` and traded `fills`.

    Raises
    ------
    MissingDataError
        If something was traded that the market has no price for.
    """
    known = list(fills)
    earlier = [fill for fill in known if fill.executed_at < market.moment]
    positions = _positions(known)
    equity = _equity(known, positions, capital, market, market.prices)
    before = _equity(earlier, _positions(earlier), capital, market, market.previous_prices)
    peak = max(capital, before, equity)
    return BookStanding(
        positions=positions,
        equity=equity,
        daily_pnl=equity - before,
        drawdown=float((peak - equity) / peak),
    )


def _positions(fills: Iterable[Fill]) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for fill in fills:
        held[fill.symbol] = held.get(fill.symbol, ZERO) + fill.quantity
    return {symbol: quantity for symbol, quantity in sorted(held.items()) if quantity}


def _equity(
    fills: Iterable[Fill],
    positions: Mapping[str, Decimal],
    capital: Decimal,
    market: MarketView,
    prices: Mapping[str, Decimal],
) -> Decimal:
    unpriced = sorted(set(positions) - set(prices))
    if unpriced:
        raise MissingDataError(f"no price for {', '.join(unpriced)}, which is held: load its bars")
    paid = sum(
        (f.quantity * f.price * market.instruments[f.symbol].multiplier + f.fee for f in fills),
        ZERO,
    )
    held = (q * prices[s] * market.instruments[s].multiplier for s, q in positions.items())
    return capital - paid + sum(held, ZERO)
