"""Tests of estimators and predictors: closed forms, equal bytes, refusals."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from models.dataset import Dataset
from models.estimators import BoostedTrees, Ridge, Zero
from models.predictors import LinearPredictor, linear_from_native
from models.trees import TreePredictor


def _dataset(y: np.ndarray | None = None, seed: int = 1) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, 3))
    labels = x @ np.array([0.5, 0.0, -1.0]) + 0.1 * rng.normal(size=400) if y is None else y
    session = np.arange(400)
    return Dataset(
        x=x, y=labels, symbol=np.zeros(400, dtype=np.int64), session=session,
        label_start=session + 1, label_end=session + 2, feature_names=("a", "b", "c"),
        symbols=("S",), sessions=np.datetime64("2020-01-01") + session,
        feature_set="s@1", feature_hash="h",
    )  # fmt: skip


ALL = np.arange(400)
TREES = BoostedTrees(trees=20, leaves=7, rows_per_leaf=10)


def test_ridge_without_penalty_is_least_squares_through_the_origin() -> None:
    data = _dataset()
    model = Ridge(penalty=0.0).fit(data, ALL)

    z = (data.x - data.x.mean(axis=0)) / data.x.std(axis=0)
    weights = np.linalg.lstsq(z, data.y, rcond=None)[0]

    assert np.allclose(model.predict(data.x), z @ weights)


def test_ridge_shrinks_by_the_penalty_in_closed_form() -> None:
    data = _dataset()
    z = (data.x - data.x.mean(axis=0)) / data.x.std(axis=0)
    weights = np.linalg.solve(z.T @ z + 400 * 2.0 * np.eye(3), z.T @ data.y)

    assert np.allclose(Ridge(penalty=2.0).fit(data, ALL).predict(data.x), z @ weights)


def test_ridge_on_one_feature_gives_the_others_no_weight() -> None:
    model = Ridge(features=("c",)).fit(_dataset(), ALL)

    assert isinstance(model, LinearPredictor)
    assert model.weights[0] == model.weights[1] == 0.0
    assert model.weights[2] < 0.0


def test_coefficients_come_back_from_json_to_the_bit() -> None:
    data = _dataset()
    model = Ridge().fit(data, ALL)

    again = linear_from_native(model.to_native())

    assert again == model
    assert again.predict(data.x).tobytes() == model.predict(data.x).tobytes()


def test_the_naive_baseline_answers_zero() -> None:
    model = Zero().fit(_dataset(), ALL)

    assert not model.predict(np.empty((5, 0))).any()


def test_training_twice_gives_the_same_bytes_on_one_or_two_threads() -> None:
    data = _dataset()
    texts = {
        BoostedTrees(trees=20, leaves=7, rows_per_leaf=10, threads=n).fit(data, ALL).to_native()
        for n in (1, 1, 2)
    }

    assert len(texts) == 1


def test_a_loaded_tree_model_equals_the_trained_one_byte_for_byte() -> None:
    data = _dataset()
    model = TREES.fit(data, ALL)

    again = TreePredictor(model.to_native().decode())

    assert again.feature_names == ("a", "b", "c")
    assert again.predict(data.x).tobytes() == model.predict(data.x).tobytes()


def test_contributions_sum_to_the_prediction() -> None:
    data = _dataset()
    model = TREES.fit(data, ALL)

    assert isinstance(model, TreePredictor)
    assert np.allclose(model.contributions(data.x).sum(axis=1), model.predict(data.x))
    assert sum(model.importances().values()) == pytest.approx(1.0)
    assert max(model.importances(), key=model.importances().__getitem__) == "c"


def test_a_constant_label_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="nothing to learn"):
        TREES.fit(_dataset(np.full(400, 0.3)), ALL)


def test_an_empty_training_window_is_refused() -> None:
    with pytest.raises(MissingDataError, match="training window is empty"):
        TREES.fit(_dataset(), np.array([], dtype=np.int64))


def test_rows_without_a_label_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="1 training rows have no label"):
        Ridge().fit(_dataset(np.append(np.ones(399), np.nan)), ALL)


def test_a_missing_column_is_refused_by_name() -> None:
    model = TREES.fit(_dataset(), ALL)

    with pytest.raises(InvalidInputError, match=r"3 features \(a, b, c\), got shape \(5, 2\)"):
        model.predict(np.zeros((5, 2)))


def test_another_dtype_is_refused() -> None:
    model = Ridge().fit(_dataset(), ALL)

    with pytest.raises(InvalidInputError, match="must be float64, got float32"):
        model.predict(np.zeros((5, 3), dtype=np.float32))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "other/1"}', b"\x80\x04pickle"])
def test_damaged_coefficients_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"cannot be read|unknown linear format"):
        linear_from_native(content)


def test_a_damaged_tree_text_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not a whole LightGBM model text"):
        TreePredictor("import os")
