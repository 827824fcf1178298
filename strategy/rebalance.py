"""From target weights to trades in whole lots, with a no-trade band.

A holding whose weight lies within `band` of its target is left alone: below that the cost of
trading exceeds what being exact is worth. What leaves the target altogether is always sold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from basics.errors import InvalidInputError
from basics.money import to_decimal
from basics.trading import Side

ZERO: Final = Decimal(0)
WEIGHT_DIGITS: Final = 9  # A weight is an estimate; finer digits would be noise in the books.


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What to buy or sell: one order's worth, quantity positive."""

    symbol: str
    side: Side
    quantity: Decimal


def rebalance(
    targets: Mapping[str, float],
    *,
    positions: Mapping[str, Decimal],
    prices: Mapping[str, Decimal],
    equity: Decimal,
    lots: Mapping[str, Decimal] | None = None,
    band: float = 0.0,
) -> tuple[Trade, ...]:
    """Return the trades that bring `positions` to `targets`.

    Parameters
    ----------
    targets : mapping of str to float
        Weight of each symbol as a fraction of equity, signed. A held symbol that is not named
        goes to zero.
    prices : mapping of str to Decimal
        Money per unit. A symbol without a price is not traded.
    equity : Decimal
        Money that a weight of one stands for.
    lots : mapping of str to Decimal, optional
        Smallest quantity step; 1 where not named. Targets are rounded towards zero.
    band : float
        Distance from the target, as a fraction of equity, within which nothing is traded.

    Returns
    -------
    tuple of Trade
        Sells before buys, each by symbol. A sale that crosses zero comes as two: a sale of the
        holding, then a short sale.

    Raises
    ------
    InvalidInputError
        If `equity` is not positive or `band` is negative.
    """
    if not equity > 0:
        raise InvalidInputError(f"equity must be positive to size trades, got {equity}")
    if band < 0:
        raise InvalidInputError(f"band must not be negative, got {band}")
    allowed = to_decimal(band, digits=WEIGHT_DIGITS) * equity
    sells: list[Trade] = []
    buys: list[Trade] = []
    for symbol in sorted({*targets, *(s for s, q in positions.items() if q)}):
        price = prices.get(symbol)
        if price is None:
            continue
        lot = (lots or {}).get(symbol, Decimal(1))
        weight = to_decimal(targets.get(symbol, 0.0), digits=WEIGHT_DIGITS)
        held = positions.get(symbol, ZERO)
        wanted = (weight * equity / price / lot).to_integral_value(ROUND_DOWN) * lot
        change = wanted - held
        if not change or (weight and abs(weight * equity - held * price) <= allowed):
            continue
        if change > 0:
            buys.append(Trade(symbol=symbol, side=Side.BUY, quantity=change))
        else:
            sells.extend(sales(symbol, quantity=-change, held=held))
    return (*sells, *buys)


def sales(symbol: str, *, quantity: Decimal, held: Decimal) -> tuple[Trade, ...]:
    """Split a sale into what is held, marked a sale, and the rest, marked a short sale."""
    long = min(quantity, max(held, ZERO))
    parts = ((Side.SELL, long), (Side.SELL_SHORT, quantity - long))
    return tuple(Trade(symbol=symbol, side=s, quantity=q) for s, q in parts if q)
