"""Tests of imported quotes, trades and depth, from a user's text files to the rebuilt book."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError, MissingDataError
from infra.lake import ParquetLake, open_storage
from infra.sources.columns import Reading
from infra.sources.files import open_files
from infra.sources.tick_columns import Kind, epoch_moments
from market.depth import Gap
from services.order_books import rebuild_book

DEPTH = """time,update_id,side,price,qty,snapshot
2022-01-03T14:30:00Z,1,bid,99.5,10,true
2022-01-03T14:30:00Z,1,ask,100.5,20,true
2022-01-03T14:30:01Z,2,bid,99.75,5,false
2022-01-03T14:30:03Z,4,ask,100.25,7,false
"""


def read(path: Path, text: str, **how: object) -> pl.DataFrame:
    path.write_text(text)
    files = open_files(path, dataset="mine", reading=Reading(**how))  # type: ignore[arg-type]
    dataset = files.describe()
    return pl.concat([delivery.rows for delivery in files.deliveries(dataset)])


def test_quotes_are_recognised_by_their_common_names(tmp_path: Path) -> None:
    text = "timestamp,symbol,Bid Price,Ask Price,bidsize\n1641220200123456789,A,9.99,10.01,300\n"

    rows = read(tmp_path / "q.csv", text, kind=Kind.QUOTES, time_format="epoch_ns")

    # Nanoseconds do not fit a float: the microseconds must be the text's own.
    assert rows["event_time"][0] == datetime(2022, 1, 3, 14, 30, 0, 123_456, tzinfo=UTC)
    assert rows.select("bid", "ask", "bid_size", "ask_size").row(0) == (9.99, 10.01, 300.0, None)


def test_trades_of_one_moment_keep_the_order_of_the_file(tmp_path: Path) -> None:
    stamp = "2022-01-03T14:30:00Z"
    text = f"time,price,qty,side\n{stamp},10,1,BUY\n{stamp},11,2,s\n"

    rows = read(tmp_path / "ibm.csv", text, kind=Kind.TRADES)

    assert rows.select("symbol", "price", "size", "side").rows() == [
        ("IBM", 10.0, 1.0, 1.0), ("IBM", 11.0, 2.0, -1.0),
    ]  # fmt: skip
    assert rows["sequence"].is_sorted()
    assert rows["sequence"].n_unique() == 2


def test_a_side_that_is_none_is_rejected_and_the_others_land(tmp_path: Path) -> None:
    path = tmp_path / "ibm.csv"
    path.write_text(
        "time,price,qty,side\n2022-01-03T14:30:00Z,10,1,up\n2022-01-03T14:31:00Z,10,1,b\n"
    )
    files = open_files(path, dataset="mine", reading=Reading(kind=Kind.TRADES))

    (delivery,) = files.deliveries(files.describe())

    assert delivery.rows.height == 1
    assert [(r.line, r.reason) for r in delivery.rejected] == [(2, "side 'up' is no number")]


def test_depth_needs_its_ids(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"has no update_id.*--map update_id="):
        read(
            tmp_path / "d.csv",
            "time,side,price,size\n2022-01-03T14:30:00Z,bid,1,1\n",
            kind=Kind.DEPTH,
        )


def test_a_book_is_rebuilt_from_an_imported_file_and_tells_what_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "ibm.csv"
    path.write_text(DEPTH)
    files = open_files(path, dataset="depth", reading=Reading(kind=Kind.DEPTH))
    lake = ParquetLake(
        open_storage(tmp_path / "lake"), ManualClock(datetime(2022, 1, 4, tzinfo=UTC))
    )
    dataset = files.describe()
    for delivery in files.deliveries(dataset):
        lake.append(dataset, delivery.rows)

    before = rebuild_book(lake, "depth", "IBM", at=datetime(2022, 1, 3, 14, 30, 2, tzinfo=UTC))
    after = rebuild_book(lake, "depth", "IBM")

    assert (before.known, before.bids, before.asks) == (
        True, ((99.75, 5.0), (99.5, 10.0)), ((100.5, 20.0),),
    )  # fmt: skip
    assert (after.known, after.bids, after.gaps) == (False, (), (Gap(3, 3),))
    with pytest.raises(MissingDataError, match="no message of KO"):
        rebuild_book(lake, "depth", "KO")


def test_an_unknown_unit_of_time_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="epoch_s, epoch_ms, epoch_us or epoch_ns"):
        epoch_moments(pl.Series(["1"]), "epoch_days")


def test_fractions_of_seconds_count() -> None:
    moments = epoch_moments(pl.Series(["1641220200.25", "x", None]), "epoch_s")

    assert moments.to_list() == [
        datetime(2022, 1, 3, 14, 30, 0, 250_000, tzinfo=UTC), None, None,
    ]  # fmt: skip
