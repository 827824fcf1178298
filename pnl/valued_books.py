"""Daily books with the reason for every cent: what is kept of each day, and asked by range.

`DailyBooks` says what each position earned on each session; the parts say why, under the names
of `pnl.explain`. Both are integers in minor units on the same grid, so that the parts of a
position and session sum to its profit, whatever range is asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from basics.money import MINOR_UNIT_DIGITS
from pnl.attribution import Attribution, AttributionPart
from pnl.daily import DailyBooks, sessions_between
from pnl.explain import PARTS, ExplainedSession


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedBooks:
    """Daily books and their explanation.

    Attributes
    ----------
    parts : ndarray of shape (n_parts, n_keys, n_sessions)
        In minor units, parts in the order of `PARTS`; the sum over parts is `daily.pnl`.
    benchmark : ndarray of shape (n_sessions,)
        The benchmark's return, NaN where there is none.
    local : mapping of str to ndarray of shape (n_parts, n_sessions)
        Each currency's own parts, in minor units of that currency.
    traded : ndarray of shape (n_sessions,), int64, or None
        Value of the fills, bought and sold alike (`pnl.traded`); None where it was not counted.
    """

    daily: DailyBooks
    parts: IntArray
    benchmark: FloatArray
    local: Mapping[str, IntArray] = field(default_factory=dict)
    traded: IntArray | None = None

    def __post_init__(self) -> None:
        if self.parts.shape != (len(PARTS), *self.daily.pnl.shape):
            raise InvalidInputError(
                f"parts have shape {self.parts.shape}, the books {self.daily.pnl.shape}"
            )
        wrong = np.argwhere(self.parts.sum(axis=0) != self.daily.pnl)
        if len(wrong):
            row, column = wrong[0]
            raise InvalidInputError(
                f"{self.daily.keys[row]} on {self.daily.sessions[column]}: the parts sum to "
                f"{self.parts[:, row, column].sum()}, the profit is {self.daily.pnl[row, column]}"
            )

    def between(self, start: date | None, end: date | None) -> "ValuedBooks":
        """Return the sessions from `start` to `end`, both included; see `DailyBooks.between`."""
        chosen = sessions_between(self.daily.sessions, start, end)
        return ValuedBooks(
            daily=self.daily.between(start, end),
            parts=self.parts[:, :, chosen],
            benchmark=self.benchmark[chosen],
            local={currency: amounts[:, chosen] for currency, amounts in self.local.items()},
            traded=None if self.traded is None else self.traded[chosen],
        )


def valued_books(
    daily: DailyBooks,
    explained: Iterable[ExplainedSession],
    *,
    benchmark: FloatArray | None = None,
    traded: Sequence[int] | None = None,
) -> ValuedBooks:
    """Lay explained sessions over the daily books of the same ledger and sessions.

    Raises
    ------
    InvalidInputError
        If the two do not tell the same profit.
    """
    rows = {key: row for row, key in enumerate(daily.keys)}
    columns = {session: column for column, session in enumerate(daily.sessions.tolist())}
    index = {name: i for i, name in enumerate(PARTS)}
    parts = np.zeros((len(PARTS), *daily.pnl.shape), dtype=np.int64)
    local: dict[str, IntArray] = {}
    for session in explained:
        column = columns[session.session]
        for position in session.positions:
            row = rows[position.key]
            for name, amount in position.parts.items():
                parts[index[name], row, column] += int(amount.scaleb(daily.digits))
        for currency, amounts in session.local.items():
            digits = MINOR_UNIT_DIGITS.get(currency, 2)
            own = local.setdefault(currency, np.zeros_like(parts[:, 0]))
            for name, amount in amounts.items():
                own[index[name], column] = int(amount.scaleb(digits))
    unknown = np.full(len(daily.sessions), np.nan)
    return ValuedBooks(
        daily=daily,
        parts=parts,
        benchmark=unknown if benchmark is None else benchmark,
        local=local,
        traded=None if traded is None else np.array(traded, dtype=np.int64),
    )


def by_reason(books: ValuedBooks, *, notes: tuple[str, ...] = ()) -> Attribution:
    """Split by the reason for profit, in the order of `PARTS`; what is zero is left out."""
    daily = books.daily
    sums = books.parts.sum(axis=(1, 2))
    total = daily.money(daily.pnl.sum())
    return Attribution(
        by="reason",
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        parts=tuple(
            AttributionPart(name=name, pnl=daily.money(amount))
            for name, amount in zip(PARTS, sums, strict=True)
            if amount
        ),
        residual=total - daily.money(sums.sum()),
        total=total,
        exact=True,
        notes=notes,
    )
