"""Why a portfolio's equity changed, session by session, as one document of plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from basics.errors import MissingDataError
from pnl.explain import PARTS, ExplainedSession
from pnl.lots import ZERO


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


def explanation_of(sessions: Iterable[ExplainedSession]) -> Explanation:
    """Put explained sessions, in order, into one document.

    Raises
    ------
    MissingDataError
        If there is none.
    """
    found = list(sessions)
    if not found:
        raise MissingDataError("there is no session to explain: widen the range")
    names = sorted({currency for session in found for currency in session.local})
    return Explanation(
        currency=found[0].currency,
        start=found[0].session,
        end=found[-1].session,
        sessions=tuple(session.session for session in found),
        parts=_parts([session.parts for session in found]),
        total=sum((session.total for session in found), ZERO),
        currencies=tuple(_currency(name, found) for name in names),
    )


def _currency(name: str, sessions: Sequence[ExplainedSession]) -> ExplainedCurrency:
    parts = _parts([session.local.get(name, {}) for session in sessions])
    return ExplainedCurrency(
        currency=name, parts=parts, total=sum((part.pnl for part in parts), ZERO)
    )


def _parts(columns: Sequence[Mapping[str, Decimal]]) -> tuple[ExplainedPart, ...]:
    """Put the sessions' parts side by side, every part named."""
    return tuple(
        ExplainedPart(
            name=name,
            pnl=sum((column.get(name, ZERO) for column in columns), ZERO),
            by_session=tuple(column.get(name, ZERO) for column in columns),
        )
        for name in PARTS
    )
