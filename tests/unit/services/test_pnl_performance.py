"""Tests of `services.pnl_performance`: what the owners' money earned."""

import numpy as np
import pytest

from basics.arrays import IntArray
from pnl.daily import DailyBooks
from services.pnl_performance import money_weighted_figures

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
