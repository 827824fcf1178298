"""Live features: the newest vector of every symbol, bar by bar or tick by tick.

The same expressions as in batch. What an operator remembers is a summary where its arithmetic
allows one, else the window's values (`features.live_state`): a bar or a tick costs the same however
long the windows are, and a tick of one symbol costs that symbol alone unless the set looks across
symbols. Nothing is ever subtracted from a summary, so nothing drifts however long a desk runs.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray, IntArray
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from features.calendars import calendar_values
from features.definitions import FeatureSet
from features.evaluation import first_bars
from features.live_state import LiveState
from market.panel import Panel

# A symbol that has had no bar yet starts past every session.
NOT_YET = np.iinfo(np.int64).max // 2
Bars: TypeAlias = Mapping[str, npt.NDArray[np.floating]]


class OnlineFeatures:
    """The features of a set as they stand at the newest session.

    Parameters
    ----------
    features : FeatureSet
    history : Panel
        Bars up to now; as much as the symbols have, or at least the set's lookback.
    """

    def __init__(self, features: FeatureSet, history: Panel) -> None:
        if not len(history.sessions):
            raise MissingDataError("live features need at least one session of history")
        self.features = features
        self.symbols = history.symbols
        self.session: np.datetime64 = history.sessions[-1]
        self._n = 0  # The newest session counted from where the history ended.
        fields = {
            name: _without_infinities(np.asarray(history[name], np.float64))
            for name in features.fields
        }
        starts = first_bars(fields)
        last = len(history.sessions) - 1
        # As of the session before the newest, which may still be revised.
        self._starts: IntArray = np.where(starts < last, starts - last, NOT_YET)
        self._warm_ups = np.array([feature.warm_up for feature in features.features])
        self._state = LiveState(features.plan, fields, features.around(history))
        self._values = np.full((len(features.features), len(self.symbols)), np.nan)
        self._compute(slice(None))

    def update(self, session: np.datetime64, bars: Mapping[str, FloatArray]) -> FloatArray:
        """Take the bars of a new session; return the features at its close.

        Parameters
        ----------
        bars : mapping of str to ndarray of shape (n_symbols,)
            Each field of the set, NaN for a symbol without a bar; and what the set reads of the
            panel's context, which may have the shape (1,).

        Returns
        -------
        ndarray of shape (n_features, n_symbols)

        Raises
        ------
        ConflictError
            If `session` is not after the newest one.
        InvalidInputError
            If a field is missing or has another shape.
        """
        if not session > self.session:
            raise ConflictError(
                f"session {session} is not after {self.session}: revise the newest session, or "
                "start again from a corrected history"
            )
        checked = self._checked(bars, len(self.symbols))
        checked |= {name: self._beside(name, bars) for name in self.features.context_fields}
        self._starts = self._current_starts()
        self._n += 1
        self.session = session
        self._state.begin(self._n)
        dates = {
            name: calendar_values(name, np.array([session], "datetime64[D]"))
            for name in self.features.calendar_fields
        }
        for name, values in {**checked, **dates}.items():
            self._state.put(name, values, slice(None))
        self._compute(slice(None))
        return self.values()

    def revise(self, bars: Mapping[str, FloatArray], *, rows: IntArray | None = None) -> FloatArray:
        """Replace bars of the newest session, as with each tick; return the features.

        Parameters
        ----------
        bars : mapping of str to ndarray of shape (n_rows,)
            Each field of the set.
        rows : int64 ndarray of shape (n_rows,), optional
            Which symbols, by their place; all of them if left out. Unless the set looks across
            symbols, or its context changes with the bars, only theirs is computed again.

        Returns
        -------
        ndarray of shape (n_features, n_rows)
        """
        where = slice(None) if rows is None else rows
        n_rows = len(self.symbols) if rows is None else len(rows)
        for name, values in self._checked(bars, n_rows).items():
            self._state.put(name, values, where)
        told = [name for name in self.features.context_fields if name in bars]
        for name in told:
            self._state.put(name, self._beside(name, bars), slice(None))
        self._compute(slice(None) if told or self.features.plan.whole else where)
        return self.values(rows=rows)

    def values(self, *, rows: IntArray | None = None) -> FloatArray:
        """Return the features at the newest session, shape (n_features, n_rows), all by default."""
        values: FloatArray = self._values.copy() if rows is None else self._values[:, rows]
        return values

    def _compute(self, rows: IntArray | slice) -> None:
        starts = self._current_starts()[rows]
        out, has_bar = self._state.compute(rows, self._n, starts)
        out[:, ~has_bar] = np.nan
        if self.features.complete_windows:
            out[(self._n - starts)[None, :] < self._warm_ups[:, None]] = np.nan
        self._values[:, rows] = out

    def _current_starts(self) -> IntArray:
        """Return the session of each first bar, on the scale of the newest session's number."""
        first_now = (self._starts == NOT_YET) & self._state.has_bar()
        return np.where(first_now, self._n, self._starts)

    def _beside(self, name: str, bars: Mapping[str, FloatArray]) -> FloatArray:
        if name not in bars or np.shape(bars[name]) not in {(1,), (len(self.symbols),)}:
            raise InvalidInputError(f"{name} needs one value, or one for each symbol")
        return _without_infinities(np.asarray(bars[name], np.float64))

    def _checked(self, bars: Mapping[str, FloatArray], n_rows: int) -> dict[str, FloatArray]:
        checked = {}
        for name in self.features.fields:
            if name not in bars or np.shape(bars[name]) != (n_rows,):
                got = f"shape {np.shape(bars[name])}" if name in bars else "nothing"
                raise InvalidInputError(
                    f"field {name} needs one value for each of {n_rows} symbols, got {got}"
                )
            checked[name] = _without_infinities(np.asarray(bars[name], np.float64))
        return checked


def _without_infinities(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)
