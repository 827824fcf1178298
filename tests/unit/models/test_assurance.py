"""Tests of what a prediction promises: interval, confidence, distance, abstention."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.assurance import Assurance, fit_assurance

NAMES = ("a", "b")


def _rows(n: int = 5000) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + 3.0


def _fitted(scale: tuple[str, float] = ("", 1.0)) -> Assurance:
    scores = np.linspace(0.0, 1.0, 1001)
    return fit_assurance(_rows(), scores, names=NAMES, scale=scale)


def _assess(assurance: Assurance, x: np.ndarray, value: float):
    values = np.full(len(x), value)
    return assurance.assess(x, values, model_version="price v1", feature_hash="h")


def test_the_interval_is_the_conformal_quantile_around_the_value() -> None:
    answer = _assess(_fitted(), np.array([[3.0, 3.0]]), 0.25)[0]

    # The 90% quantile of 0, 0.001 ... 1 by rank ceil(1002 x 0.9) = 902: 0.901.
    assert (answer.low, answer.high) == (pytest.approx(0.25 - 0.901), pytest.approx(0.25 + 0.901))
    assert answer.coverage == 0.90


def test_an_interval_as_wide_as_its_scale() -> None:
    answer = _assess(_fitted(("a", 2.0)), np.array([[3.0, 3.0]]), 0.0)[0]

    assert answer.high == pytest.approx(0.901 * 2.0 * 3.0)


def test_confidence_is_the_coverage_that_leaves_zero_out() -> None:
    answers = [_assess(_fitted(), np.array([[3.0, 3.0]]), v)[0] for v in (0.0, 0.5, -0.5, 2.0)]

    assert [a.confidence for a in answers] == pytest.approx([0.0, 0.5, 0.5, 1.0])


def test_distance_of_correlated_normals_has_its_closed_form() -> None:
    assurance = _fitted()

    # In two dimensions P(distance <= d) = 1 - exp(-d^2 / 2).
    median = np.sqrt(2 * np.log(2))
    assert assurance.distances[50] == pytest.approx(median, rel=0.03)
    assert _assess(assurance, np.array([[3.0, 3.0]]), 0.0)[0].ood_score < 0.01


def test_a_row_beyond_the_training_rows_makes_the_model_abstain() -> None:
    near, far = _assess(_fitted(), np.array([[3.0, 3.0], [30.0, -30.0]]), 0.1)

    assert (near.abstain, far.abstain) == (False, True)
    assert far.ood_score == 1.0


def test_a_missing_feature_makes_the_model_abstain() -> None:
    answer = _assess(_fitted(), np.array([[np.nan, 3.0]]), 0.1)[0]

    assert answer.abstain
    assert (answer.ood_score, answer.confidence) == (1.0, 0.0)


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'c' is not among a, b"):
        _fitted(("c", 1.0))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="2 rows cannot span 2 features"):
        fit_assurance(_rows(2), np.ones(10), names=NAMES)
