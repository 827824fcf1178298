"""Who is who, and who belonged: instruments behind tickers, universes behind dates.

A ticker names an instrument for a time: FB became META on 2022-06-09, and META named a fund
before. Spans are [first, last], both included, `last` None while they run. Membership has two
times like every row: the day it began, and the day we knew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise

import numpy as np
import polars as pl

from basics.arrays import BoolArray, DateArray
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from market.datasets import SESSION, SYMBOL


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerSpan:
    """The time in which a symbol named an instrument."""

    instrument: str
    symbol: str
    first: date
    last: date | None = None

    def covers(self, day: date) -> bool:
        """Return whether `day` lies in the span."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class TickerHistory:
    """Every span; at one time a symbol names one instrument and an instrument has one symbol.

    Raises
    ------
    ConflictError
        If two spans contradict each other.
    """

    spans: tuple[TickerSpan, ...]

    def __post_init__(self) -> None:
        for span in self.spans:
            if span.last is not None and span.last < span.first:
                raise InvalidInputError(f"{span.symbol}: {span.last} lies before {span.first}")
        for name in ("symbol", "instrument"):
            ordered = sorted(self.spans, key=lambda s: (getattr(s, name), s.first))
            for one, two in pairwise(ordered):
                same = getattr(one, name) == getattr(two, name)
                if same and (one.last is None or two.first <= one.last):
                    raise ConflictError(
                        f"{name} {getattr(one, name)}: the spans from {one.first} and "
                        f"{two.first} overlap"
                    )

    def instrument(self, symbol: str, day: date) -> str:
        """Return the instrument that `symbol` named on `day`; `MissingDataError` if none."""
        for span in self.spans:
            if span.symbol == symbol and span.covers(day):
                return span.instrument
        raise MissingDataError(f"{symbol} named no instrument on {day}")

    def symbol(self, instrument: str, day: date) -> str:
        """Return the symbol of `instrument` on `day`; `MissingDataError` if it had none."""
        for span in self.spans:
            if span.instrument == instrument and span.covers(day):
                return span.symbol
        raise MissingDataError(f"{instrument} had no symbol on {day}")

    def symbols_behind(self, symbols: Iterable[str], *, on: date) -> tuple[str, ...]:
        """Return `symbols` and every other one that their instruments ever had, sorted.

        A symbol means the instrument that it names `on` that day.
        """
        wanted = set(symbols)
        instruments = {s.instrument for s in self.spans if s.symbol in wanted and s.covers(on)}
        return tuple(sorted(wanted | {s.symbol for s in self.spans if s.instrument in instruments}))

    def follow(self, bars: pl.DataFrame, *, on: date) -> pl.DataFrame:
        """Return `bars` with each row under the symbol that its instrument has `on` that day.

        A symbol that no span mentions stays as it is. Rows of a known symbol outside its spans
        belong to nobody and are left out, and so is an instrument without a symbol on that day.
        """
        known = {span.symbol for span in self.spans}
        now = {span.instrument: span.symbol for span in self.spans if span.covers(on)}
        table = pl.DataFrame(
            [(s.symbol, s.first, s.last, now.get(s.instrument)) for s in self.spans],
            schema={SYMBOL: pl.String, "_first": pl.Date, "_last": pl.Date, "_now": pl.String},
            orient="row",
        )
        named = bars.join(table, on=SYMBOL, how="left", maintain_order="left")
        within = (pl.col(SESSION) >= pl.col("_first")) & (
            pl.col("_last").is_null() | (pl.col(SESSION) <= pl.col("_last"))
        )
        stays = ~pl.col(SYMBOL).is_in(list(known))
        kept = named.filter(stays | (within & pl.col("_now").is_not_null()))
        return kept.with_columns(pl.coalesce("_now", SYMBOL).alias(SYMBOL)).select(bars.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A symbol's time in a universe, and when its beginning and its end were known."""

    universe: str
    symbol: str
    first: date
    last: date | None
    known_at: datetime
    end_known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Universe:
    """One universe over time."""

    name: str
    memberships: tuple[Membership, ...]

    def members(self, day: date, *, as_of: datetime | None = None) -> tuple[str, ...]:
        """Return the symbols that belonged on `day`, as known at `as_of`, sorted."""
        return tuple(sorted({m.symbol for m in self.memberships if _belongs(m, day, as_of)}))

    def followed(self, tickers: TickerHistory, *, on: date) -> "Universe":
        """Return the universe with each member under the symbol its instrument has `on` a day."""
        now = {span.instrument: span.symbol for span in tickers.spans if span.covers(on)}

        def current(member: Membership) -> Membership:
            named = next(
                (
                    span.instrument
                    for span in tickers.spans
                    if span.symbol == member.symbol and span.covers(member.first)
                ),
                None,
            )
            return (
                member if named is None else replace(member, symbol=now.get(named, member.symbol))
            )

        return Universe(self.name, tuple(current(member) for member in self.memberships))

    def mask(
        self, symbols: Sequence[str], sessions: DateArray, *, as_of: datetime | None = None
    ) -> BoolArray:
        """Return whether each symbol belonged in each session, of shape (n_symbols, n_sessions)."""
        mask = np.zeros((len(symbols), len(sessions)), dtype=np.bool_)
        place = {symbol: row for row, symbol in enumerate(symbols)}
        for member in self.memberships:
            row = place.get(member.symbol)
            if row is None or (as_of is not None and member.known_at > as_of):
                continue
            inside = sessions >= np.datetime64(member.first)
            last = _last_known(member, as_of)
            if last is not None:
                inside &= sessions <= np.datetime64(last)
            mask[row] |= inside
        return mask


def universe(name: str, memberships: Iterable[Membership]) -> Universe:
    """Return the universe `name`; `MissingDataError` if no membership is of it."""
    own = tuple(m for m in memberships if m.universe == name)
    if not own:
        raise MissingDataError(f"no symbol ever belonged to a universe {name!r}")
    return Universe(name, own)


def _belongs(member: Membership, day: date, as_of: datetime | None) -> bool:
    if as_of is not None and member.known_at > as_of:
        return False
    last = _last_known(member, as_of)
    return member.first <= day and (last is None or day <= last)


def _last_known(member: Membership, as_of: datetime | None) -> date | None:
    """Return the last day as known at `as_of`: before its end was known, a span was open."""
    if as_of is not None and member.end_known_at is not None and member.end_known_at > as_of:
        return None
    return member.last
