"""Which kernel answers an operator, and how several windows share one pass.

The compiler is imported when a pass first runs, so that reading a formula costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from features.expressions import Param, Smoothing
from measures.kernels.ladder import ladder


@dataclass(frozen=True, slots=True)
class Pass:
    """One run over the data that answers several statistics over several windows.

    Attributes
    ----------
    inputs : tuple of ndarray of shape (n_rows, n_sessions * stride), C-contiguous
    stride : int
        Cells from one session to the next: 1 if a row is a symbol, as it is for whatever is
        live kept as a summary.
    starts : ndarray of shape (n_rows,)
        Session of each symbol's first bar, where a row is a symbol.
    windows : ndarray of shape (n_windows,), increasing
    statistics : tuple of str
    first : int
        First session wanted.
    out : ndarray of shape (n_statistics, n_windows, n_rows, (n_sessions - first) * stride)
    """

    inputs: tuple[FloatArray, ...]
    stride: int
    starts: IntArray
    windows: IntArray
    statistics: tuple[str, ...]
    first: int
    out: FloatArray

    def codes(self, known: Sequence[str]) -> IntArray:
        """Return the statistics as their places in `known`, the kernel's own order."""
        return np.array([known.index(name) for name in self.statistics], np.int64)


def run_pass(family: str, work: Pass) -> None:
    """Fill `work.out` by the kernel of `family`."""
    FAMILIES[family](work)


def run_cross_section(name: str, inputs: Sequence[FloatArray]) -> FloatArray:
    """Return the operator `name` over the symbols (rows) of each session (column)."""
    from measures.kernels import cross_section

    arrays = [np.ascontiguousarray(x) for x in inputs]
    out = np.empty_like(arrays[0])
    getattr(cross_section, name)(*arrays, out)
    return out


def run_smoothing(operator: Smoothing, params: tuple[Param, ...], x: FloatArray) -> FloatArray:
    """Return `x` smoothed."""
    from measures.kernels.recursive import smooth

    out = np.empty_like(x)
    smooth(x, operator.alpha(params), operator.seed(params), operator.quiet, out)
    return out


def _moments(work: Pass) -> None:
    from measures.kernels.moments import rolling_moments

    codes = work.codes(("sum", "mean", "std", "slope", "rsquare", "residual"))
    rolling_moments(work.inputs[0], *ladder(work.windows), codes, work.first, work.out)


def _comoments(work: Pass) -> None:
    from measures.kernels.comoments import rolling_comoments

    codes = work.codes(("correlation", "beta", "covariance"))
    x, y = work.inputs
    rolling_comoments(x, y, *ladder(work.windows), codes, work.first, work.out)


def _extremes(work: Pass, sign: int) -> None:
    from measures.kernels.extremes import rolling_extremes

    codes = work.codes(("extreme", "position"))
    rungs, places = ladder(work.windows)
    rolling_extremes(
        work.inputs[0], work.starts, sign, rungs, places, work.windows, codes, work.first, work.out
    )


def _rank(work: Pass) -> None:
    from measures.kernels.order import rolling_rank

    rolling_rank(work.inputs[0], work.stride, work.windows, work.first, work.out)


def _quantile(work: Pass) -> None:
    from measures.kernels.quantiles import rolling_quantile

    # The statistics of this family are the probabilities, as text.
    probabilities = np.array([float(text) for text in work.statistics])
    rolling_quantile(work.inputs[0], work.stride, work.windows, probabilities, work.first, work.out)


def _deviation(work: Pass) -> None:
    from measures.kernels.deviation import rolling_deviation

    rolling_deviation(work.inputs[0], work.stride, work.windows, work.first, work.out)


FAMILIES: Mapping[str, Callable[[Pass], None]] = {
    "moments": _moments,
    "comoments": _comoments,
    "highest": lambda work: _extremes(work, 1),
    "lowest": lambda work: _extremes(work, -1),
    "deviation": _deviation,
    "rank": _rank,
    "quantile": _quantile,
}
