"""The books held against a custodian's statement: breaks, their age, and how they were settled.

A break is a difference in a position's quantity or in cash, by custody account. It keeps the date
on which it was first seen while it lasts. Resolving one needs a reason and a second person, and
it stays in view; if its difference changes afterwards it is open again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from basics.errors import MissingDataError, RefusedError
from pnl.ledger import Ledger
from pnl.lots import ZERO


class Subject(StrEnum):
    """What is compared."""

    POSITION = "position"
    CASH = "cash"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class StatementKey:
    """One line of a statement: a symbol's quantity or a currency's cash in an account."""

    account: str
    subject: Subject
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Who settled a break, with whom, and why."""

    reason: str
    author: str
    approver: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A difference between the books and the statement.

    Attributes
    ----------
    ours, theirs : Decimal
        Quantity or cash; zero where one side has no line.
    first_seen, last_seen : date
        Desk dates of the first and the latest statement that showed it.
    """

    key: StatementKey
    ours: Decimal
    theirs: Decimal
    first_seen: date
    last_seen: date
    resolution: Resolution | None = None

    @property
    def difference(self) -> Decimal:
        """Theirs less ours."""
        return self.theirs - self.ours

    @property
    def age_days(self) -> int:
        """Days since it was first seen."""
        return (self.last_seen - self.first_seen).days


def ledger_lines(ledger: Ledger) -> dict[StatementKey, Decimal]:
    """Return the books by custody account: what a statement of them would say."""
    lines: dict[StatementKey, Decimal] = {}
    for book, symbol, position, balances in ledger.accounts():
        if symbol is not None and position.quantity:
            key = StatementKey(account=book.account, subject=Subject.POSITION, name=symbol)
            lines[key] = lines.get(key, ZERO) + position.quantity
        for (account, currency), amount in balances.items():
            if account.value == "cash" and amount:
                key = StatementKey(account=book.account, subject=Subject.CASH, name=currency)
                lines[key] = lines.get(key, ZERO) + amount
    return {key: amount for key, amount in lines.items() if amount}


def find_breaks(
    ours: Mapping[StatementKey, Decimal],
    theirs: Mapping[StatementKey, Decimal],
    *,
    day: date,
    before: Iterable[Break] = (),
) -> tuple[Break, ...]:
    """Compare the books with a statement; breaks come by account, then by name.

    Parameters
    ----------
    before : iterable of Break
        Breaks of the statement before: one that lasts keeps its first date, and its resolution
        while its difference is the same.
    """
    known = {one.key: one for one in before}
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key, ZERO), theirs.get(key, ZERO)
        if mine == other:
            continue
        past = known.get(key)
        one = Break(
            key=key,
            ours=mine,
            theirs=other,
            first_seen=day if past is None else past.first_seen,
            last_seen=day,
        )
        if past is not None and past.difference == one.difference:
            one = replace(one, resolution=past.resolution)
        found.append(one)
    return tuple(found)


def resolve(
    breaks: Iterable[Break], key: StatementKey, resolution: Resolution
) -> tuple[Break, ...]:
    """Return the breaks with one of them settled.

    Raises
    ------
    RefusedError
        If the reason is empty, or no second person agreed.
    MissingDataError
        If there is no such break.
    """
    if not resolution.reason.strip():
        raise RefusedError(f"settling the break of {key.name} needs a reason")
    if not resolution.approver.strip() or resolution.approver == resolution.author:
        raise RefusedError(
            f"settling the break of {key.name} by {resolution.author!r} needs a second person, "
            f"got {resolution.approver!r}"
        )
    kept = tuple(breaks)
    if not any(one.key == key for one in kept):
        raise MissingDataError(f"{key.account} has no break in {key.subject} {key.name}")
    return tuple(replace(one, resolution=resolution) if one.key == key else one for one in kept)
