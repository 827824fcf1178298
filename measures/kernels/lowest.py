"""The lowest values of each row, found without ordering the rest.

A sample of the row gives a threshold that lies somewhat above the wanted values; one pass
without a branch copies what is at or below it, a few per cent of the row. Where the sample
misled, so that too few or too many were copied, the caller selects from the whole row instead:
the answer is always exact.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from basics.arrays import FloatArray, IntArray
from measures.kernels.compiled import Floats, compiled

# Of every _STRETCH values the first _RUN are sampled: one cache line in eight is read for it.
_STRETCH, _RUN = 64, 8
# How many standard deviations of the sample's count the threshold lies above the wanted share.
_MARGIN = 2.5
# Bytes of rows worked on at once: they are read from memory once and then from the cache.
_CACHED = 1 << 20
# Below these sizes one partition of everything is as fast.
_FEW_ROWS, _SHORT = 8, 1_024
_LARGEST = 1.7976931348623157e308


def lowest(rows: FloatArray, count: int, *, threads: int = 2) -> FloatArray | None:
    """Return the `count` lowest values of each row, increasing; None if a value is not finite.

    Parameters
    ----------
    rows : float ndarray of shape (n_rows, n)
        float32 is answered in float32.
    count : int
        1 to n.
    """
    n = rows.shape[1]
    sampled = n // _STRETCH * _RUN
    expected = sampled * count / n
    rank = math.ceil(expected + _MARGIN * math.sqrt(expected) + 1.0)
    # Where the tail is most of the row there is little to leave out.
    if len(rows) < _FEW_ROWS or n < _SHORT or 4 * rank > sampled:
        return _by_partition(rows, count) if bool(np.isfinite(rows).all()) else None
    kept = np.empty((len(rows), count), dtype=rows.dtype)
    size = max(_CACHED // (n * rows.itemsize), 1)
    blocks = [slice(start, start + size) for start in range(0, len(rows), size)]

    def fill(block: slice) -> bool:
        return _fill_lowest(np.ascontiguousarray(rows[block]), rank, kept[block])

    if len(blocks) < 2 * threads:
        return kept if all(map(fill, blocks)) else None
    with ThreadPoolExecutor(threads) as pool:
        return kept if all(pool.map(fill, blocks)) else None


def _fill_lowest(rows: FloatArray, rank: int, kept: FloatArray) -> bool:
    """Fill `kept` with the lowest of each row; return whether all values are finite."""
    n, count = rows.shape[1], kept.shape[1]
    stretches = n // _STRETCH
    sample = rows[:, : stretches * _STRETCH].reshape(len(rows), stretches, _STRETCH)[:, :, :_RUN]
    limits = np.partition(sample.reshape(len(rows), -1), rank - 1, axis=1)[:, rank - 1]
    # Twice the expected cover: a row that passes it is selected from whole.
    width = min(2 * math.ceil(rank * n / (stretches * _RUN)), n)
    gathered = np.empty((len(rows), width), dtype=rows.dtype)
    found = np.empty(len(rows), dtype=np.int64)
    gather_below(rows, limits, gathered, found)
    if (found < 0).any():
        return False
    kept[:] = _by_partition(gathered, count)
    misled = np.flatnonzero((found < count) | (found > width))
    if len(misled):
        kept[misled] = _by_partition(rows[misled], count)
    return True


def _by_partition(rows: FloatArray, count: int) -> FloatArray:
    kept: FloatArray = np.partition(rows, count - 1, axis=1)[:, :count]
    kept.sort(axis=1)
    return kept


@compiled
def gather_below(rows: Floats, limits: Floats, out: Floats, found: IntArray) -> None:
    """Copy each row's values at or below its limit; the rest of `out` is infinite.

    Parameters
    ----------
    limits : ndarray of shape (n_rows,)
    out : ndarray of shape (n_rows, width)
    found : ndarray of shape (n_rows,)
        How many values were at or below, more than `width` if they did not fit; -1 for a row
        with a value that is not finite.
    """
    n, width = rows.shape[1], out.shape[1]
    scratch = np.empty(n + 1, rows.dtype)
    for i in range(len(rows)):
        row, limit = rows[i], limits[i]
        if _has_bad(row):
            found[i] = -1
            continue
        at = 0
        for k in range(n):
            scratch[at] = row[k]
            at += row[k] <= limit
        found[i] = at
        fits = min(at, width)
        out[i, :fits] = scratch[:fits]
        out[i, fits:] = np.inf


@compiled
def _has_bad(row: Floats) -> bool:
    bad = 0
    for k in range(len(row)):
        bad |= int(not abs(row[k]) <= _LARGEST)
    return bad > 0
