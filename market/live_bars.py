"""Bars that came after the lake's last session: still forming, or closed and not yet in the lake.

A forming bar is replaced as often as it changes, whole or trade by trade. Once the lake holds a
session, its own rows count and what was kept of the session here is forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import DateArray, FloatArray, IntArray
from basics.errors import ConflictError, InvalidInputError, MissingDataError

PRICES = frozenset({"open", "high", "low", "close", "adj_close", "vwap"})
Bar = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LiveBars:
    """The bars of some sessions, the newest of which may still change.

    Attributes
    ----------
    symbols : tuple of str
    sessions : ndarray of shape (n_sessions,), datetime64[D]
        Strictly increasing; may be empty.
    fields : mapping of str to ndarray of shape (n_symbols, n_sessions)
    updated : int64 ndarray of shape (n_symbols,)
        When each symbol's bar last changed, microseconds since 1970; 0 for never.
    revision : int
        How often the bars were changed.
    """

    symbols: tuple[str, ...]
    sessions: DateArray
    fields: Mapping[str, FloatArray]
    updated: IntArray
    revision: int = 0

    def after(self, session: np.datetime64) -> "LiveBars":
        """Return what is left once the lake holds everything up to `session`."""
        stays = self.sessions > session
        if stays.all():
            return self
        kept = {name: np.ascontiguousarray(v[:, stays]) for name, v in self.fields.items()}
        return replace(self, sessions=self.sessions[stays], fields=kept)

    def over(self, symbols: tuple[str, ...]) -> "LiveBars":
        """Return the bars of `symbols`, missing where there were none."""
        place = {symbol: row for row, symbol in enumerate(self.symbols)}
        here = np.array([symbol in place for symbol in symbols], bool)
        there = np.array([place[symbol] for symbol in symbols if symbol in place], np.int64)
        fields = {}
        for name, values in self.fields.items():
            fields[name] = np.full((len(symbols), len(self.sessions)), np.nan)
            fields[name][here] = values[there]
        updated = np.zeros(len(symbols), np.int64)
        updated[here] = self.updated[there]
        return replace(self, symbols=symbols, fields=fields, updated=updated)

    def rows(self, symbols: Sequence[str]) -> IntArray:
        """Return the places of `symbols`; `MissingDataError` if one is unknown."""
        place = {symbol: row for row, symbol in enumerate(self.symbols)}
        if unknown := sorted(set(symbols) - place.keys()):
            raise MissingDataError(
                f"no symbol {', '.join(unknown)}: import its history first, then send its bars"
            )
        return np.array([place[symbol] for symbol in symbols], np.int64)

    def newest(self, symbol: str, session: np.datetime64) -> dict[str, float]:
        """Return the forming bar of `session` as far as it is known."""
        if not len(self.sessions) or self.sessions[-1] != session:
            return {}
        row = self.rows([symbol])[0]
        bar = {name: float(values[row, -1]) for name, values in self.fields.items()}
        return {name: value for name, value in bar.items() if not np.isnan(value)}

    def taking(
        self, session: np.datetime64, bars: Mapping[str, Bar], *, now_microseconds: int
    ) -> "LiveBars":
        """Return the bars with those of `session` put in; fields left out stay as they were.

        Raises
        ------
        ConflictError
            If a later session has begun.
        MissingDataError
            If a symbol is unknown.
        InvalidInputError
            If a bar is not sound: see `require_sound`.
        """
        if len(self.sessions) and session < self.sessions[-1]:
            raise ConflictError(
                f"session {self.sessions[-1]} has begun: {session} changes by an import"
            )
        rows = self.rows(list(bars))
        begins = not len(self.sessions) or session > self.sessions[-1]
        wide = len(self.sessions) + begins
        fields = {name: _widened(values, wide) for name, values in self.fields.items()}
        for row, (symbol, bar) in zip(rows, bars.items(), strict=True):
            merged = ({} if begins else self.newest(symbol, session)) | dict(bar)
            require_sound(symbol, merged, known=self.fields)
            for name, value in bar.items():
                fields[name][row, -1] = value
        updated = self.updated.copy()
        updated[rows] = now_microseconds
        sessions = np.append(self.sessions, session) if begins else self.sessions
        return LiveBars(self.symbols, sessions, fields, updated, self.revision + 1)


def no_live_bars(symbols: tuple[str, ...], fields: Sequence[str]) -> LiveBars:
    """Return the state before any bar has come."""
    empty = {name: np.empty((len(symbols), 0)) for name in fields}
    return LiveBars(symbols, np.empty(0, "datetime64[D]"), empty, np.zeros(len(symbols), np.int64))


def with_trade(bar: Bar, price: float, size: float) -> dict[str, float]:
    """Return a forming bar after one more trade; an empty bar begins with it.

    Only the fields of a bar that trades make: open, high, low, close, volume and vwap.

    Raises
    ------
    InvalidInputError
        If price or size is not positive and finite.
    """
    if not (0 < price < np.inf and 0 < size < np.inf):
        raise InvalidInputError(f"a trade has a positive price and size, got {price} and {size}")
    volume = bar.get("volume", 0.0)
    before = bar.get("vwap", price) * volume
    return {
        "open": bar.get("open", price),
        "high": max(bar.get("high", price), price),
        "low": min(bar.get("low", price), price),
        "close": price,
        "volume": volume + size,
        "vwap": (before + price * size) / (volume + size),
    }


def require_sound(symbol: str, bar: Bar, *, known: Mapping[str, object]) -> None:
    """Refuse a bar that cannot be.

    Raises
    ------
    InvalidInputError
        For a field that the dataset lacks, what is not finite, a price that is not positive, a
        negative volume, or a high and low that do not hold the other prices between them.
    """
    if unknown := sorted(set(bar) - set(known)):
        raise InvalidInputError(
            f"{symbol}: no field {', '.join(unknown)}: the dataset has {', '.join(sorted(known))}"
        )
    for name, value in bar.items():
        wrong = not np.isfinite(value) or (name in PRICES and value <= 0)
        if wrong or (name == "volume" and value < 0):
            raise InvalidInputError(f"{symbol}: {name} is {value}: send a sound bar")
    low, high = bar.get("low", -np.inf), bar.get("high", np.inf)
    inside = {name: bar[name] for name in ("open", "close", "low") if name in bar}
    for name, price in inside.items():
        if not low <= price <= high:
            raise InvalidInputError(
                f"{symbol}: {name} {price} lies outside low {low} to high {high}: send a sound bar"
            )


def _widened(values: FloatArray, sessions: int) -> FloatArray:
    wide = np.full((len(values), sessions), np.nan)
    wide[:, : values.shape[1]] = values
    return wide
