"""How a live pass answers the rolling operators over one input, and an average that goes on."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from basics.arrays import FloatArray, IntArray
from features.expressions import Expression, Rolling, Smoothing
from features.rolling import Pass, run_pass
from features.streams import MOMENTS, PAIRS, Ring, Rows, Summary, TwoStacks


class SummedPass:
    """Rolling nodes over the same inputs, answered from summaries."""

    def __init__(self, nodes: Sequence[Expression], inputs: Sequence[Ring]) -> None:
        operators = {n: n.operator for n in nodes if isinstance(n.operator, Rolling)}
        self._family = next(iter(operators.values())).family
        self._inputs = inputs
        self._wanted = [(n, o.statistic, int(n.params[0])) for n, o in operators.items()]
        self._summary = Summary(self._family, [o.statistic for o in operators.values()])
        windows = sorted({window for _, _, window in self._wanted})
        self._stacks = {w: TwoStacks(w, self._summary, inputs) for w in windows}

    def restart(self, session: int) -> None:
        """Begin from the inputs as they are."""
        for stack in self._stacks.values():
            stack.restart(session)

    def roll(self, session: int) -> None:
        """Take in what `session` closed with."""
        for stack in self._stacks.values():
            stack.roll(session)

    def settle(self, session: int) -> None:
        """Begin `session`, once the inputs have."""
        for stack in self._stacks.values():
            stack.settle(session)

    def values(self, rows: Rows, session: int, starts: IntArray) -> Mapping[Expression, FloatArray]:
        """Return every node's value in the newest session, for the symbols `rows`."""
        newest = [np.ascontiguousarray(ring.newest[rows]) for ring in self._inputs]
        one = self._summary.of(newest, session)
        whole = {
            window: self._summary.both(np.ascontiguousarray(stack.past[:, rows]), one)
            for window, stack in self._stacks.items()
        }
        return {
            node: self._extreme(statistic, window, whole[window], session - starts + 1, session)
            if self._family in {"highest", "lowest"}
            else self._moment(statistic, whole[window], newest[0], session)
            for node, statistic, window in self._wanted
        }

    def _moment(
        self, statistic: str, summary: FloatArray, newest: FloatArray, session: int
    ) -> FloatArray:
        from measures.kernels import streams

        out = np.empty(len(newest))
        if self._family == "moments":
            code = MOMENTS.index(statistic)
            streams.emit_moment(code, summary, newest, float(session), out)
        else:
            streams.emit_pair(PAIRS.index(statistic), summary, out)
        return out

    def _extreme(
        self, statistic: str, window: int, summary: FloatArray, age: IntArray, session: int
    ) -> FloatArray:
        if statistic == "extreme":
            sign = 1.0 if self._family == "highest" else -1.0
            answer = sign * summary[0]
        else:
            answer = np.minimum(window, age) - (session - summary[1])
        return np.where(summary[0] == -np.inf, np.nan, answer)


class KeptPass:
    """Rolling nodes over the same input, answered from the window's values by the batch kernel."""

    def __init__(self, nodes: Sequence[Expression], inputs: Sequence[Ring]) -> None:
        operators = {n: n.operator for n in nodes if isinstance(n.operator, Rolling)}
        self._family = next(iter(operators.values())).family
        self._input = inputs[0]
        self._wanted = [(n, o.statistic, int(n.params[0])) for n, o in operators.items()]
        self._windows = sorted({window for _, _, window in self._wanted})
        self._statistics = tuple(sorted({statistic for _, statistic, _ in self._wanted}))

    def values(self, rows: Rows, session: int, starts: IntArray) -> Mapping[Expression, FloatArray]:
        """Return every node's value in the newest session, for the symbols `rows`."""
        del session, starts
        deep = self._windows[-1]
        x = np.ascontiguousarray(self._input.window(deep)[:, rows])
        n = x.shape[1]
        out = np.empty((len(self._statistics), len(self._windows), 1, n))
        windows, starts = np.array(self._windows, np.int64), np.zeros(1, np.int64)
        work = Pass((x.reshape(1, -1),), n, starts, windows, self._statistics, deep - 1, out)
        run_pass(self._family, work)
        return {
            node: out[self._statistics.index(s), self._windows.index(w), 0]
            for node, s, w in self._wanted
        }


class Smoothed:
    """One average that goes on forever: how many values came, and where it stands."""

    def __init__(self, node: Expression, n_symbols: int) -> None:
        from measures.kernels.streams import smooth_on

        operator = node.operator
        assert isinstance(operator, Smoothing)
        self._run = partial(_smooth, smooth_on, operator, node)
        self._state = np.zeros((2, n_symbols))

    def fill(self, values: FloatArray, rows: slice) -> None:
        """Take in the sessions of `values`, shape (n_rows, n_sessions), oldest first."""
        state = np.zeros((2, len(values)))
        for x in np.ascontiguousarray(values.T):
            self._run(x, state)
        self._state[:, rows] = state

    def roll(self, closed: FloatArray) -> None:
        """Take in what a session closed with."""
        self._run(closed, self._state)

    def value(self, newest: FloatArray, rows: Rows) -> FloatArray:
        """Return the average with the newest session's values, which may still change."""
        return self._run(newest, np.array(self._state[:, rows], order="C"))


def _smooth(
    smooth_on: Callable[..., None],
    operator: Smoothing,
    node: Expression,
    x: FloatArray,
    state: FloatArray,
) -> FloatArray:
    out = np.empty(len(x))
    alpha, seed = operator.alpha(node.params), operator.seed(node.params)
    smooth_on(np.ascontiguousarray(x), alpha, seed, operator.quiet, state, out)
    return out
