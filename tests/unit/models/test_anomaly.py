"""Tests of anomalies: p-values that mean what they say, bad ticks that are found."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from models.anomaly import discoveries, fit_anomaly


def _rows(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3)) @ np.diag([1.0, 5.0, 0.1])


@pytest.mark.parametrize("method", ["mahalanobis", "isolation_forest"])
def test_p_values_are_uniform_where_nothing_is_wrong(method: str) -> None:
    model = fit_anomaly(_rows(3000), method=method, seed=1)

    p = model.p_values(_rows(2000, seed=2))

    for alpha in (0.01, 0.05, 0.2):
        assert (p <= alpha).mean() == pytest.approx(alpha, abs=0.03)


@pytest.mark.parametrize("method", ["mahalanobis", "isolation_forest"])
def test_bad_ticks_are_found(method: str) -> None:
    model = fit_anomaly(_rows(3000), method=method, seed=1)
    x = _rows(500, seed=3)
    x[::50] = [12.0, -60.0, 1.2]

    found = discoveries(model.p_values(x), false_discovery_rate=0.10)

    assert found[::50].all()
    assert found.sum() <= 15


def test_the_stranger_of_two_rows_has_the_smaller_p_value() -> None:
    model = fit_anomaly(_rows(300), method="mahalanobis", seed=1)

    near, far = model.p_values(np.stack([model.centre, [9.0, 0.0, 0.0]]))

    assert near == 1.0
    assert far == pytest.approx(1 / 101)


def test_discoveries_by_hand() -> None:
    # Benjamini-Hochberg at 20%: thresholds 0.05, 0.10, 0.15, 0.20.
    found = discoveries(np.array([0.04, 0.30, 0.12, 0.09]), false_discovery_rate=0.20)

    assert found.tolist() == [True, False, True, True]


def test_nothing_strange_reports_nothing() -> None:
    assert not discoveries(np.array([0.5, 0.9]), false_discovery_rate=0.1).any()
    assert not len(discoveries(np.empty(0), false_discovery_rate=0.1))


def test_another_width_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="3 columns, got shape"):
        fit_anomaly(_rows(300), method="mahalanobis", seed=1).score(np.zeros((1, 2)))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(MissingDataError, match="99 rows are too few"):
        fit_anomaly(_rows(99), method="mahalanobis", seed=1)
