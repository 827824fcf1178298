"""Which kernel answers an operator, and how several windows share one pass."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray

Answers = Mapping[tuple[str, int], FloatArray]

# One pass answers the statistics of a family up to the last one that is wanted.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "moments": ("sum", "mean", "std", "slope", "rsquare", "residual"),
    "highest": ("extreme", "position"),
    "lowest": ("extreme", "position"),
    "rank": ("rank",),
    "comoments": ("correlation", "beta", "covariance"),
}
MOMENTS_DEPTH = {"sum": 2, "mean": 2, "std": 3, "slope": 6, "rsquare": 6, "residual": 6}


def run_family(
    family: str,
    inputs: Sequence[FloatArray],
    wanted: Sequence[tuple[str, int]],
    *,
    first: int,
    starts: IntArray,
) -> Answers:
    """Answer every (statistic, window) of `wanted` in one pass over `inputs`.

    Parameters
    ----------
    inputs : sequence of ndarray of shape (n_symbols, n_sessions), C-contiguous
    first : int
        First column wanted.
    starts : ndarray of shape (n_symbols,)
        Column of each symbol's first bar.

    Returns
    -------
    mapping of (statistic, window) to ndarray of shape (n_symbols, n_sessions - first)
    """
    windows = sorted({window for _, window in wanted})
    names = FAMILIES[family]
    depth = (
        max(MOMENTS_DEPTH[statistic] for statistic, _ in wanted)
        if family == "moments"
        else len(names)
    )
    x = inputs[0]
    out = np.empty((depth, len(windows), x.shape[0], x.shape[1] - first), x.dtype)
    _kernel(family)(inputs, starts, np.array(windows, np.int64), first, out)
    return {
        (statistic, window): out[names.index(statistic), windows.index(window)]
        for statistic, window in wanted
    }


def run_cross_section(name: str, inputs: Sequence[Any]) -> FloatArray:
    """Return the operator `name` over the symbols of each session."""
    from measures.kernels import cross_section

    x = np.ascontiguousarray(inputs[0])
    out = np.empty_like(x)
    getattr(cross_section, name)(x, out)
    return out


def _kernel(family: str) -> Callable[[Any, IntArray, IntArray, int, FloatArray], None]:
    """Return the family's kernel under one signature; the compiler is imported here."""
    from measures.kernels.comoments import rolling_comoments
    from measures.kernels.extremes import rolling_extremes
    from measures.kernels.moments import rolling_moments
    from measures.kernels.order import rolling_rank

    kernels: dict[str, Callable[[Any, IntArray, IntArray, int, FloatArray], None]] = {
        "moments": lambda x, _, w, first, out: rolling_moments(x[0], w, first, out),
        "highest": lambda x, starts, w, first, out: rolling_extremes(
            x[0], starts, w, first, 1, out
        ),
        "lowest": lambda x, starts, w, first, out: rolling_extremes(
            x[0], starts, w, first, -1, out
        ),
        "rank": lambda x, _, w, first, out: rolling_rank(x[0], w, first, out),
        "comoments": lambda x, _, w, first, out: rolling_comoments(x[0], x[1], w, first, out),
    }
    return kernels[family]
