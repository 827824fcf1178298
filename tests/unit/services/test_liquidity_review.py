"""Tests of `services.liquidity_review` against the sums written out."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.clock import ManualClock
from basics.errors import MissingDataError
from infra.lake import ParquetLake, open_storage
from market.datasets import Dataset
from services.liquidity_review import review_liquidity
from services.market_data import MarketData
from tests.unit.services.test_market_data import RememberingReporter

BARS = Dataset(
    name="bars", fields=("open", "high", "low", "close", "volume"), simulated=frozenset({"volume"})
)


@pytest.fixture
def market(tmp_path: Path) -> MarketData:
    clock = ManualClock(datetime(2022, 6, 1, tzinfo=UTC))
    lake = ParquetLake(open_storage(tmp_path), clock)
    days = [date(2022, 5, 2) + timedelta(days=n) for n in range(8)]
    stamps = [datetime(d.year, d.month, d.day, 20, tzinfo=UTC) for d in days]
    close = np.array([100.0, 101, 100, 101, 100, 101, 100, 101])
    lake.append(
        BARS,
        pl.DataFrame(
            {
                "symbol": ["A"] * 8,
                "session": days,
                "event_time": stamps,
                "knowledge_time": stamps,
                "open": close,
                "high": close + 0.5,
                "low": close - 0.5,
                "close": close,
                "volume": [1e6] * 8,
            }
        ),
    )
    return MarketData(
        lake=lake, sources={}, rules=(), reporter=RememberingReporter(), clock=clock, sectors={}
    )


def test_a_bouncing_price_shows_its_spread_by_hand(market: MarketData) -> None:
    review = review_liquidity(market, "bars", window=6, order_value=1e6)

    (row,) = review.rows
    bounce = np.log(101 / 100)
    # Six returns alternate between +b and -b, so the covariance with the one before is -b * b.
    assert row.roll == pytest.approx(2 * bounce, rel=1e-12)
    assert (row.adv_shares, row.adv_value) == (1e6, 101e6)
    assert row.days_to_liquidate == pytest.approx(1e6 / 101 / 1e5)
    returns = np.abs(np.array([1 / 100, -1 / 101] * 3))
    assert row.amihud == pytest.approx(np.mean(returns / (np.array([101e6, 100e6] * 3))), rel=1e-2)
    assert review.simulated == ("volume",)


def test_a_window_longer_than_the_data_says_what_it_needs(market: MarketData) -> None:
    with pytest.raises(MissingDataError, match="has 8 sessions: a window of 7 needs 9"):
        review_liquidity(market, "bars", window=7)
