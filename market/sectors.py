"""Which sector a symbol belonged to, by date and as it was known then.

A span runs from `first` to `last`, both included, `last` None while it runs; it counts from the
day it was known on, so that a change that was learned of late moves nothing before. Where no
span says anything, the undated table does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import ConflictError, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SectorSpan:
    """The time in which a symbol belonged to a sector, and when that was known."""

    symbol: str
    sector: str
    first: date
    last: date | None
    known_at: datetime

    def __post_init__(self) -> None:
        if self.last is not None and self.last < self.first:
            raise InvalidInputError(f"{self.symbol}: {self.last} lies before {self.first}")


@dataclass(frozen=True, slots=True)
class SectorHistory:
    """Every span, and the sector of each symbol where none applies.

    Raises
    ------
    ConflictError
        If two spans of a symbol overlap.
    """

    spans: tuple[SectorSpan, ...] = ()
    undated: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = sorted(self.spans, key=lambda span: (span.symbol, span.first))
        for one, two in pairwise(ordered):
            if one.symbol == two.symbol and (one.last is None or two.first <= one.last):
                raise ConflictError(
                    f"{one.symbol}: the spans from {one.first} and {two.first} overlap"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Every sector, sorted; a sector's number is its place."""
        return tuple(sorted({span.sector for span in self.spans} | set(self.undated.values())))

    def numbers(
        self, symbols: Sequence[str], sessions: DateArray, *, as_of: datetime | None = None
    ) -> FloatArray:
        """Return the number of each symbol's sector, shape (n_symbols, n_sessions).

        NaN for a symbol of which nothing is known. At a session a span counts if it was known by
        its end, and by `as_of`.
        """
        number = {name: float(place) for place, name in enumerate(self.names)}
        row = {symbol: i for i, symbol in enumerate(symbols)}
        out = np.full((len(symbols), len(sessions)), np.nan)
        for symbol, sector in self.undated.items():
            if symbol in row:
                out[row[symbol]] = number[sector]
        for span in sorted(self.spans, key=lambda each: each.first):
            if span.symbol not in row or (as_of is not None and span.known_at > as_of):
                continue
            begins = max(span.first, span.known_at.date())
            inside = sessions >= np.datetime64(begins)
            if span.last is not None:
                inside &= sessions <= np.datetime64(span.last)
            out[row[span.symbol], inside] = number[span.sector]
        return out
