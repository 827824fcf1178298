"""What the cash of no instrument did to the profit of a live day.

Three parts, in the base currency, that sum to its change since the closes less what owners paid
in: what rates made of the cash held at the closes; what conversions gave over the rates of now;
and what was booked beside instruments (interest, fees of the account, adjustments), at the rates
of now. A conversion at the rate of now gives nothing; the days' books close the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pnl.ledger import Ledger
from pnl.postings import Account
from pnl.valuation import to_base

Free = Mapping[tuple[Account, str], Decimal]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CashOfDay:
    """Profit of the cash of no instrument since the closes.

    Attributes
    ----------
    fx : mapping of currency to float
        What its rate made of what was held of it at the closes.
    exchanges : float
        What was bought less what was sold in conversions, both at the rates of now.
    booked : float
        Interest, fees and adjustments that belong to no instrument.
    """

    fx: Mapping[str, float] = field(default_factory=dict)
    exchanges: float = 0.0
    booked: float = 0.0

    @property
    def total(self) -> float:
        """What it adds to the profit of the day."""
        return sum(self.fx.values()) + self.exchanges + self.booked


def free_balances(ledger: Ledger) -> dict[tuple[Account, str], Decimal]:
    """Return the balances that belong to no instrument, over all books."""
    found: dict[tuple[Account, str], Decimal] = {}
    for _, symbol, _, balances in ledger.accounts():
        for key, amount in balances.items() if symbol is None else ():
            found[key] = found.get(key, ZERO) + amount
    return found


def cash_in(free: Free) -> dict[str, Decimal]:
    """Return the cash by currency."""
    return {
        currency: amount for (account, currency), amount in free.items() if account is Account.CASH
    }


def cash_of_day(
    then: Free,
    now: Free,
    *,
    closing: Mapping[str, Decimal],
    rates: Mapping[str, Decimal],
    base: str,
) -> CashOfDay:
    """Split the change of free cash between the closes and now.

    Parameters
    ----------
    closing, rates : mapping of currency to rate
        Units of the base for one, at the closes and now.

    Raises
    ------
    MissingDataError
        If a currency that moved has no rate.
    """
    moved = {key: amount - then.get(key, ZERO) for key, amount in now.items()}
    cash = cash_in(moved)
    paid_in = {c: -amount for (account, c), amount in moved.items() if account is Account.CAPITAL}
    bought = {c: -amount for (account, c), amount in moved.items() if account is Account.EXCHANGE}
    booked = {c: cash[c] - paid_in.get(c, ZERO) - bought.get(c, ZERO) for c in cash}
    return CashOfDay(
        fx={
            currency: float(amount * (rates[currency] - closing[currency]))
            for currency, amount in cash_in(then).items()
            if currency in closing
        },
        exchanges=float(to_base(bought, rates, base=base)),
        booked=float(to_base(booked, rates, base=base)),
    )
