"""What positions are worth at given marks, in the books' own arithmetic.

Market value is quantity x mark x multiplier, rounded to the currency's minor unit; of a margined
future only the gain since its last settlement is worth something. Each book's equity is its cash
plus the value of its positions; in the base currency each amount is converted at the day's rate
and rounded, so that parts always sum to the total.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.money import round_money
from pnl.lots import ZERO
from pnl.position_state import MARGINED, NEGATIVE_PRICES, Position
from pnl.postings import Account

Balances = Mapping[tuple[Account, str], Decimal]


def market_value(position: Position, mark: Decimal, instrument: Instrument) -> Decimal:
    """Return what `position` is worth at `mark`, in its own currency.

    Raises
    ------
    InvalidInputError
        If the mark is not finite, or negative where no price can be.
    """
    if not mark.is_finite():
        raise InvalidInputError(f"{position.symbol}: the mark must be finite, got {mark}")
    if mark < 0 and instrument.kind not in NEGATIVE_PRICES:
        raise InvalidInputError(f"{position.symbol}: a mark of {mark} is negative")
    notional = round_money(position.quantity * mark * position.multiplier, position.currency)
    return notional - position.cost if instrument.kind in MARGINED else notional


def unrealised(position: Position, mark: Decimal, instrument: Instrument) -> Decimal:
    """Return the gain not yet taken: the value at `mark` above cost, before fees."""
    value = market_value(position, mark, instrument)
    return value if instrument.kind in MARGINED else value - position.cost


def mark_of(marks: Mapping[str, Decimal], symbol: str, session: date | None = None) -> Decimal:
    """Return the mark of `symbol`, on `session` where that is to be named.

    Raises
    ------
    MissingDataError
        If there is none: a held position must not be valued by guess.
    """
    try:
        return marks[symbol]
    except KeyError:
        on = "" if session is None else f" on {session}"
        raise MissingDataError(f"no mark for {symbol}, which is held{on}: load its price") from None


def worth_by_currency(
    position: Position,
    balances: Balances,
    marks: Mapping[str, Decimal],
    instrument: Instrument | None,
) -> dict[str, Decimal]:
    """Return by currency what an account of the ledger is worth: its position plus all its cash.

    Parameters
    ----------
    instrument : Instrument or None
        None for cash alone.
    """
    worth = {c: amount for (account, c), amount in balances.items() if account is Account.CASH}
    if instrument is not None and position.quantity:
        value = market_value(position, mark_of(marks, instrument.symbol), instrument)
        worth[position.currency] = worth.get(position.currency, ZERO) + value
    return worth


def to_base(
    amounts: Mapping[str, Decimal],
    rates: Mapping[str, Decimal],
    *,
    base: str,
    session: date | None = None,
) -> Decimal:
    """Convert `amounts` by currency to `base`, each rounded, and sum them.

    Parameters
    ----------
    rates : mapping of str to Decimal
        Units of `base` for one unit of the currency; `base` itself need not be there.
    session : date, optional
        Of the rates, where it is to be named when one is missing.

    Raises
    ------
    MissingDataError
        If a currency that is not empty has no rate.
    InvalidInputError
        If a rate is not positive.
    """
    total = ZERO
    for currency, amount in amounts.items():
        if currency == base:
            total += amount
        elif amount:
            total += round_money(amount * _rate(rates, currency, base, session), base)
    return total


def profit_at(
    accounts: Iterable[tuple[str | None, Position, Balances]],
    marks: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
    *,
    rates: Mapping[str, Decimal],
    base: str,
) -> Decimal:
    """Return what the positions earned so far, cash of no instrument left out.

    Parameters
    ----------
    accounts : iterable of (symbol, position, balances)
        As `Ledger.accounts` gives them.

    Raises
    ------
    MissingDataError
        If a held instrument has no mark or its currency no rate.
    """
    total = ZERO
    for symbol, position, balances in accounts:
        if symbol is None:
            continue
        worth = worth_by_currency(position, balances, marks, instruments[symbol])
        total += to_base(worth, rates, base=base)
    return total


def _rate(rates: Mapping[str, Decimal], currency: str, base: str, session: date | None) -> Decimal:
    rate = rates.get(currency)
    if rate is None:
        on = "" if session is None else f" on {session}"
        raise MissingDataError(
            f"no rate from {currency} to {base}{on}: load the exchange rate "
            "(`quantdesk data import FILE --kind rates`)"
        )
    if not (rate.is_finite() and rate > 0):
        raise InvalidInputError(f"the rate from {currency} to {base} must be positive, got {rate}")
    return rate
