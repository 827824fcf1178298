"""Windows that move on, session by session, as summaries that are never subtracted from.

See `measures.kernels.streams` for what a summary is and why nothing drifts.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from basics.arrays import FloatArray, IntArray

Rows = IntArray | slice
MOMENTS = ("sum", "mean", "std", "slope", "rsquare", "residual")
PAIRS = ("correlation", "beta", "covariance")


class Ring:
    """The last values of one expression, the newest session's among them.

    Parameters
    ----------
    depth : int
        Sessions kept, the newest included.
    """

    def __init__(self, depth: int, n_symbols: int) -> None:
        self.depth = depth
        # Twice the depth, so that values move to the front once in `depth` sessions.
        self._values = np.full((2 * depth, n_symbols), np.nan)
        self._end = depth

    @property
    def newest(self) -> FloatArray:
        """The newest session's values, shape (n_symbols,), to be written to."""
        newest: FloatArray = self._values[self._end - 1]
        return newest

    def window(self, sessions: int) -> FloatArray:
        """Return the last `sessions`, the newest last, shape (sessions, n_symbols)."""
        return self._values[self._end - sessions : self._end]

    def fill(self, values: FloatArray, rows: slice) -> None:
        """Set the last values of some symbols, shape (n_rows, at most depth)."""
        kept = values.shape[1]
        self._values[self._end - kept : self._end, rows] = values.T

    def roll(self) -> None:
        """Begin a session: what was newest is past."""
        if self._end == 2 * self.depth:
            self._values[: self.depth] = self._values[self.depth :]
            self._end = self.depth
        self._end += 1
        self.newest[:] = np.nan


class Summary:
    """How the values of a window are summed up; see `measures.kernels.streams`."""

    def __init__(self, family: str, statistics: Sequence[str]) -> None:
        # The compiler is imported when a desk first runs live.
        from measures.kernels import comoments, streams

        self.empty = 0.0
        self.merge: Callable[..., None] = streams.merge_moments
        self.single: Callable[..., None] = streams.single_moments
        if family == "moments":
            self.parts = _moment_parts(statistics)
        elif family == "comoments":
            self.parts = comoments.PAIR_PARTS
            self.merge = streams.merge_pairs
            self.single = lambda x, y, _, out: streams.single_pairs(x, y, out)
        else:
            self.empty = -np.inf
            self.parts = streams.EXTREME_PARTS
            self.merge = streams.merge_extremes
            self.single = partial(_single_extremes, 1.0 if family == "highest" else -1.0)

    def of(self, inputs: Sequence[FloatArray], session: int) -> FloatArray:
        """Return the summary of one session."""
        out = np.empty((self.parts, len(inputs[0])))
        self.single(*inputs, float(session), out)
        return out

    def both(self, older: FloatArray, newer: FloatArray) -> FloatArray:
        """Return the summary of two stretches."""
        out = np.empty_like(newer)
        self.merge(older, newer, out)
        return out


class TwoStacks:
    """One window: summaries of every tail of its older part, and one of its newer part."""

    def __init__(self, window: int, summary: Summary, inputs: Sequence[Ring]) -> None:
        self._window, self._summary, self._inputs = window, summary, inputs
        shape = (summary.parts, len(inputs[0].newest))
        self._tails = np.full((max(window - 1, 1), *shape), summary.empty)
        self._newer = np.full(shape, summary.empty)
        self._used = 0
        self.past = self._tails[0]

    def restart(self, session: int) -> None:
        """Sum up every tail of the sessions before `session`, the newest of the inputs."""
        if self._window == 1:
            return
        values = [ring.window(self._window)[:-1] for ring in self._inputs]
        last = self._window - 2
        for k in range(last, -1, -1):
            one = self._summary.of([x[k] for x in values], session - 1 - last + k)
            self._tails[k] = one if k == last else self._summary.both(one, self._tails[k + 1])
        self._newer[:] = self._summary.empty
        self._used, self.past = 0, self._tails[0]

    def roll(self, session: int) -> None:
        """Take in what `session` closed with, before the inputs begin the next one."""
        if self._window == 1:
            return
        closed = self._summary.of([ring.newest for ring in self._inputs], session)
        self._summary.merge(self._newer, closed, self._newer)
        self._used += 1

    def settle(self, session: int) -> None:
        """Make the summary of what lies before `session`, once the inputs have begun it."""
        if self._window == 1:
            return
        if self._used == self._window - 1:
            self.restart(session)
        else:
            self.past = self._summary.both(self._tails[self._used], self._newer)


def _single_extremes(sign: float, x: FloatArray, session: float, out: FloatArray) -> None:
    from measures.kernels.streams import single_extremes

    single_extremes(x, sign, session, out)


def _moment_parts(statistics: Sequence[str]) -> int:
    from measures.kernels import moments

    hardest = max(MOMENTS.index(statistic) for statistic in statistics)
    if hardest < moments.STD:
        return moments.SUM_PARTS
    return moments.SQUARE_PARTS if hardest == moments.STD else moments.LINE_PARTS
