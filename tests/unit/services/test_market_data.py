"""Tests of `services.market_data` on a real lake in a folder, with sources made of frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from infra.data_quality.policy import load_rules
from infra.isolation import PROJECT_ROOT
from infra.lake import ParquetLake, open_storage
from infra.reference import ReferenceTables
from infra.sources.sample import SampleSource
from market.actions import Purpose
from market.datasets import Dataset
from market.quality import Rule
from market.reference import Membership, TickerHistory, TickerSpan, Universe
from services.data_documents import document_partitions
from services.market_data import MarketData
from services.ports import DataQualityDocument

DATASET = Dataset(name="equities_two", fields=("close", "volume"), simulated=frozenset({"volume"}))
NOW = datetime(2022, 6, 1, tzinfo=UTC)


@dataclass
class FrameSource:
    """Brings the frames it was given."""

    frames: list[pl.DataFrame]
    name: str = "frames"

    def datasets(self) -> list[Dataset]:
        return [DATASET]

    def fingerprint(self, dataset: str) -> str:
        return content_hash(dataset, [frame.write_csv() for frame in self.frames])

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        del dataset
        yield from self.frames


@dataclass
class RememberingReporter:
    """Remembers what it was shown."""

    seen: list[str] = field(default_factory=list)

    def validate(
        self, dataset: Dataset, batches: Iterable[tuple[str, pl.DataFrame]], rules: tuple[Rule, ...]
    ) -> DataQualityDocument:
        del rules
        names = [f"{dataset.name} {name}" for name, _ in batches]
        self.seen += names
        return DataQualityDocument("nowhere", len(names), 0, 0)

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        del dataset
        return None if rows.is_empty() else "aside"

    def released(self, dataset: Dataset) -> frozenset[str]:
        del dataset
        return frozenset()


def rows(symbol: str, days: list[date], closes: list[float]) -> pl.DataFrame:
    stamps = [datetime(d.year, d.month, d.day, 20, tzinfo=UTC) for d in days]
    return DATASET.conform(
        pl.DataFrame(
            {
                "symbol": [symbol] * len(days),
                "session": days,
                "event_time": stamps,
                "knowledge_time": stamps,
                "close": closes,
                "volume": [100.0] * len(days),
            }
        )
    )


MONDAY, TUESDAY, WEDNESDAY = (date(2022, 5, day) for day in (2, 3, 4))
GOOD = rows("A", [MONDAY, TUESDAY], [10.0, 10.1])


@pytest.fixture
def reporter() -> RememberingReporter:
    return RememberingReporter()


@pytest.fixture
def market(tmp_path: Path, reporter: RememberingReporter) -> MarketData:
    clock = ManualClock(NOW)
    return MarketData(
        lake=ParquetLake(open_storage(tmp_path), clock),
        sources={"frames": FrameSource([GOOD])},
        rules=load_rules(PROJECT_ROOT / "policy"),
        reporter=reporter,
        clock=clock,
        sectors={},
    )


def test_unchanged_data_is_neither_read_nor_validated_again(
    market: MarketData, reporter: RememberingReporter
) -> None:
    first = market.ingest("frames")
    again = market.ingest("frames")

    assert [item.status for item in (*first.datasets, *again.datasets)] == ["landed", "unchanged"]
    assert reporter.seen == ["equities_two 2022"]
    assert again.datasets[0].version == first.datasets[0].version == market.version("equities_two")


def test_a_panel_marks_what_is_simulated_and_holds_nan_where_nothing_traded(
    market: MarketData,
) -> None:
    market.ingest_from(FrameSource([GOOD, rows("B", [TUESDAY], [20.0])]))

    panel = market.panel("equities_two", fields=["close", "volume"])

    assert panel.symbols == ("A", "B")
    assert panel.simulated == {"volume"}
    assert np.array_equal(panel["close"], [[10.0, 10.1], [np.nan, 20.0]], equal_nan=True)


def test_a_correction_shows_now_and_not_before_it_was_known(market: MarketData) -> None:
    market.ingest("frames")
    fixed = market.ingest_from(FrameSource([rows("A", [MONDAY, TUESDAY], [10.0, 10.2])]))

    before = market.panel("equities_two", fields=["close"], as_of=NOW - timedelta(days=1))
    after = market.panel("equities_two", fields=["close"])

    assert fixed.datasets[0].corrected == 1
    assert before["close"][0, 1] == 10.1
    assert after["close"][0, 1] == 10.2


def test_bad_rows_are_set_aside_good_rows_land_and_downstream_stops(market: MarketData) -> None:
    bad = rows("A", [WEDNESDAY], [-3.0])

    report = market.ingest_from(FrameSource([pl.concat([GOOD, bad])]))

    item = report.datasets[0]
    assert (item.status, item.new, item.quarantined, item.quarantine) == ("stopped", 2, 1, "aside")
    assert report.stopped
    assert report.reason == "equities_two: prices-positive broken by 1 rows"
    assert market.panel("equities_two", fields=["close"]).sessions.size == 2


def test_a_stopped_delivery_is_looked_at_again(market: MarketData) -> None:
    source = FrameSource([pl.concat([GOOD, rows("A", [WEDNESDAY], [-3.0])])])

    first, second = market.ingest_from(source), market.ingest_from(source)

    assert [r.datasets[0].status for r in (first, second)] == ["stopped", "stopped"]
    assert second.datasets[0].new == 0


def test_a_source_that_takes_back_a_stopped_delivery_corrects_what_landed_of_it(
    market: MarketData,
) -> None:
    market.ingest("frames")
    wrong = rows("A", [MONDAY, TUESDAY, WEDNESDAY], [10.0, 10.3, -3.0])
    market.ingest_from(FrameSource([wrong]))

    back = market.ingest("frames")

    assert (back.datasets[0].status, back.datasets[0].corrected) == ("landed", 1)
    assert market.panel("equities_two", fields=["close"])["close"][0, 1] == 10.1


def test_stored_rows_can_be_checked_again(market: MarketData) -> None:
    market.ingest("frames")

    assert market.check("equities_two").findings == ()


def test_prices_adjust_on_read_for_a_purpose_and_as_known(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    market = MarketData(
        lake=ParquetLake(open_storage(tmp_path), clock),
        sources={"sample": SampleSource(seed=1)},
        rules=load_rules(PROJECT_ROOT / "policy"),
        reporter=RememberingReporter(),
        clock=clock,
        sectors={},
    )
    market.ingest("sample", datasets=["equities_ohlcv", "equities_ohlcv_actions"])
    span = {"fields": ["close"], "start": date(2005, 2, 25), "end": date(2005, 2, 28)}

    traded = market.panel("equities_ohlcv", symbols=["AAPL"], **span)
    held = market.panel("equities_ohlcv", symbols=["AAPL"], purpose=Purpose.RETURNS, **span)

    # Apple split two for one on 2005-02-28.
    assert traded["close"][0].tolist() == [88.99, 44.86]
    assert held["close"][0].tolist() == [88.99 / 2, 44.86]


def test_a_universe_leaves_out_who_did_not_belong_as_known(
    market: MarketData,
) -> None:
    member = Membership(
        universe="mine", symbol="A", first=TUESDAY, last=None, known_at=NOW - timedelta(days=5)
    )
    market = replace(market, universes={"mine": Universe("mine", (member,))})
    market.ingest("frames")

    now = market.panel("equities_two", fields=["close"], universe="mine")
    before = market.panel(
        "equities_two", fields=["close"], universe="mine", as_of=NOW - timedelta(days=9)
    )

    assert np.array_equal(now["close"], [[np.nan, 10.1]], equal_nan=True)
    assert np.isnan(before["close"]).all()
    with pytest.raises(MissingDataError, match="no universe 'other': there are mine"):
        market.panel("equities_two", fields=["close"], universe="other")


def test_nobody_knew_the_sample_universe_before_it_was_chosen(tmp_path: Path) -> None:
    chosen = ReferenceTables(tmp_path).universes()["sample_20"]

    assert len(chosen.members(date(2000, 1, 3))) == 20
    assert chosen.members(date(2000, 1, 3), as_of=datetime(2000, 1, 4, tzinfo=UTC)) == ()


def test_an_unknown_source_is_refused_by_name(market: MarketData) -> None:
    with pytest.raises(InvalidInputError, match="unknown source 'elsewhere': there are frames"):
        market.ingest("elsewhere")


def test_an_unknown_field_is_missing_by_name(market: MarketData) -> None:
    market.ingest("frames")
    with pytest.raises(MissingDataError, match="has no field open: it has close, volume"):
        market.panel("equities_two", fields=["open"])


def test_reading_again_what_is_unchanged_adds_no_row_and_no_version(market: MarketData) -> None:
    source = FrameSource([GOOD])
    first = market.ingest_from(source)

    again = market.ingest_from(source, again=True)

    assert again.datasets[0].new == 0
    assert again.datasets[0].unchanged == GOOD.height
    assert again.datasets[0].version == first.datasets[0].version


def test_a_panel_follows_the_instrument_through_a_change_of_ticker(market: MarketData) -> None:
    renamed = TickerHistory(
        (
            TickerSpan(instrument="one", symbol="OLD", first=MONDAY, last=MONDAY),
            TickerSpan(instrument="one", symbol="NEW", first=TUESDAY),
            TickerSpan(instrument="two", symbol="NEW", first=date(2020, 1, 1), last=MONDAY),
        )
    )
    frames = [
        rows("OLD", [MONDAY], [10.0]),
        rows("NEW", [MONDAY], [70.0]),  # Another instrument's, of which nothing is left.
        rows("NEW", [TUESDAY], [10.1]),
    ]
    market = replace(market, tickers=renamed, sources={"frames": FrameSource(frames)})
    market.ingest("frames")

    now = market.panel("equities_two", fields=["close"], symbols=["NEW"])
    then = market.panel("equities_two", fields=["close"], end=MONDAY)

    assert market.version("equities_two") != market.lake.state("equities_two").version
    assert now.symbols == ("NEW",)
    assert now["close"].tolist() == [[10.0, 10.1]]
    assert then.symbols == ("NEW", "OLD")  # On Monday each was who it was.
    assert then["close"].tolist() == [[70.0], [10.0]]


def test_a_universe_follows_the_instrument_too(market: MarketData) -> None:
    renamed = TickerHistory(
        (
            TickerSpan(instrument="one", symbol="OLD", first=MONDAY, last=MONDAY),
            TickerSpan(instrument="one", symbol="A", first=TUESDAY),
        )
    )
    member = Membership(universe="mine", symbol="OLD", first=MONDAY, last=None, known_at=NOW)
    market = replace(
        market, tickers=renamed, universes={"mine": Universe("mine", (member,))},
        sources={
            "frames": FrameSource([rows("OLD", [MONDAY], [10.0]), rows("A", [TUESDAY], [10.1])])
        },
    )  # fmt: skip
    market.ingest("frames")

    assert market.panel("equities_two", fields=["close"], universe="mine")["close"].tolist() == [
        [10.0, 10.1]
    ]


def test_the_thorough_round_documents_every_partition_by_itself(
    market: MarketData, reporter: RememberingReporter
) -> None:
    days = [date(2019, 5, 3), date(2020, 5, 4), date(2021, 5, 3)]
    years = [rows("A", [day], [10.0]) for day in days]
    market.ingest_from(FrameSource(years))
    reporter.seen.clear()

    document = document_partitions(market, "equities_two")

    assert reporter.seen == [f"equities_two {year}" for year in (2019, 2020, 2021)]
    assert document.batches == 3
