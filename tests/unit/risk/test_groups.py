"""Tests of `risk.groups` and `risk.book_shape`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from measures.covariance import sample_covariance
from measures.tail import tail_risk
from risk.book_shape import covariance_views, tail_shape
from risk.decomposition import normal_components
from risk.groups import SPECIFIC, factor_risks, group_risks

RETURNS = np.random.default_rng(4).standard_t(5, size=(3, 500)) * 0.01
COVARIANCE = sample_covariance(RETURNS)


def split(groups):
    return group_risks("strategy", groups, covariance=COVARIANCE, returns=RETURNS, confidence=0.99)


@settings(max_examples=25)
@given(st.lists(st.floats(-1e6, 1e6), min_size=9, max_size=9))
def test_components_of_any_split_sum_to_the_book(values: list[float]) -> None:
    parts = np.array(values).reshape(3, 3)
    rows = split({"a": parts[0], "b": parts[1], "c": parts[2]})
    book = parts.sum(axis=0)
    whole = normal_components(book, COVARIANCE, confidence=0.99).value_at_risk
    shortfall = tail_risk(book @ RETURNS, confidence=0.99).expected_shortfall
    gross = np.abs(parts).sum() + 1.0
    assert sum(r.component_var for r in rows) == pytest.approx(whole, abs=1e-9 * gross)
    assert sum(r.component_es for r in rows) == pytest.approx(shortfall, abs=1e-9 * gross)


def test_one_group_is_the_whole_book_and_without_it_nothing_is_left() -> None:
    held = np.array([100.0, -50.0, 20.0])
    (row,) = split({"all": held})
    assert row.incremental_var == pytest.approx(
        tail_risk(held @ RETURNS, confidence=0.99).value_at_risk
    )
    assert row.marginal_var == pytest.approx(row.component_var / 170.0)
    assert row.exposure == pytest.approx(70.0)


def test_an_empty_group_has_no_marginal_risk() -> None:
    rows = split({"held": np.array([1.0, 0.0, 0.0]), "idle": np.zeros(3)})
    assert [(r.name, r.marginal_var is None) for r in rows] == [("held", False), ("idle", True)]
    with pytest.raises(InvalidInputError, match="needs at least one part"):
        split({})


def test_factors_recover_their_exposures_and_sum_to_the_book() -> None:
    generator = np.random.default_rng(0)
    market, style = generator.normal(scale=0.01, size=(2, 500))
    pnl = 1000 * market - 300 * style + generator.normal(scale=0.5, size=500)

    rows = factor_risks(
        pnl, {"market": market, "style": style}, value_at_risk=30.0, confidence=0.99
    )

    by_name = {row.name: row for row in rows}
    assert by_name["market"].exposure == pytest.approx(1000, rel=0.02)
    assert by_name["style"].exposure == pytest.approx(-300, rel=0.05)
    assert sum(row.component_var for row in rows) == pytest.approx(30.0)
    assert sum(row.component_es for row in rows) == pytest.approx(
        tail_risk(pnl, confidence=0.99).expected_shortfall
    )
    assert by_name[SPECIFIC].component_var < 0.2
    assert by_name[SPECIFIC].marginal_var is None


def test_factors_that_cannot_be_told_apart_or_are_unknown_are_refused() -> None:
    factor = RETURNS[0]
    with pytest.raises(MissingDataError, match="do not vary apart"):
        factor_risks(RETURNS[1], {"a": factor, "b": 2 * factor}, value_at_risk=1, confidence=0.99)
    with pytest.raises(MissingDataError, match="0 sessions have every factor"):
        factor_risks(RETURNS[1], {"a": np.full(500, np.nan)}, value_at_risk=1, confidence=0.99)


def test_shape_of_a_known_tail() -> None:
    pnl = np.random.default_rng(0).standard_t(3, size=4000)
    shape = tail_shape(pnl, np.vstack([pnl, pnl]), pnl)
    losses = np.random.default_rng(0).pareto(3.0, size=4000) + 1.0
    assert tail_shape(-losses, pnl[None], pnl).hill == pytest.approx(3.0, abs=0.5)
    assert shape.pareto_shape == pytest.approx(1 / 3, abs=0.12)
    assert shape.market_tail_dependence == 1.0
    assert shape.average_tail_dependence == 1.0
    assert shape.tail_ratio == pytest.approx(1.0, abs=0.1)
    assert [row.quantile for row in shape.thresholds] == [0.85, 0.875, 0.9, 0.925, 0.95, 0.975]


def test_a_book_that_never_moved_has_no_shape() -> None:
    shape = tail_shape(np.zeros(300), np.zeros((1, 300)), RETURNS[0, :300])
    assert (shape.hill, shape.pareto_shape, shape.tail_ratio) == (None, None, None)
    assert shape.average_tail_dependence is None
    assert shape.thresholds == ()


def test_each_covariance_gives_its_own_view_and_one_factor_each_is_the_sample() -> None:
    held = np.array([100.0, 50.0, -20.0])
    views = {v.estimate: v for v in covariance_views(held, RETURNS, equity=1e3, confidence=0.99)}
    assert list(views) == ["sample", "ewma", "ledoit_wolf", "factor"]
    std = float(np.sqrt(held @ COVARIANCE @ held))
    assert views["sample"].value_at_risk == pytest.approx(2.326348 * std)
    assert views["sample"].volatility == pytest.approx(std * 252**0.5 / 1e3)
    assert views["factor"].value_at_risk == pytest.approx(views["sample"].value_at_risk)
    assert views["ewma"].value_at_risk != views["sample"].value_at_risk


def test_a_singular_covariance_has_no_condition() -> None:
    twice = np.vstack([RETURNS[0], RETURNS[0]])
    views = covariance_views(np.ones(2), twice, equity=1.0, confidence=0.99)
    assert views[0].condition is None
    assert views[2].condition is not None  # Ledoit and Wolf's is regular.
