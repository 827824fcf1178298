"""Live features: the newest vector of every symbol, bar by bar or tick by tick.

The same expressions run through the same kernels as in batch, over the sessions that they look
back on; a value is the batch value to the last bit, because a window's result depends on that
window alone. What is kept is bars, not sums, so nothing drifts however long a desk runs.
"""

from collections.abc import Mapping

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from features.calendars import calendar_values
from features.chunks import Scratch
from features.definitions import FeatureSet
from features.evaluation import evaluate_live, first_bars
from market.panel import Panel

# A symbol that has had no bar yet starts past every session.
NOT_YET = np.iinfo(np.int64).max // 2


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
        self._depth = features.lookback + 1
        self._scratch = Scratch()
        fields = {name: np.asarray(history[name], np.float64) for name in features.fields}
        # Twice the depth, so that the bars move to the front once in `depth` sessions.
        self._bars = {
            name: np.full((2 * self._depth, len(self.symbols)), np.nan) for name in fields
        }
        kept = min(self._depth, len(history.sessions))
        self._end = self._depth
        self._sessions = history.sessions[-1] + np.arange(1 - self._depth, 1)
        self._sessions[-kept:] = history.sessions[-kept:]
        for name, values in fields.items():
            finite = np.where(np.isfinite(values), values, np.nan)
            self._bars[name][self._end - kept : self._end] = finite[:, -kept:].T
        starts = first_bars(fields)
        came_before = starts < len(history.sessions) - 1
        shift = len(history.sessions) - self._depth
        # As of the session before the newest, which may still be revised.
        self._starts: IntArray = np.where(came_before, starts - shift, NOT_YET)
        self._warm_ups = np.array([feature.warm_up for feature in features.features])

    def update(self, session: np.datetime64, bars: Mapping[str, FloatArray]) -> FloatArray:
        """Take the bars of a new session; return the features at its close.

        Parameters
        ----------
        bars : mapping of str to ndarray of shape (n_symbols,)
            Each field of the set, NaN for a symbol without a bar.

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
        checked = self._checked(bars)
        self._starts = np.where(
            self._current_starts() == NOT_YET, NOT_YET, self._current_starts() - 1
        )
        if self._end == 2 * self._depth:
            for values in self._bars.values():
                values[: self._depth] = values[self._depth :]
            self._end = self._depth
        self._end += 1
        self.session = session
        self._sessions = np.append(self._sessions[1:], session)
        return self._put(checked)

    def revise(self, bars: Mapping[str, FloatArray]) -> FloatArray:
        """Replace the bars of the newest session, as with each tick; return its features."""
        return self._put(self._checked(bars))

    def values(self) -> FloatArray:
        """Return the features at the newest session, shape (n_features, n_symbols)."""
        window = slice(self._end - self._depth, self._end)
        fields = {name: values[window] for name, values in self._bars.items()}
        dates = {n: calendar_values(n, self._sessions) for n in self.features.calendar_fields}
        starts = self._current_starts()
        out = evaluate_live(
            self.features.plan, fields, starts=starts, scratch=self._scratch, dates=dates
        )
        if self.features.complete_windows:
            short = (self._depth - 1 - starts)[None, :] < self._warm_ups[:, None]
            out[short] = np.nan
        return out

    def _put(self, bars: Mapping[str, FloatArray]) -> FloatArray:
        for name, values in bars.items():
            self._bars[name][self._end - 1] = values
        return self.values()

    def _current_starts(self) -> IntArray:
        """Return the session of each first bar, the newest session being depth - 1."""
        newest = np.vstack([values[self._end - 1] for values in self._bars.values()])
        has_bar = ~np.isnan(newest).all(axis=0)
        first_now = (self._starts == NOT_YET) & has_bar
        return np.where(first_now, self._depth - 1, self._starts)

    def _checked(self, bars: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        checked = {}
        for name in self.features.fields:
            if name not in bars or np.shape(bars[name]) != (len(self.symbols),):
                got = f"shape {np.shape(bars[name])}" if name in bars else "nothing"
                raise InvalidInputError(
                    f"field {name} needs one value for each of {len(self.symbols)} symbols, "
                    f"got {got}"
                )
            values = np.asarray(bars[name], np.float64)
            checked[name] = np.where(np.isfinite(values), values, np.nan)
        return checked
