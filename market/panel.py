"""A panel: the same fields for the same symbols over the same sessions, as arrays.

The one form in which bars reach features, models, risk and backtests. Each field is one
C-contiguous array of shape (n_symbols, n_sessions), so that one symbol's history is a
contiguous slice for the kernels.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True)
class Panel:
    """Fields over symbols and sessions.

    Attributes
    ----------
    symbols : tuple of str
        Row labels, sorted.
    sessions : ndarray of shape (n_sessions,), datetime64[D]
        Column labels, strictly increasing.
    fields : mapping of str to ndarray of shape (n_symbols, n_sessions)
        float64; NaN where a symbol has no row in a session.
    simulated : frozenset of str
        Names of the fields that are simulated, not observed.
    context : mapping of str to ndarray of shape (n_symbols or 1, n_sessions)
        What stands around the bars and is none: series of the market, one row for all symbols,
        and reference data, a row for each.
    """

    symbols: tuple[str, ...]
    sessions: DateArray
    fields: Mapping[str, FloatArray]
    simulated: frozenset[str] = frozenset()
    context: Mapping[str, FloatArray] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.symbols), len(self.sessions))
        for name, values in self.fields.items():
            if values.shape != shape:
                raise InvalidInputError(f"field {name} has shape {values.shape}, not {shape}")
        for name, values in self.context.items():
            if values.shape not in {shape, (1, shape[1])}:
                raise InvalidInputError(f"context {name} has shape {values.shape}, not {shape}")
        if len(self.sessions) > 1 and not (self.sessions[1:] > self.sessions[:-1]).all():
            raise InvalidInputError(
                "sessions must be strictly increasing: sort the bars by session"
            )

    def __getitem__(self, field: str) -> FloatArray:
        """Return the array of `field`, of shape (n_symbols, n_sessions)."""
        try:
            return self.fields[field]
        except KeyError:
            raise MissingDataError(
                f"the panel has no field {field!r}; it has {', '.join(sorted(self.fields))}"
            ) from None

    def until(self, session: np.datetime64) -> "Panel":
        """Return the panel up to and including `session`."""
        return self.window(0, int(np.searchsorted(self.sessions, session, side="right")))

    def between(self, start: date, end: date) -> "Panel":
        """Return the sessions from `start` to `end`, both included."""
        first = np.searchsorted(self.sessions, np.datetime64(start, "D"))
        last = np.searchsorted(self.sessions, np.datetime64(end, "D"), side="right")
        return self.window(int(first), int(last))

    def window(self, start: int, stop: int) -> "Panel":
        """Return the sessions at positions [start, stop)."""
        return Panel(
            self.symbols,
            self.sessions[start:stop],
            {name: np.ascontiguousarray(v[:, start:stop]) for name, v in self.fields.items()},
            self.simulated,
            {name: np.ascontiguousarray(v[:, start:stop]) for name, v in self.context.items()},
        )


def panel_from_bars(
    bars: pl.DataFrame, *, fields: Sequence[str], simulated: frozenset[str] = frozenset()
) -> Panel:
    """Pivot long bars (columns `symbol`, `session` and `fields`) into a panel.

    Raises
    ------
    MissingDataError
        If there are no bars.
    InvalidInputError
        If a (symbol, session) pair stands twice.
    """
    if bars.is_empty():
        raise MissingDataError("no bars in the range asked for: import data or widen the range")
    symbols = bars["symbol"].unique().sort()
    sessions = bars["session"].unique().sort()
    row = bars["symbol"].replace_strict(symbols, pl.int_range(len(symbols), eager=True))
    column = bars["session"].replace_strict(sessions, pl.int_range(len(sessions), eager=True))
    where = row.to_numpy() * len(sessions) + column.to_numpy()
    if len(np.unique(where)) != len(where):
        raise InvalidInputError("a (symbol, session) pair stands twice: resolve corrections first")
    arrays = {}
    for field in fields:
        flat = np.full(len(symbols) * len(sessions), np.nan)
        flat[where] = bars[field].cast(pl.Float64).to_numpy()
        arrays[field] = flat.reshape(len(symbols), len(sessions))
    return Panel(
        tuple(symbols.to_list()),
        sessions.to_numpy().astype("datetime64[D]"),
        arrays,
        simulated & frozenset(fields),
    )
