"""Some symbols in the course of evaluation: each node of a plan computed from its inputs.

A row is one symbol, the last column the panel's last session.
"""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray
from features.elementwise import COMPARISONS, Value, apply_elementwise
from features.expressions import (
    Delay,
    Elementwise,
    Expression,
    Function,
    Rolling,
    Smoothing,
)
from features.plans import Plan
from features.rolling import Pass, run_cross_section, run_pass, run_smoothing


class Scratch(threading.local):
    """A thread's own arrays, used again for chunk after chunk: fresh memory costs more."""

    def __init__(self) -> None:
        self._arrays: dict[Expression, FloatArray] = {}
        self._free: list[FloatArray] = []

    def borrow(self, shape: tuple[int, ...], dtype: np.dtype[np.floating[Any]]) -> FloatArray:
        """Return an array that stays untouched until it is given back."""
        size = math.prod(shape)
        flat = self._free.pop() if self._free else np.empty(size, dtype)
        return (flat if flat.size >= size else np.empty(size, dtype))[:size].reshape(shape)

    def give_back(self, array: FloatArray) -> None:
        """Let a borrowed array be used again, the last one first: it is still in the cache."""
        self._free.append(array.reshape(-1))

    def take(
        self, owner: Expression, shape: tuple[int, ...], dtype: np.dtype[np.floating[Any]]
    ) -> FloatArray:
        """Return an array that stays untouched until its owner asks again."""
        size = math.prod(shape)
        flat = self._arrays.get(owner)
        if flat is None or flat.size < size:
            flat = self._arrays[owner] = np.empty(size, dtype)
        return flat[:size].reshape(shape)


@dataclass(slots=True)
class Chunk:
    """Some symbols and what has been computed of them.

    Attributes
    ----------
    values : dict of Expression to ndarray of shape (n_rows, at least need[node])
    need : mapping of Expression to int
        How many of the last sessions of each node something else rests on.
    starts : ndarray of shape (n_rows, 1)
        Session of each symbol's first bar.
    sessions : int
        Sessions of the fields.
    borrowed : dict of Expression to ndarray
        Those of the values that go back to the scratch once nobody reads them any more.
    """

    values: dict[Expression, Value]
    need: Mapping[Expression, int]
    starts: IntArray
    sessions: int
    scratch: Scratch
    dtype: np.dtype[np.floating[Any]]
    borrowed: dict[Expression, FloatArray] = field(default_factory=dict)

    def borrow(self, node: Expression) -> FloatArray:
        """Return an array for the node's values."""
        shape = (len(self.starts), self.need[node])
        self.borrowed[node] = self.scratch.borrow(shape, self.dtype)
        return self.borrowed[node]

    def last(self, node: Expression, sessions: int) -> Value:
        """Return the last `sessions` of a node's values."""
        value = self.values[node]
        if not isinstance(value, np.ndarray):
            return value
        return value[:, value.shape[1] - sessions :]


def write_roots(work: Plan, chunk: Chunk, out: FloatArray) -> None:
    """Compute every node of `work` and write its roots to `out`."""
    n_last = out.shape[2]
    places = {root: out[k] for k, root in enumerate(work.roots)}
    for node in work.nodes:
        if node not in chunk.values:
            place = places.get(node) if chunk.need[node] == n_last else None
            _compute(node, work, chunk, place)
        for arg in work.done[node]:
            if arg in chunk.borrowed:
                chunk.scratch.give_back(chunk.borrowed.pop(arg))
    for k, root in enumerate(work.roots):
        value = chunk.values[root]
        # An operator that could write its answer in place has done so already.
        if value is not places[root] or out[k].ctypes.data != places[root].ctypes.data:
            out[k] = chunk.last(root, n_last)
    for array in chunk.borrowed.values():
        chunk.scratch.give_back(array)


def _compute(node: Expression, work: Plan, chunk: Chunk, place: FloatArray | None) -> None:
    """Compute `node`; a rolling node brings along all that its pass answers."""
    operator, need = node.operator, chunk.need[node]
    if isinstance(operator, Rolling):
        _compute_pass(work.passes[node], chunk)
    elif isinstance(operator, Elementwise):
        args = [chunk.last(arg, need) for arg in node.args]
        if place is None:
            place = chunk.borrow(node)
        chunk.values[node] = answer = apply_elementwise(operator.name, args, place)
        if operator.name in COMPARISONS:
            _blank_before_start(answer, chunk)
    elif isinstance(operator, Delay):
        chunk.values[node] = _delayed(chunk, node, int(node.params[0]))
    elif isinstance(operator, Smoothing):
        have = min(need + operator.history(node.params), chunk.sessions)
        x = np.ascontiguousarray(chunk.last(node.args[0], have))
        chunk.values[node] = run_smoothing(operator, node.params, x)
    elif isinstance(operator, Function):
        have = min(need + operator.history(node.params), chunk.sessions)
        inputs = [np.asarray(chunk.last(arg, have)) for arg in node.args]
        chunk.values[node] = operator.function(*inputs)
    else:
        inputs = [np.asarray(chunk.last(arg, need)) for arg in node.args]
        chunk.values[node] = run_cross_section(operator.name, inputs)


def _compute_pass(group: tuple[Expression, ...], chunk: Chunk) -> None:
    """Answer every node of a pass; all have the same operator family and inputs."""
    operators = [(node, node.operator) for node in group if isinstance(node.operator, Rolling)]
    wanted = [(operator.statistic, int(node.params[0])) for node, operator in operators]
    windows = sorted({window for _, window in wanted})
    statistics = tuple(sorted({statistic for statistic, _ in wanted}))
    need = max(chunk.need[node] for node in group)
    have = min(need + windows[-1] - 1, chunk.sessions)
    inputs = tuple(np.ascontiguousarray(chunk.last(arg, have)) for arg in group[0].args)
    shape = (len(statistics), len(windows), inputs[0].shape[0], need)
    work = Pass(
        inputs,
        1,
        chunk.starts[:, 0] - (chunk.sessions - have),
        np.array(windows, np.int64),
        statistics,
        have - need,
        chunk.scratch.take(group[0], shape, inputs[0].dtype),
    )
    run_pass(operators[0][1].family, work)
    for (node, _), (statistic, window) in zip(operators, wanted, strict=True):
        chunk.values[node] = work.out[statistics.index(statistic), windows.index(window)]


def _delayed(chunk: Chunk, node: Expression, sessions: int) -> FloatArray:
    """Return the input's values `sessions` earlier, NaN where the panel does not reach."""
    need = chunk.need[node]
    have = min(need + sessions, chunk.sessions)
    source = np.asarray(chunk.last(node.args[0], have))
    known = max(have - sessions, 0)
    answer = chunk.borrow(node)
    answer[:, : need - known] = np.nan
    answer[:, need - known :] = source[:, :known]
    return answer


def _blank_before_start(answer: FloatArray, chunk: Chunk) -> None:
    """Take back the answers to comparisons from before a symbol's first bar."""
    for row, start in zip(
        answer, chunk.starts[:, 0] - (chunk.sessions - answer.shape[1]), strict=True
    ):
        row[: max(start, 0)] = np.nan
