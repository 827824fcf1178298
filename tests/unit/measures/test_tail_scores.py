"""Tests of `measures.tail_scores`: the truth scores best."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.tail_scores import fissler_ziegel_loss, pinball_loss

PNL = np.random.default_rng(8).normal(size=100_000)


def test_pinball_by_hand() -> None:
    losses = pinball_loss(np.array([-3.0, 1.0]), np.array([2.0, 2.0]), confidence=0.9)
    assert losses == pytest.approx([0.9 * 1.0, 0.1 * 3.0])


@pytest.mark.parametrize("wrong", [0.8, 1.25])
def test_the_true_quantile_and_shortfall_score_best(wrong: float) -> None:
    value, shortfall = np.full(len(PNL), 1.644854), np.full(len(PNL), 2.062713)

    def score(factor: float) -> float:
        return float(
            fissler_ziegel_loss(PNL, factor * value, factor * shortfall, confidence=0.95).mean()
        )

    assert score(1.0) < score(wrong)
    assert pinball_loss(PNL, value, confidence=0.95).mean() < (
        pinball_loss(PNL, wrong * value, confidence=0.95).mean()
    )


def test_score_differences_do_not_depend_on_the_unit() -> None:
    value, shortfall = np.full(100, 1.6), np.full(100, 2.0)
    first = fissler_ziegel_loss(PNL[:100], value, shortfall, confidence=0.95).mean()
    second = fissler_ziegel_loss(PNL[:100], 1.1 * value, shortfall, confidence=0.95).mean()
    in_cents = [
        fissler_ziegel_loss(100 * PNL[:100], 100 * v, 100 * shortfall, confidence=0.95).mean()
        for v in (value, 1.1 * value)
    ]
    assert in_cents[1] - in_cents[0] == pytest.approx(second - first)


def test_a_forecast_without_loss_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be positive"):
        fissler_ziegel_loss(PNL[:2], np.ones(2), np.zeros(2), confidence=0.95)
