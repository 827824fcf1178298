"""The profit of each day, position by position, with the reason for every cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    from pnl.valued_books import ValuedBooks


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """What is kept of one portfolio: whose books, at which prices, from when to when."""

    run_id: str
    dataset: str
    first_session: date
    last_session: date


@dataclass(frozen=True, slots=True)
class KeptBooks:
    """The books of a portfolio over a range, the run that they value, and at whose prices."""

    portfolio: str
    run_id: str
    dataset: str
    books: ValuedBooks


class PnlDayStore(Protocol):
    """Keeps one row a position and session for each portfolio; what is valued anew replaces it."""

    def replace(self, kept: KeptBooks) -> int:
        """Keep these books as all there is of their portfolio, in one transaction.

        A position and session without any amount leaves no row.

        Returns
        -------
        int
            Sessions whose rows are new or other than before: 0 when nothing changed.
        """
        ...

    def books(
        self, portfolio: str, *, start: date | None = None, end: date | None = None
    ) -> KeptBooks:
        """Return the sessions from `start` to `end`, both included; None is open.

        Raises
        ------
        InvalidInputError
            If `start` lies after `end`.
        MissingDataError
            If nothing is kept of the portfolio, or no session lies in the range.
        """
        ...

    def spans(self) -> Mapping[str, KeptSpan]:
        """Return what is kept, by portfolio."""
        ...
