"""Compute expressions over a panel, each distinct part once.

Symbols are computed in chunks small enough for the processor's cache, in parallel threads (the
kernels release the interpreter's lock); only an expression that looks across symbols is computed
on the whole panel at once. A symbol's arithmetic is the same however it is chunked, so the
result does not depend on the number of threads.
"""

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from basics.arrays import BoolArray, FloatArray, IntArray
from features.elementwise import COMPARISONS, Value, apply_elementwise
from features.expressions import (
    CONSTANT,
    CrossSection,
    Delay,
    Elementwise,
    Expression,
    Function,
    Rolling,
    walk,
)
from features.rolling import Pass, run_cross_section, run_pass

# About fifty symbols of ten years: larger chunks leave the cache, smaller ones cost calls.
CHUNK_CELLS = 131_072


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of work for a tuple of expressions.

    Attributes
    ----------
    roots : tuple of Expression
    nodes : tuple of Expression
        Every distinct node, inputs first.
    passes : mapping of Expression to tuple of Expression
        For a rolling node, all nodes that the same pass over the same inputs answers.
    whole : bool
        True if some node looks across symbols, so that symbols cannot be chunked.
    """

    roots: tuple[Expression, ...]
    nodes: tuple[Expression, ...]
    passes: Mapping[Expression, tuple[Expression, ...]]
    whole: bool


class Scratch(threading.local):
    """A thread's own arrays, used again for chunk after chunk: fresh memory costs more."""

    def __init__(self) -> None:
        self._arrays: dict[Expression, FloatArray] = {}

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
    """Some symbols in the course of evaluation.

    Attributes
    ----------
    values : dict of Expression to ndarray of shape (n_symbols, at least need[node])
        What has been computed; the last column is the panel's last session.
    need : mapping of Expression to int
        How many of the last columns of each node something else rests on.
    starts : ndarray of shape (n_symbols,)
        Column of each symbol's first bar.
    """

    values: dict[Expression, Value]
    need: Mapping[Expression, int]
    starts: IntArray
    columns: int
    scratch: Scratch

    def last(self, node: Expression, columns: int) -> Value:
        """Return the last `columns` of a node's values."""
        value = self.values[node]
        return value[:, value.shape[1] - columns :] if isinstance(value, np.ndarray) else value


def plan(roots: Sequence[Expression]) -> Plan:
    """Order the distinct nodes of `roots`."""
    nodes = tuple(walk(roots))
    groups: dict[tuple[str, tuple[Expression, ...]], list[Expression]] = defaultdict(list)
    for node in nodes:
        if isinstance(node.operator, Rolling):
            groups[node.operator.family, node.args].append(node)
    passes = {node: tuple(group) for group in groups.values() for node in group}
    whole = any(isinstance(node.operator, CrossSection) for node in nodes)
    return Plan(tuple(roots), nodes, passes, whole)


