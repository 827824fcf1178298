"""Why a portfolio's equity changed, session by session, as one document of plain values."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from basics.arrays import IntArray
from basics.money import MINOR_UNIT_DIGITS
from pnl.explain import PARTS
from pnl.valued_books import ValuedBooks


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPart:
    """One reason for profit; `by_session` pairs with the sessions of the explanation."""

    name: str
    pnl: Decimal
    by_session: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCurrency:
    """The same span in one currency of the books, before any conversion.

    Attributes
    ----------
    parts : tuple of ExplainedPart
        In that currency; `fx` is what was exchanged into it, less what was exchanged out.
    total : Decimal
        The change of what the books hold in it, less what owners paid in.
    """

    currency: str
    parts: tuple[ExplainedPart, ...]
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The profit of a span by reason; parts sum to the total exactly, on every session.

    Attributes
    ----------
    total : Decimal
        Booked profit after costs, in `currency`.
    currencies : tuple of ExplainedCurrency
        The same in each currency of the books on its own, sorted.
    """

    currency: str
    start: date
    end: date
    sessions: tuple[date, ...]
    parts: tuple[ExplainedPart, ...]
    total: Decimal
    currencies: tuple[ExplainedCurrency, ...] = ()


def explanation_of(books: ValuedBooks) -> Explanation:
    """Return why the equity of `books` changed, session by session."""
    daily = books.daily
    return Explanation(
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        sessions=tuple(daily.sessions.tolist()),
        parts=_parts(books.parts.sum(axis=1), daily.digits),
        total=daily.money(daily.pnl.sum()),
        currencies=tuple(_currency(name, books.local[name]) for name in sorted(books.local)),
    )


def _currency(name: str, amounts: IntArray) -> ExplainedCurrency:
    parts = _parts(amounts, MINOR_UNIT_DIGITS.get(name, 2))
    return ExplainedCurrency(
        currency=name, parts=parts, total=sum((part.pnl for part in parts), Decimal(0))
    )


def _parts(amounts: IntArray, digits: int) -> tuple[ExplainedPart, ...]:
    """Return every part by name; `amounts` are minor units of shape (n_parts, n_sessions)."""
    return tuple(
        ExplainedPart(
            name=name,
            pnl=Decimal(int(row.sum())).scaleb(-digits),
            by_session=tuple(Decimal(int(amount)).scaleb(-digits) for amount in row),
        )
        for name, row in zip(PARTS, amounts, strict=True)
    )
