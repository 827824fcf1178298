"""Tests of `services.pnl_performance`: what the owners' money earned."""

import numpy as np
import pytest
from scipy.special import ndtr

from basics.arrays import IntArray
from basics.errors import InvalidInputError
from pnl.daily import DailyBooks
from services.pnl_figures import (
    TrialsBehind,
    given_trials,
    money_weighted_figures,
    selection_figure,
    turnover_figure,
)

DAYS = np.array(["2021-01-02", "2021-07-02", "2022-01-01"], dtype="datetime64[D]")


def books(flows: list[int], equity: list[int], *, opening: int = 0) -> DailyBooks:
    none: IntArray = np.zeros((0, len(flows)), dtype=np.int64)
    return DailyBooks(
        currency="USD", digits=2, sessions=DAYS[: len(flows)], keys=(), pnl=none, fees=none,
        market_value=none, flows=np.array(flows), equity=np.array(equity), opening=opening,
    )  # fmt: skip


def test_ten_per_cent_in_a_year_by_hand() -> None:
    dietz, rate = money_weighted_figures(books([10_000, 0, 0], [10_000, 10_500, 11_000]))

    assert (dietz.name, dietz.value) == ("modified_dietz_return", pytest.approx(0.1))
    # Paid in on the morning of 2 January, dated the 1st: 365 days to 1 January.
    assert (rate.name, rate.value) == ("internal_rate_of_return", pytest.approx(0.1))


def test_money_paid_in_late_weighs_for_as_long_as_it_was_in() -> None:
    dietz, rate = money_weighted_figures(
        books([0, 9_000, 0], [10_000, 19_000, 19_700], opening=10_000)
    )

    # Gain 7.00 on 100 for the whole and 90 for two of three sessions.
    assert dietz.value == pytest.approx(7 / (100 + 90 * 2 / 3))
    assert rate.value is not None
    years = [0, 181 / 365, 1]
    amounts = [-100, -90, 197]
    assert sum(a / (1 + rate.value) ** y for a, y in zip(amounts, years, strict=True)) == (
        pytest.approx(0, abs=1e-9)
    )


def test_what_has_no_rate_says_why() -> None:
    dietz, rate = money_weighted_figures(books([0], [0]))

    assert (dietz.value, rate.value) == (None, None)
    assert dietz.reason is not None
    assert "average capital" in dietz.reason
    assert rate.reason is not None


def test_turnover_by_hand() -> None:
    days = books([10_000, 0, 0], [10_000, 10_000, 10_000])

    # 150 dollars in three sessions on 100 of capital: half of it a session, 126 times a year.
    figure = turnover_figure(days, np.array([10_000, 0, 5_000]))

    assert figure.value == pytest.approx(0.5 * 252)
    assert figure.basis == "bought and sold together, times a year; one way it is half"
    unknown = turnover_figure(days, None)
    assert unknown.value is None
    assert "value them again" in str(unknown.reason)


def _golden_returns() -> np.ndarray:
    """Return 1,250 returns, whose yearly Sharpe ratio is 2.5 exactly."""
    shape = np.random.default_rng(1).normal(size=1250)
    values: np.ndarray = (shape - shape.mean()) / shape.std(ddof=1) + 2.5 / np.sqrt(250)
    values /= 100  # A session loses a few per cent, never more than all; the ratio is the same.
    return values


def test_the_deflated_sharpe_ratio_is_that_of_the_paper() -> None:
    # Bailey and Lopez de Prado (2014): 100 trials, V a half a year, SR0 0.1132 a day.
    trials = TrialsBehind(count=100, source="the paper", sharpe_variance=0.5 / 250)
    figure = selection_figure(_golden_returns(), trials)

    sr = 2.5 / np.sqrt(250)
    assert figure.value == pytest.approx(
        float(ndtr((sr - 0.1132) * np.sqrt(1249) / np.sqrt(1 + sr**2 / 2))), abs=2e-3
    )
    assert figure.basis == "100 trials: the paper"


def test_more_trials_leave_less_of_a_record_and_none_leaves_a_reason() -> None:
    returns = _golden_returns()[:250]
    by_count = [selection_figure(returns, given_trials(n)).value for n in (1, 10, 1000)]

    assert by_count == sorted(by_count, reverse=True)
    assert by_count[0] > by_count[2]
    nobody = selection_figure(returns, None)
    assert nobody.value is None
    assert "give their number (--trials)" in str(nobody.reason)
    flat = selection_figure(np.zeros(10), given_trials(5))
    assert (flat.value, flat.reason) == (None, "the returns do not vary")
    with pytest.raises(InvalidInputError, match="number of trials must be positive, got 0"):
        given_trials(0)
