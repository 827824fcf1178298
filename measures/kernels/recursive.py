"""Exponential smoothing in the forms of the field: each starts from an average and forgets."""

import numpy as np

from measures.kernels.compiled import Floats, compiled


@compiled
def smooth(
    x: Floats,
    alpha: float,
    seed: tuple[int, int, float],
    quiet: int,
    out: Floats,
) -> None:
    """Fill `out` with y(t) = y(t-1) + alpha (x(t) - y(t-1)).

    Parameters
    ----------
    x, out : float ndarray of shape (n_symbols, n_sessions)
        A missing value is passed over: its cell stays NaN and y as it was. A y that passed
        the largest number is NaN from there on.
    alpha : float
        Weight of the newest value, in (0, 1].
    seed : (int, int, float)
        Values left out at the beginning, then values summed, and what their sum is divided by
        to be the first y.
    quiet : int
        Steps after the seed whose answers are not given yet.
    """
    skipped, summed, divisor = seed
    for i in range(len(x)):
        count, y = 0, 0.0
        for c in range(x.shape[1]):
            value = x[i, c]
            if value != value:  # noqa: PLR0124 - NaN
                out[i, c] = value
                continue
            count += 1
            if count <= skipped + summed:
                y += value / divisor if count > skipped else 0.0
            else:
                y += alpha * (value - y)
            told = count >= skipped + summed + quiet and abs(y) < np.inf
            out[i, c] = y if told else np.nan
