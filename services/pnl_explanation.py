"""Why a portfolio's equity changed, session by session, as one document of plain values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from basics.errors import MissingDataError
from pnl.explain import PARTS, ExplainedSession


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPart:
    """One reason for profit; `by_session` pairs with the sessions of the explanation."""

    name: str
    pnl: Decimal
    by_session: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The profit of a span by reason; parts sum to the total exactly, on every session.

    Attributes
    ----------
    total : Decimal
        Booked profit after costs, in `currency`.
    """

    currency: str
    start: date
    end: date
    sessions: tuple[date, ...]
    parts: tuple[ExplainedPart, ...]
    total: Decimal


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
    columns = [session.parts for session in found]
    parts = tuple(
        ExplainedPart(
            name=name,
            pnl=sum((column[name] for column in columns), Decimal(0)),
            by_session=tuple(column[name] for column in columns),
        )
        for name in PARTS
    )
    return Explanation(
        currency=found[0].currency,
        start=found[0].session,
        end=found[-1].session,
        sessions=tuple(session.session for session in found),
        parts=parts,
        total=sum((session.total for session in found), Decimal(0)),
    )
