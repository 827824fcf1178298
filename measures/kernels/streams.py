"""Windows that move on: what a window holds is kept as a summary, so that a new value is cheap.

A summary is a few numbers for each symbol, of shape (n_parts, n_symbols), and two summaries of
neighbouring stretches of time merge into that of both. A window is kept as two stacks: summaries
of every tail of its older part (made at once, when the last of them is used up) and one summary
of its newer part, which grows. A window is then one merge; nothing is ever subtracted, so nothing
drifts and nothing cancels, and a new session costs the same however long the window is.

Missing values (NaN) are left out. The batch kernels merge in the same way, only in another order
(`measures.kernels.merging`).
"""

import numpy as np

from basics.arrays import FloatArray
from measures.kernels.comoments import BETA, CORRELATION
from measures.kernels.compiled import compiled
from measures.kernels.moments import MEAN, RSQUARE, SLOPE, STD, STD_NEAR_ZERO

# Parts of a summary: of moments and pairs as in their batch kernels.
EXTREME_PARTS = 2  # The extreme times its sign, and its session.


@compiled
def single_moments(x: FloatArray, time: float, out: FloatArray) -> None:
    """Write the summary of one session's values `x`, of shape (n_symbols,)."""
    parts = len(out)
    for j in range(len(x)):
        missing = np.isnan(x[j])
        out[0, j] = 0.0 if missing else 1.0
        out[1, j] = 0.0 if missing else x[j]
        if parts > 2:
            out[2, j] = out[1, j]
            out[3, j] = 0.0
        if parts > 4:
            out[4, j] = 0.0 if missing else time
            out[5, j] = 0.0
            out[6, j] = 0.0


@compiled
def merge_moments(older: FloatArray, newer: FloatArray, out: FloatArray) -> None:
    """Write the summary of two stretches; `out` may be one of them."""
    parts = len(out)
    for j in range(out.shape[1]):
        na, nb = older[0, j], newer[0, j]
        n = na + nb
        share = nb / n if n > 0.0 else 0.0
        weight = na * share
        out[0, j] = n
        out[1, j] = older[1, j] + newer[1, j]
        if parts > 2:
            off = newer[2, j] - older[2, j]
            out[2, j] = older[2, j] + off * share
            out[3, j] = older[3, j] + newer[3, j] + off * (off * weight)
            if parts > 4:
                later = newer[4, j] - older[4, j]
                out[4, j] = older[4, j] + later * share
                out[5, j] = older[5, j] + newer[5, j] + later * (later * weight)
                out[6, j] = older[6, j] + newer[6, j] + off * (later * weight)


@compiled
def emit_moment(
    statistic: int, summary: FloatArray, newest: FloatArray, time: float, out: FloatArray
) -> None:
    """Write one statistic of `measures.kernels.moments`, by its number there."""
    near_zero = STD_NEAR_ZERO * STD_NEAR_ZERO
    for j in range(len(out)):
        n = summary[0, j]
        if statistic < STD:
            value = summary[1, j] / (n if statistic == MEAN else 1.0) if n > 0.0 else np.nan
        elif statistic == STD:
            value = np.sqrt(summary[3, j] / (n - 1.0)) if n > 1.0 else np.nan
        elif statistic == SLOPE:
            value = summary[6, j] / summary[5, j]
        elif statistic == RSQUARE:
            flat = summary[3, j] <= near_zero * (n - 1.0)
            share = summary[6, j] / summary[5, j] * summary[6, j] / summary[3, j]
            value = np.nan if flat else share
        else:
            slope = summary[6, j] / summary[5, j]
            value = newest[j] - (summary[2, j] + slope * (time - summary[4, j]))
        out[j] = value if abs(value) < np.inf else np.nan


@compiled
def single_pairs(x: FloatArray, y: FloatArray, out: FloatArray) -> None:
    """Write the summary of one session's pairs; a pair counts where both are there."""
    for j in range(len(x)):
        missing = np.isnan(x[j]) or np.isnan(y[j])
        out[0, j] = 0.0 if missing else 1.0
        out[1, j] = 0.0 if missing else x[j]
        out[2, j] = 0.0 if missing else y[j]
        out[3, j] = out[4, j] = out[5, j] = 0.0


@compiled
def merge_pairs(older: FloatArray, newer: FloatArray, out: FloatArray) -> None:
    """Write the summary of two stretches of pairs; `out` may be one of them."""
    for j in range(out.shape[1]):
        na, nb = older[0, j], newer[0, j]
        n = na + nb
        share = nb / n if n > 0.0 else 0.0
        weight = na * share
        off_x, off_y = newer[1, j] - older[1, j], newer[2, j] - older[2, j]
        out[0, j] = n
        out[1, j] = older[1, j] + off_x * share
        out[2, j] = older[2, j] + off_y * share
        out[3, j] = older[3, j] + newer[3, j] + off_x * (off_x * weight)
        out[4, j] = older[4, j] + newer[4, j] + off_y * (off_y * weight)
        out[5, j] = older[5, j] + newer[5, j] + off_x * (off_y * weight)


@compiled
def emit_pair(statistic: int, summary: FloatArray, out: FloatArray) -> None:
    """Write one statistic of `measures.kernels.comoments`, by its number there."""
    floor = STD_NEAR_ZERO * STD_NEAR_ZERO
    for j in range(len(out)):
        n, xx, yy, xy = summary[0, j], summary[3, j], summary[4, j], summary[5, j]
        least = floor * (n - 1.0)
        if statistic == CORRELATION:
            sound = least < xx < np.inf and least < yy < np.inf
            value = xy / (np.sqrt(xx) * np.sqrt(yy))
        elif statistic == BETA:
            sound, value = 0.0 < yy < np.inf, xy / yy
        else:
            sound, value = n > 1.0, xy / (n - 1.0)
        out[j] = value if sound and abs(value) < np.inf else np.nan


@compiled
def single_extremes(x: FloatArray, sign: float, time: float, out: FloatArray) -> None:
    """Write the summary of one session's values for the maximum (`sign` 1) or minimum (-1)."""
    for j in range(len(x)):
        out[0, j] = -np.inf if np.isnan(x[j]) else sign * x[j]
        out[1, j] = time


@compiled
def merge_extremes(older: FloatArray, newer: FloatArray, out: FloatArray) -> None:
    """Write the summary of two stretches; among equals the older counts."""
    for j in range(out.shape[1]):
        stays = older[0, j] >= newer[0, j]
        out[0, j] = older[0, j] if stays else newer[0, j]
        out[1, j] = older[1, j] if stays else newer[1, j]


@compiled
def smooth_on(
    x: FloatArray,
    alpha: float,
    seed: tuple[int, int, float],
    quiet: int,
    state: FloatArray,
    out: FloatArray,
) -> None:
    """Take one session's values into `state` and write the averages after it to `out`.

    `state` has shape (2, n_symbols): how many values came, and the average. The arithmetic is
    that of `measures.kernels.recursive.smooth`.
    """
    skipped, summed, divisor = seed
    for j in range(len(x)):
        value = x[j]
        out[j] = np.nan
        if np.isnan(value):
            continue
        count, y = state[0, j] + 1.0, state[1, j]
        if count <= skipped + summed:
            y += value / divisor if count > skipped else 0.0
        else:
            y += alpha * (value - y)
        state[0, j], state[1, j] = count, y
        if count >= skipped + summed + quiet and abs(y) < np.inf:
            out[j] = y
