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


@compiled
def last_valid(row: Floats, first: int, out: Floats) -> None:
    """Write to `out[j]` the newest value of `row` at or before column `first + j`, else 0."""
    held = row.dtype.type(0)
    for t in range(first):
        if not np.isnan(row[t]):
            held = row[t]
    for t in range(first, len(row)):
        if not np.isnan(row[t]):
            held = row[t]
        out[t - first] = held


@compiled
def running_counts(row: Floats, counts: npt.NDArray[np.int64]) -> None:
    """Write the running sums of 1, t and t² over the columns t that hold a value.

    `counts` has shape (3, n + 1); each row starts at 0. They count exactly, so that a window's
    count is a difference and costs nothing per lag.
    """
    counts[:, 0] = 0
    for t in range(len(row)):
        there = 0 if np.isnan(row[t]) else 1
        counts[0, t + 1] = counts[0, t] + there
        counts[1, t + 1] = counts[1, t] + there * t
        counts[2, t + 1] = counts[2, t] + there * t * t


@compiled
def window_counts(running: npt.NDArray[np.int64], window: int, first: int, out: Floats) -> None:
    """Write how many values the window that ends at column `first + j` holds, to `out[j]`."""
    for j in range(len(out)):
        low = max(first + j + 1 - window, 0)
        out[j] = running[first + j + 1] - running[low]
