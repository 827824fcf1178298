"""Tests of anomalies: p-values that mean what they say, bad ticks found, walks that end."""

import json

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from models.anomaly import AnomalyPredictor, anomalies_from_native, discoveries, fit_anomalies
from models.isolation import grow_forest, search_length

NAMES = ("a", "b", "c")


def _rows(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3)) @ np.diag([1.0, 5.0, 0.1])


def _fitted(n: int = 3000) -> AnomalyPredictor:
    return fit_anomalies(_rows(n), names=NAMES, seed=1)


def test_p_values_are_never_too_small_where_nothing_is_wrong() -> None:
    p = _fitted().predict(_rows(2000, seed=2))

    # Bonferroni over two scores that agree: somewhat below alpha.
    for alpha in (0.02, 0.05, 0.2):
        assert 0.2 * alpha <= (p <= alpha).mean() <= alpha + 0.02


def test_bad_ticks_are_found() -> None:
    x = _rows(500, seed=3)
    x[::50] = [12.0, -60.0, 1.2]

    found = discoveries(_fitted().predict(x), false_discovery_rate=0.10)

    assert found[::50].all()
    assert found.sum() <= 15


def test_the_stranger_of_two_rows_has_the_smaller_p_value() -> None:
    model = _fitted(300)

    near, far = model.predict(np.stack([model.centre, [90.0, 0.0, 0.0]]))

    assert near == 1.0
    # One calibration set of 100 rows: twice 1 / 101.
    assert far == pytest.approx(2 / 101)


def test_the_walk_equals_that_of_the_library() -> None:
    from sklearn.ensemble import IsolationForest

    x = _rows(400)
    theirs = IsolationForest(n_estimators=100, max_samples=256, random_state=7).fit(x)

    ours = grow_forest(x, seed=7)

    assert ours.score(x) == pytest.approx(-theirs.score_samples(x), abs=1e-12)


def test_the_mean_search_length_by_hand() -> None:
    # c(256) = 2 (ln 255 + 0.5772156649) - 2 x 255 / 256, as Liu et al. (2008) have it.
    assert search_length(np.array([1, 2, 256])) == pytest.approx([0.0, 1.0, 10.244770920])


def test_a_row_has_the_same_p_value_alone_and_among_others_and_after_loading() -> None:
    model, x = _fitted(300), _rows(50, seed=4)

    loaded = anomalies_from_native(model.to_native())

    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()
    assert [model.predict_row(row) for row in x] == model.predict(x).tolist()
    assert loaded.to_native() == model.to_native()


@pytest.mark.parametrize("astray", [0, 10**6])
def test_a_forest_whose_walk_would_not_end_is_refused(astray: int) -> None:
    document = json.loads(_fitted(300).to_native())
    document["forest"]["left"][5] = astray

    with pytest.raises(InvalidInputError, match="a node leads astray"):
        anomalies_from_native(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "other"}', b"[1]"])
def test_a_damaged_artefact_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        anomalies_from_native(content)


def test_a_missing_value_has_no_p_value() -> None:
    assert np.isnan(_fitted(300).predict(np.array([[np.nan, 1.0, 1.0]]))).all()


def test_discoveries_by_hand() -> None:
    # Benjamini-Hochberg at 20%: thresholds 0.05, 0.10, 0.15, 0.20.
    found = discoveries(np.array([0.04, 0.30, 0.12, 0.09]), false_discovery_rate=0.20)

    assert found.tolist() == [True, False, True, True]


def test_nothing_strange_reports_nothing() -> None:
    assert not discoveries(np.array([0.5, 0.9]), false_discovery_rate=0.1).any()
    assert not len(discoveries(np.empty(0), false_discovery_rate=0.1))


def test_another_width_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="rows of 3 features"):
        _fitted(300).predict(np.zeros((1, 2)))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(MissingDataError, match="99 rows are too few"):
        fit_anomalies(_rows(99), names=NAMES, seed=1)
