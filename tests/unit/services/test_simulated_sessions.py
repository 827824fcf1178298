"""Tests of `services.simulated_sessions` on the real bars of the sample."""

from datetime import UTC, date, datetime

import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError, MissingDataError
from infra.lake import ParquetLake, open_storage
from infra.sources.sample import DATASETS, SampleSource
from market.depth import top_of_book
from market.ticks import depth_dataset
from services.market_data import MarketData
from services.ports import DataQualityDocument
from services.simulated_sessions import session_hours, simulate_sessions

DAY = date(2012, 11, 23)  # The half day after Thanksgiving.


class NoDocuments:
    """Writes nothing: these tests are about the sessions."""

    def validate(self, *_: object) -> DataQualityDocument:
        return DataQualityDocument("nowhere", 0, 0, 0)

    def released(self, *_: object) -> frozenset[str]:
        return frozenset()

    def set_aside(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketData:
    clock = ManualClock(datetime(2023, 1, 1, tzinfo=UTC))
    lake = ParquetLake(open_storage(tmp_path_factory.mktemp("lake")), clock)
    source = SampleSource(seed=1)
    for name in ("equities_ohlcv", "factor_etfs"):
        lake.append(DATASETS[name], next(source.read(name)))
    return MarketData(
        lake=lake, sources={}, rules=(), reporter=NoDocuments(), clock=clock, sectors={}
    )


def test_a_half_day_is_drawn_inside_its_hours_and_its_bar(market: MarketData) -> None:
    report = simulate_sessions(market, "equities_ohlcv", DAY, seed=1, trades=200)

    bar = market.bars("equities_ohlcv", start=DAY, end=DAY, symbols=["IBM"]).collect().to_dicts()[0]
    trades = report.sessions["IBM"].trades
    assert sorted(report.sessions) == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert trades["event_time"].max() <= datetime(2012, 11, 23, 18, tzinfo=UTC)  # type: ignore[operator]
    assert trades["price"].max() == bar["high"]
    assert trades["size"].sum() == bar["volume"]
    assert report.simulated_bar == frozenset()


def test_hours_are_those_of_the_exchange_on_the_day(market: MarketData) -> None:
    winter, summer = date(2012, 11, 21), date(2012, 7, 18)

    def hours(day: date) -> list[str]:
        found = session_hours(market, "equities_ohlcv", day)
        assert found is not None
        return [f"{at:%H:%M}" for at in found]

    assert hours(winter) == ["14:30", "21:00"]
    assert hours(summer) == ["13:30", "20:00"]
    assert hours(DAY) == ["14:30", "18:00"]
    with pytest.raises(MissingDataError, match="2012-11-22 is no session of XNYS"):
        hours(date(2012, 11, 22))


def test_a_symbols_session_does_not_depend_on_the_others(market: MarketData) -> None:
    alone, together = (
        simulate_sessions(market, "equities_ohlcv", DAY, seed=1, trades=50, symbols=symbols)
        for symbols in (["IBM"], None)
    )

    assert alone.sessions["IBM"].depth.equals(together.sessions["IBM"].depth)
    assert not together.sessions["AAPL"].trades.equals(together.sessions["IBM"].trades)


def test_closes_alone_are_no_bar_to_draw_from(market: MarketData) -> None:
    with pytest.raises(InvalidInputError, match="factor_etfs has no open, high, low, volume"):
        simulate_sessions(market, "factor_etfs", date(2015, 1, 5), seed=1)


def test_a_day_without_bars_is_missing(market: MarketData) -> None:
    with pytest.raises(MissingDataError, match="no bar of 2012-11-22"):
        simulate_sessions(market, "equities_ohlcv", date(2012, 11, 22), seed=1)


def test_a_drawn_book_rebuilds_from_the_lake_as_it_was(market: MarketData) -> None:
    drawn = simulate_sessions(market, "equities_ohlcv", DAY, seed=1, trades=50, symbols=["IBM"])
    depth = drawn.sessions["IBM"].depth
    dataset = depth_dataset("ibm_depth", calendar="XNYS", simulated=True, source="drawn")

    done = market.lake.append(dataset, depth)
    stored = market.bars("ibm_depth", start=DAY, end=DAY).collect()

    assert done.new == depth.height
    assert market.lake.state("ibm_depth").dataset.simulated == set(dataset.fields)
    assert top_of_book(stored).equals(top_of_book(depth))
