"""Tests of the served sizing kind: what is fitted, what bounds a size, artefacts that are data."""

import json

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from models.sizing import SizingRules
from models.sizing_features import FEATURES, constant_size, right_size, sizing_features
from models.sizing_kind import HalfKelly, SizingPredictor, SizingSpec, sizes_from_native

RULES = SizingRules(kelly_fraction=0.5, max_drawdown=0.6, max_value_at_risk=0.04)
PREDICTOR = SizingPredictor(RULES, 1.21)


def _panel(n: int = 1600, volatility: float = 0.02) -> Panel:
    rng = np.random.default_rng(4)
    returns = 0.0005 + volatility * rng.normal(size=(2, n))
    sessions = np.datetime64("2005-01-01") + np.arange(n)
    close = 100 * np.exp(np.cumsum(returns, axis=1))
    return Panel(("A", "B"), sessions, {"close": close, "volume": np.full(close.shape, 1e7)})


def test_a_size_by_hand() -> None:
    # Volatility 1% x sqrt(1.21) = 1.1% a day, 17.46% a year: 15% / 17.46% = 0.859 binds before
    # half Kelly, 0.5 x 0.0006 / 0.011^2 = 2.479; a quarter of the way to 60% under water.
    row = np.array([[0.0006, 0.01, 0.02, 0.15, 0.001]])

    assert PREDICTOR.predict(row)[0] == pytest.approx(0.75 * 0.15 / (0.011 * np.sqrt(252)))
    assert PREDICTOR.reasons(row) == ["volatility target, drawdown"]


def test_a_row_has_the_same_size_alone_in_a_batch_and_after_loading() -> None:
    features = sizing_features(_panel())
    x = features.values[:, 0, 600:700].T.copy()

    loaded = sizes_from_native(PREDICTOR.to_native())

    assert [PREDICTOR.predict_row(row) for row in x] == PREDICTOR.predict(x).tolist()
    assert loaded == PREDICTOR
    assert loaded.predict(x).tobytes() == PREDICTOR.predict(x).tobytes()


def test_the_factor_of_constant_volatility_is_near_one() -> None:
    panel = _panel()
    spec = SizingSpec(first_test_year=2008)
    dataset = spec.dataset(sizing_features(panel), right_size(panel, horizon=5))

    model = HalfKelly().fit(dataset, np.flatnonzero(dataset.labelled))

    assert isinstance(model, SizingPredictor)
    assert model.variance_factor == pytest.approx(1.0, abs=0.1)


def test_the_right_size_meets_the_target_in_hindsight() -> None:
    close = 100 * np.exp(np.cumsum(np.full((1, 80), 0.02) * (-1.0) ** np.arange(80), axis=1))
    panel = Panel(("A",), np.datetime64("2005-01-01") + np.arange(80), {"close": close})

    sizes = right_size(panel, horizon=5)

    assert sizes.values[0, 10] == pytest.approx(0.15 / (0.02 * np.sqrt(252)))
    assert (sizes.start[0, 10], sizes.end[0, 10], sizes.end[0, -5]) == (11, 15, -1)


def test_the_baseline_holds_target_over_volatility_before_the_test() -> None:
    assert constant_size(_panel(), before_year=2008) == pytest.approx(
        0.15 / (0.02 * np.sqrt(252)), rel=0.05
    )
    with pytest.raises(MissingDataError, match="start the test later"):
        constant_size(_panel(), before_year=2005)


def test_growth_by_hand() -> None:
    spec = SizingSpec(realised=np.array([[0.10, -0.10], [0.0, 0.30]]))

    loss = spec.loss_at(np.array([[1.0, 0.5], [1.0, 1.0]]), np.array([0, 1]))

    assert loss == pytest.approx([-np.log(1.05), -np.log(1.125)])


def test_a_missing_value_has_no_size() -> None:
    row = np.array([[np.nan, 0.01, 0.02, 0.0, 0.0], [0.001, 0.0, 0.02, 0.0, 0.0]])

    assert np.isnan(PREDICTOR.predict(row)).all()


@pytest.mark.parametrize(
    "change",
    [{"format": "other"}, {"variance_factor": -1.0}, {"rules": {}}, {"rules": None}],
)
def test_a_damaged_artefact_is_refused(change: dict[str, object]) -> None:
    document = json.loads(PREDICTOR.to_native()) | change

    with pytest.raises(InvalidInputError, match="cannot be read"):
        sizes_from_native(json.dumps(document).encode())


def test_another_order_of_columns_is_another_shape() -> None:
    assert PREDICTOR.feature_names == FEATURES
    with pytest.raises(InvalidInputError, match="rows of 5 features"):
        PREDICTOR.predict(np.zeros((1, 4)))
