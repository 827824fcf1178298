"""Across the symbols of one session: ranks, means, z-scores."""

import numpy as np

from measures.kernels.compiled import Floats, compiled


@compiled
def cross_rank(x: Floats, out: Floats) -> None:
    """Fill `out` with each value's percentile rank among the values of its session.

    Shape (n_symbols, n_sessions) both. In (0, 1], ties share the mean of their ranks; a
    missing value stays NaN and does not count.
    """
    n_symbols, n = x.shape
    for t in range(n):
        column = x[:, t].copy()
        order = np.argsort(column)
        count = 0
        for i in range(n_symbols):
            if not np.isnan(column[i]):
                count += 1
        begin = 0
        while begin < count:
            end = begin + 1
            while end < count and column[order[end]] == column[order[begin]]:
                end += 1
            for k in range(begin, end):
                out[order[k], t] = (begin + end + 1) / (2 * count)
            begin = end
        for k in range(count, n_symbols):
            out[order[k], t] = np.nan


@compiled
def cross_mean(x: Floats, out: Floats) -> None:
    """Fill every row of `out` with the mean over the symbols present; NaN if there is none."""
    n_symbols, n = x.shape
    for t in range(n):
        total, count = 0.0, 0
        for i in range(n_symbols):
            if not np.isnan(x[i, t]):
                total += x[i, t]
                count += 1
        mean = total / count if count else np.nan
        for i in range(n_symbols):
            out[i, t] = mean


@compiled
def cross_zscore(x: Floats, out: Floats) -> None:
    """Fill `out` with (value - mean) / standard deviation (ddof 1) over the session's symbols.

    NaN for a missing value, and for all where fewer than two values or no spread is there.
    """
    n_symbols, n = x.shape
    for t in range(n):
        total, count = 0.0, 0
        for i in range(n_symbols):
            if not np.isnan(x[i, t]):
                total += x[i, t]
                count += 1
        mean = total / count if count else np.nan
        squares = 0.0
        for i in range(n_symbols):
            if not np.isnan(x[i, t]):
                squares += (x[i, t] - mean) ** 2
        std = np.sqrt(squares / (count - 1)) if count > 1 else np.nan
        for i in range(n_symbols):
            out[i, t] = (x[i, t] - mean) / std if std > 0 else np.nan
