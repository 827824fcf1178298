"""Tests of position sizing: Kelly by hand, each cap in turn."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.sizing import SizingInputs, SizingRules, position_sizes

WIDE = SizingRules(
    kelly_fraction=0.5, target_volatility=10.0, max_value_at_risk=10.0, max_participation=10.0,
    max_weight=100.0,
)  # fmt: skip
ONE = SizingInputs(
    mean=np.array([0.0004]),
    volatility=np.array([0.02]),
    value_at_risk=np.array([0.04]),
    drawdown=0.0,
    daily_volume_share=np.array([0.1]),
)


def test_half_kelly_by_hand() -> None:
    sizes = position_sizes(ONE, WIDE)

    # 0.5 x 0.0004 / 0.0004.
    assert sizes.size[0] == pytest.approx(0.5)
    assert sizes.bound_by == ("kelly",)


def test_a_short_view_gives_a_short_size() -> None:
    assert position_sizes(replace(ONE, mean=-ONE.mean), WIDE).size[0] == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("rules", "size", "name"),
    [
        (replace(WIDE, target_volatility=0.10), 0.10 / (0.02 * np.sqrt(252)), "volatility target"),
        (replace(WIDE, max_value_at_risk=0.01), 0.01 / 0.04, "value at risk"),
        (replace(WIDE, max_participation=0.02), 0.02 / 0.1, "liquidity"),
        (replace(WIDE, max_weight=0.3), 0.3, "weight"),
    ],
)
def test_each_cap_binds_and_is_named(rules: SizingRules, size: float, name: str) -> None:
    sizes = position_sizes(ONE, rules)

    assert sizes.size[0] == pytest.approx(size)
    assert sizes.bound_by == (name,)


@pytest.mark.parametrize(("drawdown", "share"), [(0.05, 0.75), (0.20, 0.0), (0.35, 0.0)])
def test_sizes_shrink_under_water(drawdown: float, share: float) -> None:
    sizes = position_sizes(replace(ONE, drawdown=drawdown), WIDE)

    assert sizes.size[0] == pytest.approx(0.5 * share)
    assert "drawdown" in sizes.bound_by[0]


def test_no_volatility_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="volatility must be positive, got 0"):
        position_sizes(replace(ONE, volatility=np.array([0.0])), WIDE)


def test_an_unknown_mean_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="mean must be finite"):
        position_sizes(replace(ONE, mean=np.array([np.nan])), WIDE)


def test_a_fraction_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="kelly_fraction must be positive"):
        SizingRules(kelly_fraction=0.0)
