"""Double entry: an entry is a set of postings that sums to zero in every currency.

Amounts are signed: a debit (asset or expense grows) is positive, a credit (income or capital
grows) negative. Cash of 100 paid in is therefore CASH +100, CAPITAL -100.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from basics.errors import ConflictError
from basics.trading import Book


class Account(StrEnum):
    """The chart of accounts; `Book.account` is the custody account, another thing.

    CASH, INVENTORY (positions at cost) are assets; REALISED, DIVIDENDS, COUPONS and INTEREST
    income; FEES, BORROW and TAXES expenses; CAPITAL what owners paid in; EXCHANGE the other
    side of a currency conversion; ADJUSTMENTS what people changed by hand.
    """

    CASH = "cash"
    INVENTORY = "inventory"
    REALISED = "realised"
    FEES = "fees"
    DIVIDENDS = "dividends"
    COUPONS = "coupons"
    INTEREST = "interest"
    BORROW = "borrow"
    TAXES = "taxes"
    CAPITAL = "capital"
    EXCHANGE = "exchange"
    ADJUSTMENTS = "adjustments"


INCOME = frozenset(
    {
        Account.REALISED,
        Account.DIVIDENDS,
        Account.COUPONS,
        Account.INTEREST,
        Account.FEES,
        Account.BORROW,
        Account.TAXES,
        Account.ADJUSTMENTS,
    }
)
"""Accounts whose credit balance is booked profit."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One signed amount on one account; `symbol` says for which instrument, if any."""

    account: Account
    symbol: str | None
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one event did to the books.

    Attributes
    ----------
    sequence : int
        Place in the ledger, from 1 without gaps.
    event_id : str
        Identity of the event; the same event is booked once.
    kind : str
        What happened: `trade`, `correction`, `cancel`, `dividend`, and so on.
    day : date
        The desk date on which it is booked.
    symbol : str or None
        None for an event of cash alone.
    quantity : Decimal
        Signed change of the position; zero for an event of cash alone.
    """

    sequence: int
    event_id: str
    kind: str
    day: date
    book: Book
    symbol: str | None
    quantity: Decimal
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The sums of a day's (or any) entries: each currency must come to zero."""

    amounts: Mapping[tuple[Account, str], Decimal]

    @property
    def by_currency(self) -> dict[str, Decimal]:
        """The total of every currency; all zero when the books balance."""
        totals: dict[str, Decimal] = {}
        for (_, currency), amount in self.amounts.items():
            totals[currency] = totals.get(currency, Decimal(0)) + amount
        return totals

    @property
    def balances(self) -> bool:
        """Whether every currency sums to zero."""
        return not any(self.by_currency.values())


def trial_balance(entries: Iterable[Entry]) -> TrialBalance:
    """Sum the postings of `entries` by account and currency."""
    amounts: dict[tuple[Account, str], Decimal] = {}
    for entry in entries:
        for posting in entry.postings:
            key = (posting.account, posting.currency)
            amounts[key] = amounts.get(key, Decimal(0)) + posting.amount
    return TrialBalance(amounts)


def check_balance(postings: Iterable[Posting], *, event_id: str) -> None:
    """Refuse postings that do not sum to zero in every currency.

    Raises
    ------
    ConflictError
        If a currency does not balance: the event must not be booked.
    """
    totals: dict[str, Decimal] = {}
    for posting in postings:
        totals[posting.currency] = totals.get(posting.currency, Decimal(0)) + posting.amount
    odd = {currency: str(total) for currency, total in totals.items() if total}
    if odd:
        raise ConflictError(f"event {event_id} does not balance: {odd}; nothing was booked")
