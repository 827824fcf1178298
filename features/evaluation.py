"""Compute expressions over a panel, in batch or for the newest session alone.

In batch, symbols are computed in chunks small enough for the processor's cache, in parallel
threads (the kernels release the interpreter's lock); only an expression that looks across symbols
is computed on the whole panel at once. A symbol's arithmetic is the same however it is chunked,
so the result does not depend on the number of threads.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from basics.arrays import BoolArray, FloatArray, IntArray
from features.chunks import Chunk, Scratch, write_roots
from features.elementwise import Value
from features.expressions import CONSTANT, Expression
from features.plans import Plan, needed_sessions, plan

__all__ = ["Plan", "evaluate", "first_bars", "plan", "without_infinities"]

# About fifty symbols of ten years: larger chunks leave the cache, smaller ones cost calls.
CHUNK_CELLS = 131072


def evaluate(
    work: Plan,
    fields: Mapping[str, FloatArray],
    *,
    around: Mapping[str, FloatArray] | None = None,
    last: int | None = None,
    threads: int = 1,
    blank_absent: bool = True,
) -> FloatArray:
    """Compute the plan's roots.

    Parameters
    ----------
    work : Plan
    fields : mapping of str to float ndarray of shape (n_symbols, n_sessions)
        All of one dtype, float64 or float32, which is also the dtype of the result. An
        infinite value counts as missing.
    around : mapping of str to ndarray of shape (n_symbols or 1, n_sessions), optional
        What calendar and context say of each session; not a bar.
    last : int, optional
        Compute the last columns only; all by default.
    threads : int
        Threads over the chunks of symbols.
    blank_absent : bool
        False gives what the operators answer also in sessions without a bar, as an operator
        over them sees it.

    Returns
    -------
    ndarray of shape (n_roots, n_symbols, last)
        Missing (NaN) wherever the symbol has no bar in the session, unless told otherwise.
    """
    clean = {name: without_infinities(values) for name, values in fields.items()}
    there = _bars(clean)
    n_symbols, columns = there.shape
    n_last = columns if last is None else min(last, columns)
    out = np.empty((len(work.roots), n_symbols, n_last), next(iter(clean.values())).dtype)
    starts = _first(there)
    for name, values in (around or {}).items():
        clean[name] = without_infinities(np.broadcast_to(values, there.shape))
    need, scratch = needed_sessions(work, columns, n_last), Scratch()

    def run(rows: slice) -> None:
        values = {node: _source(node, clean, rows) for node in work.nodes if not node.args}
        with np.errstate(all="ignore"):
            chunk = Chunk(values, need, starts[rows, None], columns, scratch, out.dtype)
            write_roots(work, chunk, out[:, rows])
        absent = ~there[rows, columns - n_last :]
        if blank_absent:
            for i in np.flatnonzero(absent.any(axis=1)):
                out[:, rows.start + i, np.flatnonzero(absent[i])] = np.nan

    size = n_symbols if work.whole else max(1, CHUNK_CELLS // max(columns, 1))
    chunks = [slice(k, min(k + size, n_symbols)) for k in range(0, n_symbols, size)]
    _run_all(run, chunks, threads)
    return out


def first_bars(fields: Mapping[str, FloatArray]) -> IntArray:
    """Return the column of each symbol's first bar; the number of columns if it has none."""
    return _first(_bars({name: without_infinities(values) for name, values in fields.items()}))


def without_infinities(values: FloatArray) -> FloatArray:
    """Return `values` with NaN in the place of what is infinite; the input stays as it is."""
    infinite = np.isinf(values)
    if not infinite.any():
        return np.ascontiguousarray(values)
    return np.where(infinite, values.dtype.type(np.nan), values)


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


def _run_all(run: Callable[[slice], None], chunks: Sequence[slice], threads: int) -> None:
    if threads == 1 or len(chunks) == 1:
        for chunk in chunks:
            run(chunk)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, chunks))