def evaluate(
    work: Plan, fields: Mapping[str, FloatArray], *, last: int | None = None, threads: int = 1
) -> FloatArray:
    """Compute the plan's roots.

    Parameters
    ----------
    work : Plan
    fields : mapping of str to float ndarray of shape (n_symbols, n_sessions)
        All of one dtype, float64 or float32, which is also the dtype of the result. An
        infinite value counts as missing.
    last : int, optional
        Compute the last columns only; all by default.
    threads : int
        Threads over the chunks of symbols.

    Returns
    -------
    ndarray of shape (n_roots, n_symbols, last)
        Missing (NaN) wherever the symbol has no bar in the session.
    """
    clean = {name: _without_infinities(values) for name, values in fields.items()}
    there = _bars(clean)
    n_symbols, columns = there.shape
    n_last = columns if last is None else min(last, columns)
    out = np.empty((len(work.roots), n_symbols, n_last), next(iter(clean.values())).dtype)
    starts = _first(there)
    need, scratch = needed_columns(work, columns, n_last), Scratch()

    def run(rows: slice) -> None:
        values = {node: _source(node, clean, rows) for node in work.nodes if not node.args}
        with np.errstate(all="ignore"):
            write_roots(work, Chunk(values, need, starts[rows], columns, scratch), out[:, rows])
        absent = ~there[rows, columns - n_last :]
        if absent.any():
            np.copyto(out[:, rows], np.nan, where=absent)

    size = n_symbols if work.whole else max(1, CHUNK_CELLS // max(columns, 1))
    chunks = [slice(k, min(k + size, n_symbols)) for k in range(0, n_symbols, size)]
    _run_all(run, chunks, threads)
    return out


def first_bars(fields: Mapping[str, FloatArray]) -> IntArray:
    """Return the column of each symbol's first bar; the number of columns if it has none."""
    return _first(_bars({name: _without_infinities(values) for name, values in fields.items()}))


def needed_columns(work: Plan, columns: int, last: int) -> Mapping[Expression, int]:
    """Return how many of its last columns each node must have for the roots to have `last`."""
    need = dict.fromkeys(work.nodes, 0)
    need.update(dict.fromkeys(work.roots, last))
    for node in reversed(work.nodes):
        extra = node.operator.history(node.params)
        for arg in node.args:
            need[arg] = min(max(need[arg], need[node] + extra), columns)
    return need


def write_roots(work: Plan, chunk: Chunk, out: FloatArray) -> None:
    """Compute every node of `work` and write its roots to `out`."""
    n_last = out.shape[2]
    places = {root: out[k] for k, root in enumerate(work.roots)}
    for node in work.nodes:
        if node not in chunk.values:
            place = places.get(node) if chunk.need[node] == n_last else None
            _compute(node, work, chunk, place)
    for k, root in enumerate(work.roots):
        value = chunk.values[root]
        # An operator that could write its answer in place has done so already.
        if value is not places[root] or out[k].ctypes.data != places[root].ctypes.data:
            out[k] = chunk.last(root, n_last)


def _compute(node: Expression, work: Plan, chunk: Chunk, place: FloatArray | None) -> None:
    """Compute `node`; a rolling node brings along all that its pass answers."""
    operator, need = node.operator, chunk.need[node]
    if isinstance(operator, Rolling):
        _compute_pass(work.passes[node], chunk)
    elif isinstance(operator, Elementwise):
        args = [chunk.last(arg, need) for arg in node.args]
        answer = apply_elementwise(operator.name, args, place)
        if operator.name in COMPARISONS:
            _blank_before_start(answer, chunk)
        chunk.values[node] = answer
    elif isinstance(operator, Delay):
        chunk.values[node] = _delayed(chunk, node, int(node.params[0]))
    elif isinstance(operator, Function):
        have = min(need + operator.history(node.params), chunk.columns)
        args = [np.asarray(chunk.last(arg, have)) for arg in node.args]
        chunk.values[node] = operator.function(*args)
    else:
        x = np.asarray(chunk.last(node.args[0], need))
        chunk.values[node] = run_cross_section(operator.name, x)


def _compute_pass(group: tuple[Expression, ...], chunk: Chunk) -> None:
    """Answer every node of a pass; all have the same operator family and inputs."""
    operators = [(node, node.operator) for node in group if isinstance(node.operator, Rolling)]
    wanted = [(operator.statistic, int(node.params[0])) for node, operator in operators]
    windows = sorted({window for _, window in wanted})
    statistics = tuple(sorted({statistic for statistic, _ in wanted}))
    need = max(chunk.need[node] for node in group)
    have = min(need + windows[-1] - 1, chunk.columns)
    inputs = tuple(np.ascontiguousarray(chunk.last(arg, have)) for arg in group[0].args)
    shape = (len(statistics), len(windows), inputs[0].shape[0], need)
    work = Pass(
        inputs,
        chunk.starts - (chunk.columns - have),
        np.array(windows, np.int64),
        statistics,
        have - need,
        chunk.scratch.take(group[0], shape, inputs[0].dtype),
    )
    run_pass(operators[0][1].family, work)
    for (node, _), (statistic, window) in zip(operators, wanted, strict=True):
        chunk.values[node] = work.out[statistics.index(statistic), windows.index(window)]


def _delayed(chunk: Chunk, node: Expression, sessions: int) -> FloatArray:
    """Return the input's columns `sessions` earlier, NaN where the panel does not reach."""
    need = chunk.need[node]
    have = min(need + sessions, chunk.columns)
    source = np.asarray(chunk.last(node.args[0], have))
    if have == need + sessions:
        return source[:, :need]
    answer = np.full((source.shape[0], need), np.nan, source.dtype)
    answer[:, need - (have - sessions) :] = source[:, : max(have - sessions, 0)]
    return answer


def _blank_before_start(answer: FloatArray, chunk: Chunk) -> None:
    """Take back the answers to comparisons from before a symbol's first bar."""
    starts = chunk.starts - (chunk.columns - answer.shape[1])
    for i in np.flatnonzero(starts > 0):
        answer[i, : starts[i]] = np.nan


def _source(node: Expression, fields: Mapping[str, FloatArray], rows: slice) -> Value:
    """Return a constant's value or the rows of a field."""
    if node.operator is CONSTANT:
        return float(node.params[0])
    return fields[str(node.params[0])][rows]


def _bars(fields: Mapping[str, FloatArray]) -> BoolArray:
    """Return where a symbol has a value in any field."""
    there = np.zeros(next(iter(fields.values())).shape, bool)
    for values in fields.values():
        there |= ~np.isnan(values)
    return there


def _first(there: BoolArray) -> IntArray:
    first: IntArray = np.where(there.any(axis=1), there.argmax(axis=1), there.shape[1])
    return first.astype(np.int64)


def _without_infinities(values: FloatArray) -> FloatArray:
    """Return `values` with NaN in the place of what is infinite; the input stays as it is."""
    infinite = np.isinf(values)
    if not infinite.any():
        return np.ascontiguousarray(values)
    return np.where(infinite, values.dtype.type(np.nan), values)


def _run_all(run: Callable[[slice], None], chunks: Sequence[slice], threads: int) -> None:
    if threads == 1 or len(chunks) == 1:
        for chunk in chunks:
            run(chunk)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, chunks))
