"""How long windows are made of short ones: a few merges instead of one step for each session.

A rung is a window length whose summary is known at every session. The summary of 60 sessions is
that of the newer 30 merged with that of the 30 before them, so 1, 2, 4, 5, 10, 20, 30 and 60 take
seven merges where adding value by value takes sixty steps. Nothing is ever subtracted: a window's
result rests on that window alone, and does not drift.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from basics.arrays import IntArray


def ladder(windows: Sequence[int] | IntArray) -> tuple[IntArray, IntArray]:
    """Plan how the windows are merged from one another.

    Parameters
    ----------
    windows : sequence of int, increasing

    Returns
    -------
    rungs : ndarray of shape (n_rungs, 3)
        For each rung the place of its newer part, that of its older part, and the newer part's
        sessions. The first rung is a single session and has no parts (-1, -1, 0).
    places : ndarray of shape (n_windows,)
        Each window's rung.
    """
    return _ladder(tuple(int(window) for window in windows))


@cache
def _ladder(windows: tuple[int, ...]) -> tuple[IntArray, IntArray]:
    place = {1: 0}
    rungs = [(-1, -1, 0)]
    for window in windows:
        _climb(window, place, rungs)
    places = np.array([place[window] for window in windows], np.int64)
    return np.array(rungs, np.int64), places


def _climb(window: int, place: dict[int, int], rungs: list[tuple[int, int, int]]) -> None:
    """Add the rungs up to `window`: from two that stand, else from its half, or all but one."""
    if window in place:
        return
    pairs = [known for known in place if window - known in place]
    if not pairs:
        pairs = [window // 2 if window % 2 == 0 else window - 1]
        _climb(pairs[0], place, rungs)
    newer = max(pairs)
    place[window] = len(rungs)
    rungs.append((place[newer], place[window - newer], newer))
