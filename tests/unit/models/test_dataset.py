"""Tests of `models.dataset`: which rows there are, in which order, with which label."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.labels import forward_return
from features.panel import FeaturePanel
from market.panel import Panel
from models.dataset import Dataset, build_dataset

SESSIONS = np.arange("2020-01-01", "2020-01-09", dtype="datetime64[D]")
CLOSE = np.array([[1.0, 2, 4, 8, 16, 32, 64, 128], [1.0, 1, 1, 1, 1, 1, 1, 1]])


def _features(values: np.ndarray) -> FeaturePanel:
    names = tuple(f"f{i}" for i in range(len(values)))
    return FeaturePanel(names, ("A", "B"), SESSIONS, values, "set@1", "hash")


def _dataset(*, demean: bool = False) -> Dataset:
    labels = forward_return(Panel(("A", "B"), SESSIONS, {"close": CLOSE}), horizon=2)
    values = np.arange(32.0).reshape(2, 2, 8)
    values[0, 0, 0] = np.nan
    return build_dataset(_features(values), labels, demean=demean)


def test_rows_stand_by_session_then_symbol_and_need_every_feature() -> None:
    data = _dataset()

    # A has no f0 in the first session: 16 cells less one.
    assert len(data.y) == 15
    assert data.session[:3].tolist() == [0, 1, 1]
    assert data.symbol[:3].tolist() == [1, 0, 1]
    # f0 of B at 0 is 8, f1 is 24.
    assert data.x[0].tolist() == [8.0, 24.0]


def test_label_of_the_next_two_sessions_by_hand() -> None:
    data = _dataset()
    row = int(np.flatnonzero((data.symbol == 0) & (data.session == 1))[0])

    # Entered at close(2) = 4, left at close(4) = 16: +300%.
    assert data.y[row] == 3.0
    assert (data.label_start[row], data.label_end[row]) == (2, 4)


def test_demeaned_labels_sum_to_zero_in_each_session() -> None:
    data = _dataset(demean=True)
    grid = data.to_grid(data.y, np.arange(len(data.y)))

    assert np.allclose(grid[:, 1:5].sum(axis=0), 0.0)
    # The mean is taken over every symbol that has a label, feature or not: (3 + 0) / 2.
    assert grid[1, 0] == -1.5


def test_rows_without_a_label_stay_for_prediction() -> None:
    data = _dataset()

    assert not data.labelled[data.session >= 5].any()
    assert (data.session >= 5).sum() == 6


def test_grids_and_rows_turn_into_each_other() -> None:
    data = _dataset()
    grid = data.to_grid(data.column("f1"), np.arange(len(data.y)))

    assert np.isnan(grid[0, 0])
    assert np.array_equal(data.from_grid(grid), data.column("f1"))


def test_features_are_taken_by_name_in_the_order_asked() -> None:
    labels = forward_return(Panel(("A", "B"), SESSIONS, {"close": CLOSE}), horizon=2)

    data = build_dataset(_features(np.arange(32.0).reshape(2, 2, 8)), labels, names=("f1", "f0"))

    assert data.x[0].tolist() == [16.0, 0.0]


def test_a_missing_feature_is_named() -> None:
    labels = forward_return(Panel(("A", "B"), SESSIONS, {"close": CLOSE}), horizon=2)

    with pytest.raises(MissingDataError, match="'f9' is missing: the panel has f0, f1"):
        build_dataset(_features(np.zeros((2, 2, 8))), labels, names=("f9",))


def test_labels_of_another_panel_are_refused() -> None:
    labels = forward_return(Panel(("A", "B"), SESSIONS[:6], {"close": CLOSE[:, :6]}), horizon=2)

    with pytest.raises(InvalidInputError, match="compute both from one panel"):
        build_dataset(_features(np.zeros((2, 2, 8))), labels)


def test_a_history_without_a_whole_row_is_refused() -> None:
    labels = forward_return(Panel(("A", "B"), SESSIONS, {"close": CLOSE}), horizon=2)

    with pytest.raises(MissingDataError, match="lookback"):
        build_dataset(_features(np.full((2, 2, 8), np.nan)), labels)
