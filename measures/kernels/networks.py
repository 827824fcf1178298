"""Sorting networks: fixed comparisons that sort many windows at once, without a branch.

A comparator (i, j) leaves the smaller value on wire i and the larger on wire j. Batcher's
odd-even merge (Knuth, The Art of Computer Programming, volume 3, section 5.3.4) joins two sorted
lists of any lengths; a window of 10 sessions is the merge of two of 5, so what is sorted for a
short window is used again for a longer one.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from basics.arrays import IntArray

Comparators = list[tuple[int, int]]


def merge(a: Sequence[int], b: Sequence[int], comparators: Comparators) -> list[int]:
    """Append what merges the sorted wires `a` and `b`; return the wires in sorted order."""
    if not a or not b:
        return [*a, *b]
    if len(a) == len(b) == 1:
        comparators.append((a[0], b[0]))
        return [a[0], b[0]]
    odd = merge(a[0::2], b[0::2], comparators)
    even = merge(a[1::2], b[1::2], comparators)
    wires = [odd[0]]
    for k in range(max(len(odd) - 1, len(even))):
        if k < len(even) and k + 1 < len(odd):
            comparators.append((even[k], odd[k + 1]))
        wires += [*even[k : k + 1], *odd[k + 1 : k + 2]]
    return wires


def sort(wires: Sequence[int], comparators: Comparators) -> list[int]:
    """Append what sorts `wires`; return them in sorted order."""
    if len(wires) < 2:
        return list(wires)
    middle = len(wires) // 2
    return merge(sort(wires[:middle], comparators), sort(wires[middle:], comparators), comparators)


def window_networks(windows: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray] | None:
    """Plan how each window is sorted from shorter ones; None if some window has no such parts.

    Returns
    -------
    parts : ndarray of shape (n_windows,)
        Index of the window that is merged to the next shorter one; -1 for the first.
    comparators : ndarray of shape (n_comparators, 2)
        Wires of each comparator, counted within its window.
    stages : ndarray of shape (n_windows + 1,)
        Where each window's comparators begin.
    order : ndarray of shape (n_windows, longest window)
        The window's wires in sorted order.
    """
    lengths = [int(window) for window in windows]
    differences = [b - a for a, b in pairwise(lengths)]
    if any(extra not in lengths[: k + 1] for k, extra in enumerate(differences)):
        return None
    comparators: Comparators = []
    stages, order = [0], np.zeros((len(lengths), lengths[-1]), np.int64)
    for k, length in enumerate(lengths):
        if k == 0:
            wires = sort(range(length), comparators)
        else:
            wires = merge(range(lengths[k - 1]), range(lengths[k - 1], length), comparators)
        order[k, :length] = wires
        stages.append(len(comparators))
    parts = [-1, *(lengths.index(extra) for extra in differences)]
    pairs = np.array(comparators, np.int64).reshape(-1, 2)
    return np.array(parts, np.int64), pairs, np.array(stages, np.int64), order
