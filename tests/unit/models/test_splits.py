"""Tests of `models.splits`: the law is that no label is seen from both sides."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from models.dataset import Dataset
from models.splits import (
    Fold,
    combinatorial,
    paths,
    purged_k_fold,
    thinned,
    walk_forward,
    year_boundaries,
)


def _dataset(sessions: int = 60, symbols: int = 3, horizon: int = 5, entry_lag: int = 1) -> Dataset:
    session = np.repeat(np.arange(sessions), symbols)
    end = session + entry_lag + horizon
    known = end < sessions
    return Dataset(
        x=np.zeros((len(session), 1)),
        y=np.where(known, 1.0, np.nan),
        symbol=np.tile(np.arange(symbols), sessions),
        session=session,
        label_start=np.where(known, session + entry_lag, -1),
        label_end=np.where(known, end, -1),
        feature_names=("f",),
        symbols=tuple("ABCDEFG"[:symbols]),
        sessions=np.datetime64("2019-11-20") + np.arange(sessions),
        feature_set="s@1",
        feature_hash="h",
    )


def _assert_apart(data: Dataset, fold: Fold) -> None:
    """No training label's interval meets a test label's interval of the same fold."""
    test = fold.test[data.labelled[fold.test]]
    for row in fold.train:
        apart = (data.label_end[row] < data.label_start[test]) | (
            data.label_start[row] > data.label_end[test]
        )
        assert apart.all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 8), st.integers(1, 3), st.integers(0, 4))
def test_walk_forward_trains_on_what_was_known(horizon: int, lag: int, embargo: int) -> None:
    data = _dataset(horizon=horizon, entry_lag=lag)

    for fold in walk_forward(data, boundaries=[30, 42, 60], embargo_sessions=embargo):
        start = fold.test_blocks[0][0]
        # Every label is known at the close on which the first prediction is made.
        assert data.label_end[fold.train].max() <= start
        assert data.session[fold.train].max() < start - embargo
        _assert_apart(data, fold)


def test_walk_forward_tests_every_session_once_even_without_a_label() -> None:
    data = _dataset()

    folds = list(walk_forward(data, boundaries=[30, 42, 60]))

    tested = np.concatenate([fold.test for fold in folds])
    assert np.array_equal(np.sort(tested), data.rows_between(30, 60))


def test_a_rolling_window_forgets() -> None:
    data = _dataset()

    fold = next(walk_forward(data, boundaries=[40, 50], train_sessions=20))

    assert data.session[fold.train].min() == 20


def test_thinning_counts_back_from_the_last_session() -> None:
    data = _dataset()

    kept = thinned(data, data.rows_between(0, 21), every=5)

    assert sorted(set(data.session[kept].tolist())) == [0, 5, 10, 15, 20]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(2, 6), st.integers(0, 4))
def test_purged_folds_stand_apart(horizon: int, folds: int, embargo: int) -> None:
    data = _dataset(horizon=horizon)
    seen = []

    for fold in purged_k_fold(data, folds=folds, embargo_sessions=embargo):
        _assert_apart(data, fold)
        seen.append(fold.test)

    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(len(data.y)))


def test_embargo_follows_the_test_block_by_hand() -> None:
    data = _dataset(sessions=40, horizon=2)

    fold = list(purged_k_fold(data, folds=4, embargo_sessions=3))[1]

    # Sessions 10 to 19 are tested, their labels rest on 11 to 22. Before: labels end at
    # session + 3 < 11, so up to 7. After: past 22 plus an embargo of 3, so from 26.
    trained = np.unique(data.session[fold.train])
    assert trained[trained < 10].max() == 7
    assert trained[trained > 19].min() == 26


def test_combinatorial_folds_make_whole_paths() -> None:
    data = _dataset()

    folds = list(combinatorial(data, groups=6, test_groups=2, embargo_sessions=1))
    strung = paths(groups=6, test_groups=2)

    assert len(folds) == comb(6, 2)
    # phi = k / N C(N, k) = 5 paths, each testing all 6 blocks; every (fold, block) once.
    assert len(strung) == 5
    used = [(fold, block) for path in strung for block, fold in enumerate(path)]
    assert len(set(used)) == 30
    edges = np.linspace(0, 60, 7).astype(int)
    for fold, block in used:
        assert (int(edges[block]), int(edges[block + 1])) in folds[fold].test_blocks
        _assert_apart(data, folds[fold])


def test_years_begin_with_their_first_session() -> None:
    data = _dataset()

    edges = year_boundaries(data, first_year=2020)

    assert data.sessions[edges[0]] == np.datetime64("2020-01-01")
    assert edges[-1] == 60


def test_an_empty_training_window_is_refused() -> None:
    with pytest.raises(MissingDataError, match="training window before 2019-11-24 is empty"):
        list(walk_forward(_dataset(), boundaries=[4, 60]))


def test_boundaries_that_do_not_increase_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="must increase"):
        list(walk_forward(_dataset(), boundaries=[30, 30]))


def test_a_first_year_after_the_end_is_refused() -> None:
    with pytest.raises(MissingDataError, match="end in 2020, before 2030"):
        year_boundaries(_dataset(), first_year=2030)
