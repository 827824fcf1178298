"""Which rows train and which rows test, so that no label is seen from both sides.

A fold tests whole sessions (date groups over the panel). Training rows whose label interval
meets the test's, in session time, are purged; an embargo after each test block drops the rows
that follow it, whose features still carry the block (Lopez de Prado 2018, chapter 7).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from basics.arrays import BoolArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from models.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Rows to train on and rows to test on.

    Attributes
    ----------
    train, test : ndarray of int64
        Row numbers; every training row has a label.
    test_blocks : tuple of (int, int)
        Session positions [start, stop) of each block of test sessions.
    """

    train: IntArray
    test: IntArray
    test_blocks: tuple[tuple[int, int], ...]


def walk_forward(
    dataset: Dataset,
    *,
    boundaries: Sequence[int],
    train_sessions: int | None = None,
    embargo_sessions: int = 0,
    train_every: int = 1,
) -> Iterator[Fold]:
    """Yield folds that train on the past alone.

    Parameters
    ----------
    boundaries : sequence of int
        Session positions; fold k tests the sessions [boundaries[k], boundaries[k + 1]).
    train_sessions : int, optional
        Length of the rolling training window; it grows from the first session when left out.
    embargo_sessions : int
        Further sessions left out right before the test block.
    train_every : int
        Train on every so many sessions, counted back from the last: with a label that spans as
        many sessions, the rows between repeat what these say.

    Raises
    ------
    InvalidInputError
        If the boundaries do not increase.
    MissingDataError
        If a training window holds no labelled row.
    """
    if len(boundaries) < 2 or any(b <= a for a, b in pairwise(boundaries)):
        raise InvalidInputError(f"boundaries must increase, got {list(boundaries)}")
    for start, stop in pairwise(boundaries):
        test = dataset.rows_between(start, stop)
        oldest = 0 if train_sessions is None else max(0, start - train_sessions)
        usable = dataset.labelled & (dataset.session >= oldest)
        usable &= dataset.session < start - embargo_sessions
        # Apart is not enough: with a late entry a label could be earned after the first
        # prediction is made, before the first test label begins.
        usable &= (dataset.label_end <= start) & ~_meets(dataset, ((start, stop),))
        train = thinned(dataset, np.flatnonzero(usable), every=train_every)
        if not len(train):
            raise MissingDataError(
                f"the training window before {dataset.sessions[start]} is empty: "
                "start the test later or load a longer history"
            )
        yield Fold(train=train, test=test, test_blocks=((start, stop),))


def purged_k_fold(dataset: Dataset, *, folds: int, embargo_sessions: int) -> Iterator[Fold]:
    """Yield `folds` folds of contiguous sessions, purged and embargoed on both sides."""
    for group in range(folds):
        yield _combination(dataset, (group,), folds, embargo_sessions)


def combinatorial(
    dataset: Dataset, *, groups: int, test_groups: int, embargo_sessions: int
) -> Iterator[Fold]:
    """Yield a fold for every choice of `test_groups` out of `groups` blocks of sessions.

    Each session is tested in C(groups - 1, test_groups - 1) folds, which `paths` strings
    together to as many whole backtest paths.
    """
    if not 0 < test_groups < groups:
        raise InvalidInputError(f"test_groups must lie in [1, {groups}), got {test_groups}")
    for chosen in combinations(range(groups), test_groups):
        yield _combination(dataset, chosen, groups, embargo_sessions)


def paths(*, groups: int, test_groups: int) -> list[list[int]]:
    """Return, for each backtest path, the fold that tests each block.

    Folds are numbered as `combinatorial` yields them. Path p takes for block g the p-th fold
    that tests g, so that every (fold, block) pair is used once.
    """
    folds = list(combinations(range(groups), test_groups))
    by_block = [[k for k, chosen in enumerate(folds) if g in chosen] for g in range(groups)]
    return [[by_block[g][p] for g in range(groups)] for p in range(len(by_block[0]))]


def thinned(dataset: Dataset, rows: IntArray, *, every: int) -> IntArray:
    """Return the rows of every `every`-th session, counted back from the last one."""
    if every < 1:
        raise InvalidInputError(f"every must be at least 1 session, got {every}")
    if every == 1 or not len(rows):
        return rows
    session = dataset.session[rows]
    return np.asarray(rows[(session[-1] - session) % every == 0], dtype=np.int64)


def year_boundaries(dataset: Dataset, *, first_year: int, every: int = 1) -> list[int]:
    """Return the position of the first session of every `every`-th year, and the end.

    Raises
    ------
    MissingDataError
        If no session lies in or after `first_year`.
    """
    years = dataset.sessions.astype("datetime64[Y]").astype(int) + 1970
    if first_year > years[-1]:
        raise MissingDataError(f"the sessions end in {years[-1]}, before {first_year}")
    starts = [int(np.searchsorted(years, y)) for y in range(first_year, years[-1] + 1, every)]
    return [*sorted(set(starts)), len(dataset.sessions)]


def _combination(
    dataset: Dataset, chosen: tuple[int, ...], groups: int, embargo_sessions: int
) -> Fold:
    first, last = int(dataset.session[0]), int(dataset.session[-1]) + 1
    if not 2 <= groups <= last - first:
        raise InvalidInputError(f"cannot cut {last - first} sessions into {groups} folds")
    edges = np.linspace(first, last, groups + 1).astype(int)
    blocks = tuple((int(edges[g]), int(edges[g + 1])) for g in chosen)
    tested = np.zeros(len(dataset.y), dtype=bool)
    embargoed = np.zeros(len(dataset.y), dtype=bool)
    for start, stop in blocks:
        tested |= (dataset.session >= start) & (dataset.session < stop)
        # Counted from the end of the block's own labels: what follows still carries them.
        reach = int(dataset.label_end[tested].max()) + 1
        embargoed |= (dataset.session >= stop) & (dataset.session < reach + embargo_sessions)
    usable = dataset.labelled & ~tested & ~embargoed & ~_meets(dataset, blocks)
    if not usable.any():
        raise MissingDataError(f"purging left no training row for test blocks {blocks}")
    return Fold(train=np.flatnonzero(usable), test=np.flatnonzero(tested), test_blocks=blocks)


def _meets(dataset: Dataset, blocks: Sequence[tuple[int, int]]) -> BoolArray:
    """Tell which rows have a label interval that meets one of a test block's rows."""
    meets = np.zeros(len(dataset.y), dtype=bool)
    for start, stop in blocks:
        rows = dataset.rows_between(start, stop)
        rows = rows[dataset.labelled[rows]]
        if not len(rows):
            # Nothing is scored here, yet no label may reach into what is predicted.
            meets |= (dataset.label_end > start) & (dataset.label_start < stop)
            continue
        first, last = dataset.label_start[rows].min(), dataset.label_end[rows].max()
        meets |= (dataset.label_end >= first) & (dataset.label_start <= last)
    return meets
