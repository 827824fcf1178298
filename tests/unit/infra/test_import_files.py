"""Tests of importing a user's files: every kind of bad row is listed, every good row lands."""

import csv
import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError, MissingDataError
from infra.data_quality.policy import load_rules
from infra.isolation import PROJECT_ROOT
from infra.lake import ParquetLake, open_storage
from infra.sources.columns import Reading
from infra.sources.files import open_files
from infra.sources.rejections import RejectionFile
from market.datasets import Dataset
from market.quality import Rule
from services.data_import import ImportReport, import_bars
from services.market_data import MarketData
from services.ports import DataQualityDocument

HEADER = "Date,Symbol,Open,High,Low,Adj Close,Volume\n"
GOOD = "2022-01-0{day},AAA,10,11,9,10.5,1000\n"


class SilentReporter:
    """Writes no documents: these tests are about the files."""

    def validate(
        self, dataset: Dataset, batches: dict[str, pl.DataFrame], rules: tuple[Rule, ...]
    ) -> DataQualityDocument:
        del dataset, batches, rules
        return DataQualityDocument("nowhere", 0, 0, 0)

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        del dataset, rows

    def released(self, dataset: Dataset) -> frozenset[str]:
        del dataset
        return frozenset()


@pytest.fixture
def market(tmp_path: Path) -> MarketData:
    clock = ManualClock(datetime(2022, 6, 1, tzinfo=UTC))
    return MarketData(
        lake=ParquetLake(open_storage(tmp_path / "lake"), clock),
        sources={},
        rules=load_rules(PROJECT_ROOT / "policy"),
        reporter=SilentReporter(),
        clock=clock,
        sectors={},
    )


def imported(
    market: MarketData, path: Path, dataset: str | None = "mine", **reading: object
) -> ImportReport:
    files = open_files(path, dataset=dataset, reading=Reading(**reading))  # type: ignore[arg-type]
    folder = path.parent / "rejections"
    return import_bars(files, market=market, report=RejectionFile(folder))


