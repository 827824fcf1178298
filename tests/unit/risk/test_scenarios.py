"""Tests of `risk.scenarios` and `risk.pricing`."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from risk.pricing import book_pnl, position_pnl, windowed_book_pnl
from risk.scenarios import (
    age_weighted,
    compound_overlapping,
    filtered,
    historical,
)

RETURNS = np.random.default_rng(0).normal(scale=0.01, size=(3, 300))
NAMES = ("A", "B", "C")


def test_overlapping_spans_compound() -> None:
    spans = compound_overlapping(np.array([[0.1, 0.2, -0.5]]), horizon_days=2)
    assert spans[0] == pytest.approx([1.1 * 1.2 - 1, 1.2 * 0.5 - 1])


def test_one_day_history_is_the_returns() -> None:
    assert historical(NAMES, RETURNS).returns is RETURNS


def test_age_weights_fade_by_the_decay() -> None:
    weights = age_weighted(NAMES, RETURNS, decay=0.98).weights
    assert weights is not None
    assert weights.sum() == pytest.approx(1.0)
    assert weights[-2] / weights[-1] == pytest.approx(0.98)


def test_filtered_returns_carry_todays_volatility() -> None:
    calm_then_wild = np.concatenate([RETURNS[:, :200], 4 * RETURNS[:, 200:]], axis=1)

    scenarios = filtered(NAMES, calm_then_wild).returns

    # Calm days are blown up, so both halves end with about one volatility.
    ratio = scenarios[:, 100:200].std() / scenarios[:, 220:].std()
    assert ratio == pytest.approx(1.0, abs=0.35)


def test_symbol_that_never_moved_stays_still() -> None:
    still = np.zeros((1, 50))
    assert filtered(("A",), still).returns.tolist() == still.tolist()


def test_position_pnl_sums_to_the_book() -> None:
    exposures = np.array([100.0, -50.0, 20.0])
    scenarios = historical(NAMES, RETURNS)
    assert position_pnl(exposures, scenarios).sum(axis=0) == pytest.approx(
        book_pnl(exposures, scenarios)
    )


def test_each_days_row_uses_only_the_days_before() -> None:
    returns = np.arange(10.0)[None, :]
    exposures = np.array([[1.0, 2.0, 3.0]])

    rows = windowed_book_pnl(exposures, returns, window=4)

    # The three days are 7, 8 and 9; the first sees days 3 to 6.
    assert rows.tolist() == [[3, 4, 5, 6], [8, 10, 12, 14], [15, 18, 21, 24]]


def test_malformed_scenarios_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="do not match 2 symbols"):
        historical(("A", "B"), RETURNS)
    with pytest.raises(MissingDataError, match="no span of 400"):
        historical(NAMES, RETURNS, horizon_days=400)
    with pytest.raises(InvalidInputError, match="exposures"):
        book_pnl(np.array([1.0, np.nan, 0.0]), historical(NAMES, RETURNS))
    with pytest.raises(InvalidInputError, match="need 13 sessions, got 5"):
        windowed_book_pnl(np.ones((1, 3)), np.ones((1, 5)), window=10)
