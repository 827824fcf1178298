"""Every bad input by its name, for every kind: a clear error or the documented answer.

| bad input | here |
|---|---|
| a missing feature column | `test_a_missing_column`, `test_a_row_that_misses_a_feature` |
| another order | `test_columns_in_another_order` |
| another dtype | `test_another_dtype` |
| an unknown model or version | `test_an_unknown_model_or_version` |
| a corrupt artefact | `test_a_corrupt_artefact`, `test_a_changed_file` |
| a registry that is down | `test_a_registry_that_is_down` |
| an empty training window | `test_an_empty_training_window` |
| a constant label | `test_a_constant_label` |
| one class only | `test_one_class_only` |
| a tie in A/B | `test_a_tie_in_ab` |
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from basics.errors import (
    InvalidInputError,
    MissingDataError,
    RefusedError,
    UnavailableError,
)
from features.panel import FeaturePanel
from measures.evidence_sequential import sequential_test
from models.anomaly_kind import AnomalySpec, ForestAndDistance
from models.dataset import Dataset
from models.estimators import BoostedTrees, Estimator, Ridge
from models.loading import load_predictor
from models.predictors import LinearPredictor, Predictor
from models.regime_kind import LAGS, VARIANCE, HiddenMarkov
from models.signal import SignalSpec
from models.sizing_features import FEATURES
from models.sizing_kind import HalfKelly
from models.tail_forecast import TailSpec, tail_multipliers
from services.kind_losses import GROWTH, loss_differences
from services.model_documents import FISSLER_ZIEGEL, QLIKE, SQUARED_ERROR, Manifest
from services.paired_rows import PairedRows
from services.ports import ModelRun
from services.predictions import Predictions, ServedModel
from tests.fakes.model_registry import MemoryRegistry

ROWS = 400
THREE = ("a", "b", "c")
LINEAR = LinearPredictor(
    feature_names=THREE, centre=(0.0,) * 3, scale=(1.0,) * 3, weights=(1.0, 2.0, 4.0)
)
# The estimator of each kind's candidate, and the columns that it reads.
FITTED: dict[str, tuple[Estimator, tuple[str, ...]]] = {
    "price": (BoostedTrees(trees=3, leaves=4, rows_per_leaf=5), THREE),
    "volatility": (Ridge(intercept=True, floor=0.05), THREE),
    "volatility trees": (BoostedTrees(objective="gamma", trees=3, rows_per_leaf=5), THREE),
    "regime": (
        HiddenMarkov(states=2),
        (*(f"return_{lag}" for lag in range(LAGS)), VARIANCE),
    ),
    "sizing": (HalfKelly(), FEATURES),
    "signal": (BoostedTrees(objective="binary", trees=3, rows_per_leaf=5), THREE),
    "anomaly": (ForestAndDistance(), THREE),
}
KINDS = [*FITTED, "risk"]


def _dataset(names: tuple[str, ...], label: Callable[[np.ndarray], np.ndarray]) -> Dataset:
    x = np.random.default_rng(3).uniform(0.01, 0.9, size=(ROWS, len(names)))
    at = np.arange(ROWS)
    return Dataset(
        x=x, y=label(x), symbol=np.zeros(ROWS, dtype=np.int64), session=at, label_start=at + 1,
        label_end=at + 1, feature_names=names, symbols=("A",),
        sessions=np.datetime64("2020-01-01") + at, feature_set="s@1", feature_hash="h",
    )  # fmt: skip


def _binary(x: np.ndarray) -> np.ndarray:
    return (x[:, 0] > 0.7).astype(float)


def _positive(x: np.ndarray) -> np.ndarray:
    return x[:, 0] + 0.1


def _label(kind: str) -> Callable[[np.ndarray], np.ndarray]:
    return _binary if kind in {"signal", "anomaly"} else _positive


@pytest.fixture(scope="module")
def predictors() -> dict[str, Predictor]:
    """Return a fitted predictor of each kind; that of risk is a line through its volatility."""
    found: dict[str, Predictor] = {
        kind: estimator.fit(_dataset(names, _label(kind)), np.arange(ROWS))
        for kind, (estimator, names) in FITTED.items()
    }
    found["risk"] = LinearPredictor(
        feature_names=("gjr_volatility",), centre=(0.0,), scale=(1.0,), weights=(2.2,)
    )
    return found


def _rows(model: Predictor) -> np.ndarray:
    return np.random.default_rng(5).uniform(0.01, 0.9, size=(4, len(model.feature_names)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_column(predictors: dict[str, Predictor], kind: str) -> None:
    model = predictors[kind]

    with pytest.raises(InvalidInputError, match=f"expected rows of {len(model.feature_names)} "):
        model.predict(np.ascontiguousarray(_rows(model)[:, 1:]))


@pytest.mark.parametrize("kind", KINDS)
def test_another_dtype(predictors: dict[str, Predictor], kind: str) -> None:
    model = predictors[kind]

    with pytest.raises(InvalidInputError, match="must be float64, got float32"):
        model.predict(_rows(model).astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_columns_in_another_order(predictors: dict[str, Predictor], kind: str) -> None:
    """Columns are matched by name: another order is the same answer, a strange name none."""
    model = predictors[kind]
    registry = MemoryRegistry()
    served = ServedModel(registry.register(_run(model), format="x", input_key="k"), model)
    names, x = model.feature_names, _rows(model)
    rows = [dict(zip(names, row, strict=True)) for row in x.tolist()]
    turned = [dict(reversed(row.items())) for row in rows]
    panel = FeaturePanel(
        names[::-1], ("A",), np.datetime64("2020-01-01") + np.arange(4),
        np.ascontiguousarray(x.T[::-1, None, :]), "s@1", "h", frozenset(),
    )  # fmt: skip

    told = model.predict(x)

    assert served.values(served.matrix(turned)).tobytes() == told.tobytes()
    assert served.over(panel)[0].tobytes() == told.tobytes()
    strange = [{f"other_{name}": value for name, value in row.items()} for row in rows]
    with pytest.raises(InvalidInputError, match=r"row 0 misses .* and has unknown other_"):
        served.matrix(strange)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_misses_a_feature(predictors: dict[str, Predictor], kind: str) -> None:
    model = predictors[kind]
    served = ServedModel(MemoryRegistry().register(_run(model), format="x", input_key="k"), model)
    names = model.feature_names

    with pytest.raises(InvalidInputError, match=f"row 0 misses {names[0]}"):
        served.matrix([dict.fromkeys(names[1:], 0.5) | {"strange": 1.0}])


@pytest.mark.parametrize("kind", KINDS)
def test_a_corrupt_artefact(predictors: dict[str, Predictor], kind: str) -> None:
    model = predictors[kind]
    content = model.to_native()

    assert load_predictor(model.format, content).predict(_rows(model)).tobytes() == (
        model.predict(_rows(model)).tobytes()
    )
    for damaged in (
        b"",
        content[: len(content) // 4],
        b"{}",
        content.replace(b"=", b":").replace(b"{", b"("),
    ):
        with pytest.raises(InvalidInputError):
            load_predictor(model.format, damaged)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file(predictors: dict[str, Predictor], kind: str) -> None:
    """A file that is not what was signed is refused; what was loaded goes on serving."""
    model = predictors[kind]
    registry = MemoryRegistry()
    version = registry.register(_run(model), format=model.format, input_key="k")
    registry.move_alias("m", "champion", version.version, expected=None, reason="test")
    warm, told = Predictions(registry), model.predict(_rows(model)).tobytes()
    assert warm.served("m", "champion").values(_rows(model)).tobytes() == told

    (name,) = registry.files[version.run_id]
    content = bytearray(registry.files[version.run_id][name])
    content[len(content) // 2] ^= 1
    registry.files[version.run_id][name] = bytes(content)

    assert warm.served("m", "champion").values(_rows(model)).tobytes() == told
    with pytest.raises(RefusedError):
        Predictions(registry).served("m", "champion")
    assert registry.aliases("m") == {"champion": 1}


def test_an_unknown_model_or_version() -> None:
    registry = MemoryRegistry()
    registry.register(_run(LINEAR), format=LINEAR.format, input_key="k")

    for name, asked in (("moon", "champion"), ("m", "champion"), ("m", 7), ("m", "7")):
        with pytest.raises(MissingDataError, match=f"{name}.* has no '{asked}'"):
            Predictions(registry).served(name, asked)


class _Down(MemoryRegistry):
    """A registry whose files cannot be read any more."""

    down = False

    def read(self, version: object, file: str) -> bytes:
        if self.down:
            raise UnavailableError("the registry does not answer")
        return super().read(version, file)  # type: ignore[arg-type]


def test_a_registry_that_is_down() -> None:
    registry = _Down()
    version = registry.register(_run(LINEAR), format=LINEAR.format, input_key="k")
    warm = Predictions(registry)
    before = warm.load(version).values(np.ones((1, 3)))
    registry.down = True

    assert warm.load(version).values(np.ones((1, 3))).tolist() == before.tolist() == [7.0]
    with pytest.raises(UnavailableError, match="does not answer"):
        Predictions(registry).load(version)


@pytest.mark.parametrize("kind", FITTED)
def test_an_empty_training_window(kind: str) -> None:
    estimator, names = FITTED[kind]

    with pytest.raises(MissingDataError, match="the training window is empty"):
        estimator.fit(_dataset(names, _label(kind)), np.empty(0, dtype=np.int64))


def test_an_empty_training_window_of_the_risk_kind() -> None:
    nothing = np.full((1, 10), np.nan)

    with pytest.raises(MissingDataError, match="0 standardised returns are too few: need 500"):
        tail_multipliers(nothing, nothing, stop=10, confidence=TailSpec().confidence)


@pytest.mark.parametrize("kind", ["price", "volatility trees", "signal"])
def test_a_constant_label(kind: str) -> None:
    estimator, names = FITTED[kind]

    with pytest.raises(InvalidInputError, match=r"the label is 1\.0 in all 400 training rows"):
        estimator.fit(_dataset(names, lambda x: np.ones(len(x))), np.arange(ROWS))


@pytest.mark.parametrize("kind", ["volatility", "sizing", "regime", "anomaly"])
def test_a_constant_label_that_says_what_there_is_to_say(kind: str) -> None:
    """A mean, a factor and states exist where all labels are one: nothing is made up.

    The regime and the anomaly kind learn from the rows; their labels are for the judgement.
    """
    estimator, names = FITTED[kind]
    same = 0.0 if kind == "anomaly" else 1.0

    model = estimator.fit(_dataset(names, lambda x: np.full(len(x), same)), np.arange(ROWS))

    told = model.predict(_rows(model))
    assert np.isfinite(told).all()
    if kind == "volatility":
        assert told == pytest.approx([1.0] * 4)


@pytest.mark.parametrize("only", [0.0, 1.0])
def test_one_class_only(only: float) -> None:
    told, came = np.full((2, 5), 0.4), np.full((2, 5), only)

    with pytest.raises(InvalidInputError, match="one class only tells nothing apart"):
        SignalSpec().figures(told, came)
    with pytest.raises(MissingDataError, match=r"planted and .* clean rows: both are needed"):
        AnomalySpec().loss(told, came)


@pytest.mark.parametrize(
    "metric",
    [
        SQUARED_ERROR, QLIKE, FISSLER_ZIEGEL, GROWTH, SignalSpec().metric, AnomalySpec().metric,
    ],
)  # fmt: skip
def test_a_tie_in_ab(metric: str) -> None:
    rng = np.random.default_rng(1)
    told = rng.uniform(0.05, 0.9, size=(4, 300))
    came = (rng.random((4, 300)) < 0.3).astype(float)
    outcome = came if metric in {SignalSpec().metric, AnomalySpec().metric} else 0.1 * came + 0.01
    rows = PairedRows(
        tuple("ABCD"), np.datetime64("2020-01-01") + np.arange(300), outcome, told, told.copy()
    )

    _, days, differences = loss_differences(rows, _manifest(metric))
    test = sequential_test(differences)

    assert len(days) == 300
    assert differences.tolist() == [0.0] * 300
    assert test.decided_at is None
    assert test.p_values[-1] == 1.0


def _run(model: Predictor) -> ModelRun:
    return ModelRun(
        name="m", estimator="e", trial_key="t", parameters={}, metrics={}, series={},
        files={"model/" + ("model.txt" if "text" in model.format else "model.json"): (
            model.to_native())}, tags={},
    )  # fmt: skip


def _manifest(metric: str) -> Manifest:
    return Manifest(
        name="m", estimator="e", format="f", file="x", feature_set="s", feature_hash="h",
        feature_names=(), target="t", horizon=1, data_version="d",
        trained_first=date(2020, 1, 1), trained_last=date(2021, 1, 1), training_rows=1,
        parameters={"confidence": 0.975}, example=(), example_prediction=0.0, metric=metric,
    )  # fmt: skip
