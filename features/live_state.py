"""What an operator remembers live, so that a new bar or tick costs little.

There are three ways, and each operator has one (`LIVE_STATE` says which):

- `constant`: a summary of the window or of the whole past; a bar or a tick costs the same however
  long the window is (sums, means, deviations, lines, extremes, correlations, averages, delays).
- `window`: the window's values themselves, looked through again (ranks, quantiles, mean
  deviations, a user's functions).
- `session`: nothing but the session's own values (arithmetic, comparison across symbols).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from basics.arrays import BoolArray, FloatArray, IntArray
from features.elementwise import COMPARISONS, Value, apply_elementwise
from features.evaluation import evaluate
from features.expressions import (
    CONSTANT,
    CrossSection,
    Delay,
    Elementwise,
    Expression,
    Function,
    Operator,
    Rolling,
    Smoothing,
    Source,
    walk,
)
from features.live_passes import KeptPass, Smoothed, SummedPass
from features.plans import Plan, plan
from features.rolling import run_cross_section
from features.streams import Ring, Rows

LIVE_STATE: Mapping[str, str] = {
    "moments": "constant",
    "comoments": "constant",
    "highest": "constant",
    "lowest": "constant",
    "rank": "window",
    "quantile": "window",
    "deviation": "window",
}
# Symbols of which the history is computed at once, where a set does not look across them.
SYMBOLS_AT_ONCE = 250


def live_state_of(operator: Operator) -> str:
    """Return `constant`, `window` or `session`: what a live update of the operator rests on."""
    if isinstance(operator, Rolling):
        return LIVE_STATE[operator.family]
    if isinstance(operator, Function):
        return "window"
    if isinstance(operator, Delay | Smoothing):
        return "constant"
    assert isinstance(operator, Source | Elementwise | CrossSection)
    return "session"


def live_state_of_all(roots: Sequence[Expression]) -> str:
    """Return the costliest state among the operators under `roots`."""
    found = {live_state_of(node.operator) for node in walk(roots)}
    return next(state for state in ("window", "constant", "session") if state in found)


class LiveState:
    """Everything that a plan remembers, and its values in the newest session.

    Parameters
    ----------
    fields : mapping of str to ndarray of shape (n_symbols, n_sessions)
        The history, nothing infinite.
    around : mapping of str to ndarray of shape (n_symbols or 1, n_sessions)
        What calendar and context say of each session.
    """

    def __init__(
        self, work: Plan, fields: Mapping[str, FloatArray], around: Mapping[str, FloatArray]
    ) -> None:
        self._work = work
        self._n_symbols = len(next(iter(fields.values())))
        self._fields = {name: np.array(values[:, -1]) for name, values in fields.items()}
        shape = (self._n_symbols,)
        self._around = {
            name: np.array(np.broadcast_to(values[:, -1], shape)) for name, values in around.items()
        }
        depths = _depths(work)
        self._rings = {node: Ring(depth, self._n_symbols) for node, depth in depths.items()}
        self._smoothed = {
            node: Smoothed(node, self._n_symbols)
            for node in work.nodes
            if isinstance(node.operator, Smoothing)
        }
        self._passes = {
            node: opened
            for group in dict.fromkeys(work.passes.values())
            for opened in [_open_pass(group, [self._rings[arg] for arg in group[0].args])]
            for node in group
        }
        self._summed = [
            p for p in dict.fromkeys(self._passes.values()) if isinstance(p, SummedPass)
        ]
        self._fill(fields, around)
        for summed in self._summed:
            summed.restart(0)

    def put(self, name: str, values: FloatArray, rows: Rows) -> None:
        """Set a field, or what calendar and context say, of the newest session."""
        (self._fields if name in self._fields else self._around)[name][rows] = values

    def has_bar(self) -> BoolArray:
        """Return which symbols have a value in any field of the newest session."""
        there: BoolArray = np.logical_or.reduce([~np.isnan(x) for x in self._fields.values()])
        return there

    def begin(self, session: int) -> None:
        """Make `session` the newest, after what the one before it closed with."""
        for summed in self._summed:
            summed.roll(session - 1)
        for node, smoothed in self._smoothed.items():
            smoothed.roll(self._rings[node.args[0]].newest)
        for ring in self._rings.values():
            ring.roll()
        for summed in self._summed:
            summed.settle(session)

    def compute(self, rows: Rows, session: int, starts: IntArray) -> tuple[FloatArray, BoolArray]:
        """Return the roots' values for the symbols `rows`, and which of them have a bar."""
        has_bar = self.has_bar()[rows]
        found: dict[Expression, Value] = {}
        with np.errstate(all="ignore"):
            for node in self._work.nodes:
                if node not in found:
                    found |= self._compute(node, found, rows, session, starts)
                if node in self._rings:
                    self._rings[node].newest[rows] = found[node]
        out = np.empty((len(self._work.roots), len(starts)))
        for k, root in enumerate(self._work.roots):
            out[k] = found[root]
        return out, has_bar

    def _compute(
        self,
        node: Expression,
        found: Mapping[Expression, Value],
        rows: Rows,
        session: int,
        starts: IntArray,
    ) -> Mapping[Expression, Value]:
        """Return the node's value, and what its pass answers beside it."""
        operator = node.operator
        if node in self._passes:
            return self._passes[node].values(rows, session, starts)
        if isinstance(operator, Source | Delay | Smoothing):
            return {node: self._remembered(node, rows)}
        args = [found[arg] for arg in node.args]
        if isinstance(operator, Elementwise):
            answer = apply_elementwise(operator.name, args, None)
            if operator.name in COMPARISONS:
                answer[starts > session] = np.nan
            return {node: answer}
        if isinstance(operator, Function):
            kept = operator.history(node.params) + 1
            windows = [np.array(self._rings[arg].window(kept).T) for arg in node.args]
            return {node: operator.function(*windows)[:, -1]}
        columns = [np.broadcast_to(x, starts.shape)[:, None] for x in args]
        return {node: run_cross_section(operator.name, columns)[:, 0]}

    def _remembered(self, node: Expression, rows: Rows) -> Value:
        if isinstance(node.operator, Delay):
            return self._rings[node.args[0]].window(int(node.params[0]) + 1)[0, rows]
        if isinstance(node.operator, Smoothing):
            newest = np.ascontiguousarray(self._rings[node.args[0]].newest[rows])
            return self._smoothed[node].value(newest, rows)
        if node.operator is CONSTANT:
            return float(node.params[0])
        name = str(node.params[0])
        return (self._fields if name in self._fields else self._around)[name][rows]

    def _fill(self, fields: Mapping[str, FloatArray], around: Mapping[str, FloatArray]) -> None:
        """Compute over the history what the rings and the averages remember of it."""
        n_sessions = next(iter(fields.values())).shape[1]
        deep = max((ring.depth for ring in self._rings.values()), default=0)
        inputs = [node.args[0] for node in self._smoothed]
        at_once = self._n_symbols if self._work.whole else SYMBOLS_AT_ONCE
        for k in range(0, self._n_symbols, at_once):
            rows = slice(k, min(k + at_once, self._n_symbols))
            some = {name: values[rows] for name, values in fields.items()}
            beside = {n: v if len(v) == 1 else v[rows] for n, v in around.items()}
            if self._rings:
                found = evaluate(
                    plan(list(self._rings)), some, around=beside, last=deep, blank_absent=False
                )
                for ring, values in zip(self._rings.values(), found, strict=True):
                    ring.fill(values[:, -ring.depth :], rows)
            if inputs and n_sessions > 1:
                found = evaluate(plan(inputs), some, around=beside, blank_absent=False)
                for smoothed, values in zip(self._smoothed.values(), found, strict=True):
                    smoothed.fill(values[:, :-1], rows)


def _depths(work: Plan) -> Mapping[Expression, int]:
    """Return how many sessions, the newest included, each input of an operator is kept for."""
    depths: dict[Expression, int] = {}
    for node in work.nodes:
        operator = node.operator
        if isinstance(operator, Delay | Rolling | Function):
            own = operator.history(node.params) + 1
        elif isinstance(operator, Smoothing):
            own = 1
        else:
            continue
        for arg in node.args:
            depths[arg] = max(depths.get(arg, 0), own)
    return depths


def _open_pass(group: Sequence[Expression], inputs: Sequence[Ring]) -> "SummedPass | KeptPass":
    kind = SummedPass if live_state_of(group[0].operator) == "constant" else KeptPass
    return kind(group, inputs)
