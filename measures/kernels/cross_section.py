"""Across the symbols of one session: ranks, means, z-scores.

Where a sum or a square passes the largest number, the answer is NaN.
"""

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
        mean = total / count if count and abs(total) < np.inf else np.nan
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
            out[i, t] = (x[i, t] - mean) / std if 0 < std < np.inf else np.nan


@compiled
def group_demean(x: Floats, groups: Floats, out: Floats) -> None:
    """Fill `out` with x less the mean of its group in the session.

    `groups` holds a number for each symbol and session; a value without a group is NaN.
    """
    n_symbols, n = x.shape
    for t in range(n):
        for i in range(n_symbols):
            total, count = 0.0, 0
            for k in range(n_symbols):
                if groups[k, t] == groups[i, t] and not np.isnan(x[k, t]):
                    total += x[k, t]
                    count += 1
            apart = x[i, t] - total / count if count else np.nan
            out[i, t] = apart if abs(apart) < np.inf else np.nan


@compiled
def cross_residual(x: Floats, y: Floats, out: Floats) -> None:
    """Fill `out` with what the line of x on y over the session's symbols leaves of x.

    NaN where x or y is missing, and for all where fewer than three pairs are there or y does
    not vary.
    """
    n_symbols, n = x.shape
    for t in range(n):
        mean_x, mean_y, count = 0.0, 0.0, 0
        for i in range(n_symbols):
            if not (np.isnan(x[i, t]) or np.isnan(y[i, t])):
                mean_x += x[i, t]
                mean_y += y[i, t]
                count += 1
        mean_x, mean_y = mean_x / max(count, 1), mean_y / max(count, 1)
        xy, yy = 0.0, 0.0
        for i in range(n_symbols):
            if not (np.isnan(x[i, t]) or np.isnan(y[i, t])):
                xy += (x[i, t] - mean_x) * (y[i, t] - mean_y)
                yy += (y[i, t] - mean_y) ** 2
        sound = count > 2 and 0 < yy < np.inf
        for i in range(n_symbols):
            line = mean_x + xy / yy * (y[i, t] - mean_y) if sound else np.nan
            apart = x[i, t] - line
            out[i, t] = apart if abs(apart) < np.inf else np.nan
