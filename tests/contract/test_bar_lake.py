"""The contract of `services.ports.BarLake`, on every storage that the lake knows."""

import multiprocessing
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError, MissingDataError
from infra.lake import ParquetLake, open_storage
from infra.lake.maintenance import compact, tidy, vacuum
from market.datasets import Dataset, Partition
from services.ports import BarLake
from tests.object_store import ObjectStore

NOW = datetime(2022, 6, 1, tzinfo=UTC)
PRICES = Dataset(name="prices", fields=("close",), calendar=None)


def bars(symbol: str, first: date, closes: list[float | None]) -> pl.DataFrame:
    days = [first + timedelta(days=i) for i in range(len(closes))]
    stamps = [datetime(d.year, d.month, d.day, 21, tzinfo=UTC) for d in days]
    return PRICES.conform(
        pl.DataFrame(
            {
                "symbol": [symbol] * len(closes),
                "session": days,
                "event_time": stamps,
                "knowledge_time": stamps,
                "close": pl.Series(closes, dtype=pl.Float64),
            }
        )
    )


@pytest.fixture(params=["folder", "memory", "s3"])
def location(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    if request.param == "s3":
        store: ObjectStore = request.getfixturevalue("object_store")
        return store.bucket(monkeypatch)
    return str(tmp_path / "lake") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def lake(location: str) -> BarLake:
    return ParquetLake(open_storage(location), ManualClock(NOW))


def test_rows_come_back_as_they_went_in(lake: BarLake) -> None:
    rows = pl.concat([bars("A", date(2021, 12, 30), [1.0, 2.0, 3.0, 4.0])])

    done = lake.append(PRICES, rows)

    assert (done.new, done.corrected, done.unchanged) == (4, 0, 0)
    assert done.partitions == ("2021", "2022")
    assert lake.scan("prices").sort("session").collect().equals(rows)


def test_the_same_rows_again_change_nothing(lake: BarLake) -> None:
    rows = bars("A", date(2022, 1, 3), [1.0, None, 3.0])
    first = lake.append(PRICES, rows, fingerprint="f")

    second = lake.append(PRICES, rows, fingerprint="f")

    assert (second.new, second.corrected, second.unchanged) == (0, 0, 3)
    assert second.version == first.version
    assert lake.state("prices").rows == 3


def test_a_correction_is_a_new_row_and_the_past_keeps_its_own(lake: BarLake) -> None:
    lake.append(PRICES, bars("A", date(2022, 1, 3), [1.0, 2.0]))

    done = lake.append(PRICES, bars("A", date(2022, 1, 3), [1.0, 2.5]))

    assert (done.new, done.corrected, done.unchanged) == (0, 1, 1)
    assert lake.scan("prices").sort("session").collect()["close"].to_list() == [1.0, 2.5]
    then = lake.scan("prices", as_of=NOW - timedelta(seconds=1)).sort("session").collect()
    assert then["close"].to_list() == [1.0, 2.0]
    told = lake.history("prices", symbol="A", session=date(2022, 1, 4))
    assert told["close"].to_list() == [2.0, 2.5]
    assert told["knowledge_time"][1] == NOW


def test_a_value_can_be_corrected_back(lake: BarLake) -> None:
    for close in (2.0, 2.5, 2.0):
        lake.append(PRICES, bars("A", date(2022, 1, 3), [close]))

    assert lake.scan("prices").collect()["close"].to_list() == [2.0]
    assert lake.state("prices").corrections == 2


def test_range_and_symbols_filter(lake: BarLake) -> None:
    lake.append(PRICES, bars("A", date(2021, 12, 30), [1.0, 2.0, 3.0, 4.0]))
    lake.append(PRICES, bars("B", date(2022, 1, 1), [9.0]))

    found = lake.scan("prices", start=date(2021, 12, 31), end=date(2022, 1, 1), symbols=["A"])

    assert found.sort("session").collect()["close"].to_list() == [2.0, 3.0]


def test_the_version_follows_content_not_the_order_of_arrival(tmp_path: Path) -> None:
    one, two = (
        ParquetLake(open_storage(tmp_path / name), ManualClock(NOW)) for name in ("one", "two")
    )
    early, late = bars("A", date(2021, 1, 4), [1.0]), bars("B", date(2022, 1, 4), [2.0])

    for rows in (early, late):
        one.append(PRICES, rows)
    for rows in (late, early):
        two.append(PRICES, rows)

    assert one.state("prices").version == two.state("prices").version
    one.append(PRICES, bars("B", date(2022, 1, 4), [2.1]))
    assert one.state("prices").version != two.state("prices").version


def test_a_dataset_may_gain_a_field_but_not_lose_one(lake: BarLake) -> None:
    lake.append(PRICES, bars("A", date(2022, 1, 3), [1.0]))
    wider = Dataset(name="prices", fields=("close", "volume"), calendar=None)
    rows = bars("A", date(2022, 1, 4), [2.0]).with_columns(volume=pl.lit(5.0))

    lake.append(wider, rows)

    table = lake.scan("prices").sort("session").collect()
    assert table["volume"].to_list() == [None, 5.0]
    with pytest.raises(InvalidInputError, match="stored fields volume"):
        lake.append(PRICES, bars("A", date(2022, 1, 5), [2.0]))


def test_another_partition_needs_another_name(lake: BarLake) -> None:
    lake.append(PRICES, bars("A", date(2022, 1, 3), [1.0]))
    daily = Dataset(name="prices", fields=("close",), calendar=None, partition=Partition.DAY)

    with pytest.raises(InvalidInputError, match="choose another name"):
        lake.append(daily, bars("A", date(2022, 1, 4), [1.0]))


def test_an_unknown_dataset_is_missing_by_name(lake: BarLake) -> None:
    with pytest.raises(MissingDataError, match="no dataset 'nothing'"):
        lake.scan("nothing")


def test_files_that_no_commit_names_do_not_exist(tmp_path: Path) -> None:
    lake = ParquetLake(open_storage(tmp_path), ManualClock(NOW))
    lake.append(PRICES, bars("A", date(2022, 1, 3), [1.0]))
    before = lake.state("prices")

    # A writer that dies after its files and before its commit leaves this behind.
    lake.write_part(PRICES, "2022", bars("Z", date(2022, 1, 3), [9.0]), 0)

    assert lake.state("prices") == before
    assert lake.scan("prices").collect()["symbol"].to_list() == ["A"]


def test_many_commits_read_back_whole(lake: BarLake) -> None:
    for day in range(40):
        lake.append(PRICES, bars("A", date(2022, 1, 1) + timedelta(days=day), [float(day)]))

    assert lake.scan("prices").sort("session").collect()["close"].to_list() == [
        *map(float, range(40))
    ]


def _append_rows(folder: str, symbol: str) -> None:
    lake = ParquetLake(open_storage(folder), ManualClock(NOW))
    for day in range(8):
        lake.append(PRICES, bars(symbol, date(2022, 1, 1) + timedelta(days=day), [1.0]))


@pytest.mark.parametrize("location", ["folder", "s3"], indirect=True)
def test_concurrent_writers_lose_no_row(location: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_append_rows, args=(location, name)) for name in ("A", "B", "A")
    ]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    table = ParquetLake(open_storage(location), ManualClock(NOW)).scan("prices").collect()
    assert table.height == 16  # Two writers of the same symbol add its rows once.
    assert table.unique(["symbol", "session"]).height == 16


