"""Tests of the compiled trees: LightGBM's own predictions, to the bit, or a refusal."""

import lightgbm
import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.compiled import CompiledForest
from models.tree_text import read_forest
from models.trees import TreePredictor


def _data(rows: int = 800, missing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, 6))
    y = x[:, 0] - 2.0 * (x[:, 1] > 0.3) + 0.1 * rng.normal(size=rows)
    x[rng.random(x.shape) < missing] = np.nan
    return x, y


def _train(x: np.ndarray, y: np.ndarray, *, trees: int = 30, **settings: object) -> str:
    merged = {
        "objective": "regression", "num_leaves": 15, "min_data_in_leaf": 5, "verbosity": -1,
        "num_threads": 1, "deterministic": True, **settings,
    }  # fmt: skip
    return str(lightgbm.train(merged, lightgbm.Dataset(x, y), trees).model_to_string())


def _both(text: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    theirs = lightgbm.Booster(model_str=text).predict(x, num_threads=1)
    return CompiledForest(read_forest(text)).predict(x), theirs


@pytest.mark.parametrize("trees", [1, 7, 8, 30])
def test_every_row_equals_lightgbm_to_the_bit(trees: int) -> None:
    x, y = _data()
    text = _train(x, y, trees=trees)

    ours, theirs = _both(text, x)
    one_by_one = [CompiledForest(read_forest(text)).predict_row(row) for row in x[:20]]

    assert ours.tobytes() == theirs.tobytes()
    assert np.array(one_by_one).tobytes() == theirs[:20].tobytes()


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 513])
def test_a_batch_of_any_size_gives_the_same_bits(rows: int) -> None:
    x, y = _data()
    text = _train(x, y)

    whole, _ = _both(text, x)

    assert CompiledForest(read_forest(text)).predict(x[:rows]).tobytes() == whole[:rows].tobytes()


@pytest.mark.parametrize("settings", [{}, {"zero_as_missing": True}, {"use_missing": False}])
def test_missing_values_go_where_lightgbm_sends_them(settings: dict[str, object]) -> None:
    x, y = _data(missing=0.2)
    x[::7, 2] = 0.0

    ours, theirs = _both(_train(x, y, **settings), x)

    assert ours.tobytes() == theirs.tobytes()


def test_a_missing_value_never_seen_in_training_counts_as_zero() -> None:
    x, y = _data()
    text = _train(x, y)
    holed = x.copy()
    holed[::3, 1] = np.nan

    ours, theirs = _both(text, holed)

    assert ours.tobytes() == theirs.tobytes()
    assert CompiledForest(read_forest(text)).predict_row(holed[0]) == theirs[0]


def test_the_logistic_link_is_applied() -> None:
    x, y = _data()

    ours, theirs = _both(_train(x, (y > 0).astype(float), objective="binary"), x)

    assert np.allclose(ours, theirs, rtol=0, atol=1e-15)


def test_the_exponential_link_is_applied() -> None:
    x, y = _data()

    ours, theirs = _both(_train(x, np.exp(y / 4), objective="gamma"), x)

    assert np.allclose(ours, theirs, rtol=1e-15, atol=0)


def test_a_threshold_itself_goes_left() -> None:
    x = np.repeat([[0.0], [1.0]], 50, axis=0)
    text = _train(x, x[:, 0], trees=1, learning_rate=1.0, min_data_in_leaf=1)
    forest = read_forest(text)
    at = forest.number[forest.link[:, 1] != forest.link[:, 2]][0]

    ours, theirs = _both(text, np.array([[at], [np.nextafter(at, 2.0)]]))

    assert ours.tobytes() == theirs.tobytes()
    assert ours[0] < ours[1]


def test_categorical_splits_are_left_to_lightgbm() -> None:
    x, y = _data()
    x[:, 3] = np.random.default_rng(1).integers(0, 8, len(x))
    y = y + (x[:, 3] % 3)
    data = lightgbm.Dataset(x, y, categorical_feature=[3])
    settings = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    booster = lightgbm.train(settings, data, 10)
    text = booster.model_to_string()

    with pytest.raises(InvalidInputError, match="not compiled"):
        read_forest(text)
    assert np.array_equal(TreePredictor(text).predict(x), booster.predict(x, num_threads=1))


def test_several_classes_are_not_compiled() -> None:
    x, _ = _data()
    labels = np.arange(len(x)) % 3

    with pytest.raises(InvalidInputError, match="several classes"):
        read_forest(_train(x, labels, objective="multiclass", num_class=3))


@pytest.mark.parametrize("damage", ["cut", "number", "child"])
def test_a_damaged_text_is_refused(damage: str) -> None:
    x, y = _data()
    text = _train(x, y, trees=2)
    broken = {
        "cut": text[: len(text) // 3],
        "number": text.replace("leaf_value=", "leaf_value=x", 1),
        "child": text.replace("left_child=1", "left_child=0", 1),
    }[damage]

    assert broken != text
    with pytest.raises(InvalidInputError, match="damaged"):
        read_forest(broken)
