"""How a kernel is compiled: once per machine, without the interpreter's lock, IEEE division."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numba
import numpy as np
import numpy.typing as npt

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
# float64, or float32 where speed and memory matter more than the last digits.
Floats: TypeAlias = npt.NDArray[np.floating[Any]]


def compiled(kernel: Kernel) -> Kernel:
    """Compile `kernel` at its first call, keep the machine code on disk, free the lock.

    Division by zero gives inf or NaN as in numpy; a kernel decides itself what it returns.
    """
    return numba.njit(cache=True, nogil=True, error_model="numpy")(kernel)  # type: ignore[no-any-return]


def fused(kernel: Kernel) -> Kernel:
    """As `compiled`, and a product and a sum may be one instruction.

    For loops over polynomials: quicker, and each rounds once less.
    """
    options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    return numba.njit(**options)(kernel)  # type: ignore[no-any-return]


def summing(kernel: Kernel) -> Kernel:
    """As `fused`, and a sum may be taken in any order, so that it can run in several strands."""
    fast = {"contract", "reassoc"}
    options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": fast}
    return numba.njit(**options)(kernel)  # type: ignore[no-any-return]


def inlined(kernel: Kernel) -> Kernel:
    """As `fused`, but written out where it is called, so that the loop around it can be vectors."""
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    return numba.njit(inline="always", **options)(kernel)  # type: ignore[no-any-return]


@compiled
def running_counts(row: Floats, stride: int, counts: npt.NDArray[np.int64]) -> None:
    """Write the running number of sessions that hold a value, `stride` zeros first.

    `counts` has shape (n_cells + stride,). A window's count is a difference and costs nothing
    per lag.
    """
    counts[:stride] = 0
    for c in range(len(row)):
        counts[c + stride] = counts[c] + (0 if np.isnan(row[c]) else 1)


@compiled
def window_counts(running: npt.NDArray[np.int64], reach: int, begin: int, out: Floats) -> None:
    """Write how many values the window of each cell holds.

    `reach` is the window and `begin` the first wanted cell, both in cells of `running`.
    """
    # Windows that begin before the first session: what ran up to there is 0.
    short = min(max(reach - begin, 0), len(out))
    for j in range(short):
        out[j] = running[begin + j]
    for j in range(short, len(out)):
        out[j] = running[begin + j] - running[begin + j - reach]