def test_compaction_changes_neither_answers_nor_version(location: str) -> None:
    lake = ParquetLake(open_storage(location), ManualClock(NOW))
    for closes in ([1.0, 2.0], [1.0, 2.5], [1.5]):
        lake.append(PRICES, bars("A", date(2022, 1, 3), [*closes]))
    before, version = lake.state("prices"), lake.state("prices").version
    then = lake.scan("prices", as_of=NOW - timedelta(days=1)).sort("session").collect()

    gone = compact(lake, "prices")

    after = lake.state("prices")
    assert (gone, before.files, after.files) == (3, 3, 1)
    assert after.version == version
    assert lake.scan("prices").sort("session").collect()["close"].to_list() == [1.5, 2.5]
    again = lake.scan("prices", as_of=NOW - timedelta(days=1)).sort("session").collect()
    assert again.equals(then)


@pytest.mark.parametrize("location", ["folder", "s3"], indirect=True)
def test_vacuum_removes_what_nothing_names_and_nothing_else(location: str) -> None:
    clock = ManualClock(datetime.now(UTC) + timedelta(hours=2))  # Files bear the machine's time.
    lake = ParquetLake(open_storage(location), clock)
    for day in (3, 4):
        lake.append(PRICES, bars("A", date(2022, 1, day), [1.0]))
    compact(lake, "prices")

    removed = vacuum(lake, "prices")

    assert removed == 2
    assert vacuum(lake, "prices") == 0
    assert lake.scan("prices").collect().height == 2


def test_upkeep_merges_crowded_partitions_alone(tmp_path: Path) -> None:
    lake = ParquetLake(open_storage(tmp_path), ManualClock(NOW))
    for day in range(3, 6):
        lake.append(PRICES, bars("A", date(2022, 1, day), [1.0]))
    lake.append(PRICES, bars("A", date(2021, 1, 4), [1.0]))

    first, again = tidy(lake, "prices", at_least=3), tidy(lake, "prices", at_least=3)

    assert (first.merged, again.merged) == (3, 0)
    assert lake.state("prices").files == 2
    assert lake.scan("prices").collect().height == 4