def listed(report: ImportReport) -> list[tuple[int, str]]:
    assert report.rejections is not None
    with Path(report.rejections).open(newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


def test_each_kind_of_bad_row_is_listed_by_line_and_the_rest_lands(
    market: MarketData, tmp_path: Path
) -> None:
    lines = [
        HEADER.replace("\n", ",Mood\n"),
        "2022-01-03,AAA,10,11,9,10.5,1000,good\n",
        "2022-01-04,AAA,10,11,9,NaN,1000,nan\n",
        "2022-01-05,AAA,10,8,9,10.5,1000,high below low\n",
        "2022-01-03,AAA,10,11,9,10.7,1000,duplicate\n",
        "2022-01-06,AAA,10,11,9,ten,1000,no number\n",
        "2022-01-06,AAA,10,11,9\n",
        "some day,AAA,10,11,9,10,1000,no date\n",
        "2022-01-06,,10,11,9,10,1000,no symbol\n",
        *(f"2022-01-{day:02},AAA,10,11,9,10.5,1000,good\n" for day in range(10, 21)),
        "2021-12-01,AAA,10,11,9,10.5,1000,out of order\n",
    ]
    path = tmp_path / "bars.csv"
    path.write_bytes("".join(lines).encode() + b"2022-01-21,AAA,10,11,9,10.5,1000,caf\xe9\n")

    report = imported(market, path, mapping={"close": "Adj Close"})

    assert report.new == 12
    assert report.rejected == 9
    assert dict(listed(report)) == {
        0: "unknown column 'Mood' is ignored",
        3: "close-present",
        4: "bar-order",
        5: "in-order; key-unique",
        6: "close 'ten' is no number",
        7: "5 values where the header has 8",
        8: "'some day' is no date",
        9: "no symbol",
        21: "in-order",
        22: "not UTF-8",
    }
    stored = market.bars("mine").collect()
    assert stored.height == 12
    assert stored["close"].is_finite().all()


def test_a_duplicate_that_is_out_of_order_gives_both_reasons(
    market: MarketData, tmp_path: Path
) -> None:
    days = [f"2022-01-{day:02},5\n" for day in range(3, 21)]
    path = tmp_path / "abc.csv"
    path.write_text("date,close\n" + "".join(days) + "2022-01-05,6\n")

    report = imported(market, path)

    assert listed(report) == [(20, "in-order; key-unique")]
    assert market.bars("mine").collect()["symbol"].unique().to_list() == ["ABC"]


def test_a_wide_table_becomes_one_row_for_each_symbol_and_day(
    market: MarketData, tmp_path: Path
) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("Date,AAA,BBB\n2022-01-03,1.5,\n2022-01-04,1.6,2.5\n")

    report = imported(market, path)

    panel = market.panel("mine", fields=["close"])
    assert report.new == 3
    assert panel.symbols == ("AAA", "BBB")
    assert panel["close"][0].tolist() == [1.5, 1.6]


def test_a_folder_of_one_file_a_symbol_and_parquet_beside_csv(
    market: MarketData, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "aaa.csv.gz").write_bytes(gzip.compress(b"day;last\n2022-01-03;1,000.5\n"))
    pl.DataFrame({"date": [date(2022, 1, 4)], "close": [2.0], "volume": [5]}).write_parquet(
        folder / "bbb.parquet"
    )

    report = imported(market, folder)

    table = market.bars("mine").sort("symbol").collect()
    assert report.new == 2
    assert table["close"].to_list() == [1000.5, 2.0]
    assert table["volume"].to_list() == [None, 5.0]


def test_a_newest_first_file_is_simply_sorted(market: MarketData, tmp_path: Path) -> None:
    path = tmp_path / "aaa.csv"
    path.write_text("date,close\n" + "".join(f"2022-01-{d:02},{d}\n" for d in range(20, 10, -1)))

    report = imported(market, path)

    assert (report.new, report.rejected) == (10, 0)


def test_the_same_file_again_is_unchanged_and_a_changed_one_corrects(
    market: MarketData, tmp_path: Path
) -> None:
    path = tmp_path / "aaa.csv"
    path.write_text("date,close\n2022-01-03,1\n2022-01-04,2\n")
    first = imported(market, path)
    again = imported(market, path)
    path.write_text("date,close\n2022-01-03,1\n2022-01-04,2.5\n")

    changed = imported(market, path)

    assert (first.status, again.status) == ("landed", "unchanged")
    assert (changed.new, changed.corrected, changed.unchanged) == (0, 1, 1)


def test_intraday_times_are_read_in_the_users_zone(market: MarketData, tmp_path: Path) -> None:
    path = tmp_path / "aaa.csv"
    path.write_text("time,close\n2022-01-03 09:31,1\n2022-01-03 09:32,2\n")

    with pytest.raises(InvalidInputError, match="state no time zone: give --timezone"):
        imported(market, path)
    imported(market, path, timezone="America/New_York")

    table = market.bars("mine").sort("event_time").collect()
    assert table["event_time"][0] == datetime(2022, 1, 3, 14, 31, tzinfo=UTC)
    assert market.catalog()[0].dataset.frequency == "intraday"


def test_an_empty_file_is_listed_and_the_others_land(market: MarketData, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "aaa.csv").write_text("")
    (folder / "bbb.csv").write_text("date,close\n2022-01-03,1\n")
    (folder / "ccc.csv").write_text("date,close\n")

    report = imported(market, folder)

    assert report.new == 1
    assert listed(report) == [(0, "the file is empty"), (0, "the file has a header and no rows")]


def test_utf16_with_a_mark_is_read(market: MarketData, tmp_path: Path) -> None:
    path = tmp_path / "aaa.csv"
    path.write_bytes("date,close\r\n2022-01-03,1\r\n".encode("utf-16"))

    assert imported(market, path).new == 1


@pytest.mark.parametrize(
    ("text", "error", "complaint"),
    [
        ("", InvalidInputError, "no row can be read"),
        ("close,volume\n1,2\n", InvalidInputError, "no column for the date .* --map time="),
        ("date,symbol\n2022-01-03,A\n", InvalidInputError, "no column for a price"),
        ("date,close,close\n2022-01-03,1,2\n", InvalidInputError, "column close stands twice"),
        ("date,close\n2022-01-03,-1\n", MissingDataError, "not one row of mine could be imported"),
    ],
)
def test_a_file_that_brings_nothing_says_why(
    market: MarketData, tmp_path: Path, text: str, error: type[Exception], complaint: str
) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(text)

    with pytest.raises(error, match=complaint):
        imported(market, path)


def test_a_mapped_column_that_is_not_there_is_refused(market: MarketData, tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("date,close\n2022-01-03,1\n")

    with pytest.raises(InvalidInputError, match="has no column 'Adj Close': it has date, close"):
        imported(market, path, mapping={"close": "Adj Close"})


def test_a_path_without_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="does not exist"):
        open_files(tmp_path / "nothing.csv", dataset=None, reading=Reading())
    (tmp_path / "x.xlsx").write_text("")
    with pytest.raises(InvalidInputError, match=r"is none of \.csv"):
        open_files(tmp_path / "x.xlsx", dataset=None, reading=Reading())


def test_with_a_calendar_a_saturday_is_rejected_and_a_bar_is_stamped_at_its_close(
    market: MarketData, tmp_path: Path
) -> None:
    path = tmp_path / "aaa.csv"
    path.write_text("date,close\n2021-07-02,1\n2021-07-03,2\n")

    report = imported(market, path, calendar="XNYS")

    assert listed(report) == [(3, "session-on-calendar")]
    stamps = market.bars("mine").collect()["event_time"].to_list()
    assert stamps == [datetime(2021, 7, 2, 20, tzinfo=UTC)]
