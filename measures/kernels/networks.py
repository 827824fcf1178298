"""Sorting networks: fixed comparisons that sort many windows at once, without a branch.

A comparator (i, j) leaves the smaller value on wire i and the larger on wire j. Batcher's
odd-even merge (Knuth, The Art of Computer Programming, volume 3, section 5.3.4) joins two sorted
lists of any lengths; a window of 10 sessions is the merge of two of 5, so what is sorted for a
short window is used again for a longer one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, pairwise
from typing import NamedTuple

import numpy as np

from basics.arrays import FloatArray, IntArray

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


class Place(NamedTuple):
    """A value of the plan, so many sessions ago; value 0 is the series itself."""

    value: int
    lag: int


class Step(NamedTuple):
    """One comparison and the two values that it makes; -1 for one that nobody asks for."""

    left: Place
    right: Place
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Networks:
    """Which rows of a table are compared, window after window, to find the wanted order statistics.

    The table's first row holds the values themselves; a value `lag` sessions ago stands `lag`
    columns to the left.

    Attributes
    ----------
    comparisons : ndarray of shape (n_comparisons, 6)
        A row and its lag, another and its lag, and the rows for the smaller and the larger of
        the two, -1 for what nobody asks for. No row is read and written at once.
    stages : ndarray of shape (n_windows + 1,)
        Where each window's comparisons begin.
    answers : ndarray of shape (n_probabilities, n_windows, 4)
        Row and lag of the order statistic below each quantile, and of that above.
    n_rows : int
        Rows of the table.
    """

    comparisons: IntArray
    stages: IntArray
    answers: IntArray
    n_rows: int


def window_networks(
    windows: Sequence[int] | IntArray, probabilities: Sequence[float] | FloatArray
) -> Networks | None:
    """Plan how each window is sorted from shorter ones; None if some window has no such parts.

    Only what the quantiles rest on is compared: of the longest window that is a few order
    statistics, of a window that a longer one is made of all.
    """
    return _window_networks(
        tuple(int(window) for window in windows), tuple(float(p) for p in probabilities)
    )


@cache
def _window_networks(windows: tuple[int, ...], probabilities: tuple[float, ...]) -> Networks | None:
    differences = [b - a for a, b in pairwise(windows)]
    if any(extra not in windows[: k + 1] for k, extra in enumerate(differences)):
        return None
    steps, ordered = _steps(windows, differences)
    asked = [
        [[ordered[k][at] for at in _neighbours(p, window)] for k, window in enumerate(windows)]
        for p in probabilities
    ]
    steps = _pruned(steps, {place.value for of_p in asked for pair in of_p for place in pair})
    stages = np.cumsum([0, *map(len, steps)])
    flat = [step for of_window in steps for step in of_window]
    last = {place.value: k for k, step in enumerate(flat) for place in (step.left, step.right)}
    for of_p in asked:
        for pair, end in zip(of_p, stages[1:], strict=True):
            last |= {place.value: max(last.get(place.value, 0), int(end) - 1) for place in pair}
    row = _rows(flat, last)
    comparisons = [
        (row[a.value], a.lag, row[b.value], b.lag, row[low], row[high]) for a, b, low, high in flat
    ]
    answers = [[[(row[at.value], at.lag) for at in pair] for pair in of_p] for of_p in asked]
    return Networks(
        np.array(comparisons, np.int64).reshape(-1, 6),
        stages.astype(np.int64),
        np.array(answers, np.int64).reshape(len(probabilities), len(windows), 4),
        max(row.values()) + 1,
    )


def _neighbours(probability: float, window: int) -> tuple[int, int]:
    """Return the places of the order statistics below and above a quantile."""
    below = min(int(probability * (window - 1)), window - 1)
    return below, min(below + 1, window - 1)


def _steps(
    windows: Sequence[int], differences: Sequence[int]
) -> tuple[list[list[Step]], list[list[Place]]]:
    """Return each window's comparisons, and its values in sorted order."""
    steps: list[list[Step]] = []
    ordered: list[list[Place]] = []
    fresh = count(1)
    for k, window in enumerate(windows):
        comparators: Comparators = []
        if k == 0:
            wires = [Place(0, lag) for lag in range(window)]
            order = sort(range(window), comparators)
        else:
            shorter = windows[k - 1]
            part = ordered[windows.index(differences[k - 1])]
            wires = [*ordered[k - 1], *(Place(p.value, p.lag + shorter) for p in part)]
            order = merge(range(shorter), range(shorter, window), comparators)
        of_window = []
        for i, j in comparators:
            of_window.append(Step(wires[i], wires[j], next(fresh), next(fresh)))
            wires[i], wires[j] = Place(of_window[-1].low, 0), Place(of_window[-1].high, 0)
        steps.append(of_window)
        ordered.append([wires[i] for i in order])
    return steps, ordered


def _pruned(steps: Sequence[Sequence[Step]], wanted: set[int]) -> list[list[Step]]:
    """Leave out, from the last comparison back, what nothing rests on; `wanted` grows."""
    kept: list[list[Step]] = []
    for of_window in reversed(steps):
        rest = []
        for left, right, low, high in reversed(of_window):
            if {low, high} & wanted:
                wanted |= {left.value, right.value}
                low_, high_ = low if low in wanted else -1, high if high in wanted else -1
                rest.append(Step(left, right, low_, high_))
        kept.append(rest[::-1])
    return kept[::-1]


def _rows(steps: Sequence[Step], last: Mapping[int, int]) -> dict[int, int]:
    """Give each value a row, used again once the value's last reader (a step) is done."""
    row, free, n_rows = {-1: -1, 0: 0}, list[int](), 1
    held: list[int] = []
    for k, step in enumerate(steps):
        for value in (step.low, step.high):
            if value != -1:
                row[value] = free.pop() if free else n_rows
                n_rows = max(n_rows, row[value] + 1)
                held.append(value)
        free += [row[value] for value in held if last[value] == k]
        held = [value for value in held if last[value] > k]
    return row
