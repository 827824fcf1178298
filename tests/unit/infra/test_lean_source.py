"""Tests of `infra.sources.lean` on a folder laid out and scaled as Lean writes it.

Factor rows are those that Lean publishes for Apple, with reference closes as newer files carry.
"""

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.sources.lean import LeanSource

FACTORS = """19980102,0.9304792,0.142857,1
20140606,0.9304792,0.142857,645.57
20140806,0.9304792,1,94.96
20141105,0.9351125,1,108.86
20501231,1,1,0
"""


def zipped(path: Path, name: str, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    usa = tmp_path / "equity" / "usa"
    zipped(
        usa / "daily" / "aapl.zip",
        "aapl.csv",
        "20140606 00:00,6496300,6514400,6443400,6457000,12497800\n"
        "20140609 00:00,927000,938800,917500,937000,75415000\n"
        "20140806 00:00,947500,954800,947100,949600,38558000\n",
    )
    zipped(
        usa / "minute" / "aapl" / "20140606_trade.zip",
        "20140606_aapl_minute_trade.csv",
        "34200000,6496300,6500000,6490000,6495000,90\n34260000,6495000,6496000,6494000,6495500,10\n",
    )
    (usa / "factor_files").mkdir()
    (usa / "factor_files" / "aapl.csv").write_text(FACTORS)
    (usa / "map_files").mkdir()
    (usa / "map_files" / "goog.csv").write_text("20140327,goocv\n20140402,goocv\n20501231,goog\n")
    return tmp_path


def test_daily_prices_come_out_in_dollars_at_the_close(folder: Path) -> None:
    bars = next(LeanSource(folder).read("lean_daily"))

    assert bars["symbol"].unique().to_list() == ["AAPL"]
    assert bars["close"].to_list() == pytest.approx([645.7, 93.7, 94.96])
    assert bars["volume"][0] == 12_497_800
    assert bars["event_time"][0] == datetime(2014, 6, 6, 20, tzinfo=UTC)


def test_a_minute_bar_is_known_when_its_minute_is_over(folder: Path) -> None:
    bars = next(LeanSource(folder).read("lean_minute"))

    # 34,200,000 ms after midnight in New York is 09:30, in June 13:30 UTC.
    assert bars["event_time"].to_list() == [
        datetime(2014, 6, 6, 13, 31, tzinfo=UTC),
        datetime(2014, 6, 6, 13, 32, tzinfo=UTC),
    ]
    assert bars["open"][0] == 649.63


def test_factor_files_become_the_split_and_the_dividends_that_happened(folder: Path) -> None:
    actions = next(LeanSource(folder).read("lean_daily_actions"))

    rows = actions.select("session", "split", "dividend").rows()

    # Seven for one on 2014-06-09; 0.47 dollars on 2014-08-07 in the first factor's terms.
    assert rows[0] == (date(2014, 6, 9), 7.0, 0.0)
    assert rows[1][:2] == (date(2014, 8, 7), 1.0)
    assert rows[1][2] == pytest.approx(94.96 * (1 - 0.9304792 / 0.9351125))
    assert len(rows) == 3


def test_an_older_factor_file_takes_the_close_from_the_daily_bars(folder: Path) -> None:
    path = folder / "equity" / "usa" / "factor_files" / "aapl.csv"
    path.write_text("19980102,0.93,1\n20140806,0.93,1\n20501231,1,1\n")

    actions = next(LeanSource(folder).read("lean_daily_actions"))

    assert actions["dividend"].to_list() == [pytest.approx(94.96 * 0.07)]
    path.write_text("19980102,0.93,1\n20140101,0.93,1\n20501231,1,1\n")
    with pytest.raises(MissingDataError, match="no close of 2014-01-01"):
        next(LeanSource(folder).read("lean_daily_actions"))


def test_map_files_give_a_ticker_history(folder: Path) -> None:
    history = LeanSource(folder).tickers()

    assert history.symbol("GOOG", date(2014, 4, 2)) == "GOOCV"
    assert history.symbol("GOOG", date(2014, 4, 3)) == "GOOG"


def test_the_folder_says_what_it_holds_and_a_changed_file_changes_the_fingerprint(
    folder: Path,
) -> None:
    source = LeanSource(folder)
    before = source.fingerprint("lean_daily")

    zipped(folder / "equity" / "usa" / "daily" / "ibm.zip", "ibm.csv", "20140606 00:00,1,1,1,1,1\n")

    assert [d.name for d in source.datasets()] == [
        "lean_daily",
        "lean_daily_actions",
        "lean_minute",
    ]
    assert source.fingerprint("lean_daily") != before


def test_a_folder_without_bars_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="holds none of daily"):
        LeanSource(tmp_path).datasets()


def test_a_broken_zip_is_refused_by_name(folder: Path) -> None:
    (folder / "equity" / "usa" / "daily" / "bad.zip").write_bytes(b"not a zip")
    with pytest.raises(InvalidInputError, match=r"bad\.zip is no zip file"):
        next(LeanSource(folder).read("lean_daily"))


def test_quote_bars_are_in_dollars_and_a_side_without_a_quote_is_null(folder: Path) -> None:
    zipped(
        folder / "equity" / "usa" / "minute" / "aapl" / "20140606_quote.zip",
        "20140606_aapl_minute_quote.csv",
        "34200000,6448000,6449000,6447000,6448500,90,6500000,6501000,6499000,6500500,100\n"
        "34260000,0,0,0,0,0,6500500,6500500,6500500,6500500,200\n",
    )

    bars = next(LeanSource(folder).read("lean_minute_quotes"))

    first, second = bars.rows(named=True)
    assert first["event_time"] == datetime(2014, 6, 6, 13, 31, tzinfo=UTC)
    assert (first["bid_close"], first["ask_open"]) == (644.85, 650.0)
    assert (first["bid_size"], first["ask_size"]) == (90, 100)
    assert (second["bid_close"], second["ask_close"]) == (None, 650.05)


def test_second_and_hour_bars_are_known_when_they_are_over(folder: Path) -> None:
    usa = folder / "equity" / "usa"
    row = "6448000,6448000,6448000,6448000,90\n"
    zipped(usa / "second" / "aapl" / "20140606_trade.zip", "x.csv", f"34200000,{row}")
    zipped(usa / "hour" / "aapl.zip", "aapl.csv", f"20140606 09:00,{row}")

    second = next(LeanSource(folder).read("lean_second"))
    hour = next(LeanSource(folder).read("lean_hour"))

    assert second["event_time"][0] == datetime(2014, 6, 6, 13, 30, 1, tzinfo=UTC)
    assert hour["event_time"][0] == datetime(2014, 6, 6, 14, tzinfo=UTC)
    assert hour["close"][0] == 644.8


def test_trades_keep_their_order_and_leave_out_what_is_suspicious(folder: Path) -> None:
    zipped(
        folder / "equity" / "usa" / "tick" / "bac" / "20131008_trade.zip",
        "20131008_bac_Trade_Tick.csv",
        "34200009.367,137450,100,D,1,0\n34200009.367,137500,50,P,1,0\n34200010,10,1,D,1,1\n",
    )

    trades = next(LeanSource(folder).read("lean_trades"))

    assert trades["price"].to_list() == [13.745, 13.75]
    assert trades["sequence"].to_list() == [0, 1]
    assert trades["side"].null_count() == 2
    assert trades["event_time"][0] == datetime(2013, 10, 8, 13, 30, 0, 9_367, tzinfo=UTC)


def test_one_sided_quotes_become_the_best_bid_and_ask_after_each(folder: Path) -> None:
    zipped(
        folder / "equity" / "usa" / "tick" / "bac" / "20131008_quote.zip",
        "20131008_bac_Quote_Tick.csv",
        "34200000,137400,300,0,0,D,1,0\n"
        "34200001,0,0,137600,200,D,1,0\n"
        "34200002,137500,100,0,0,P,1,0\n"
        "34200003,1,100,0,0,P,1,1\n",
    )

    quotes = next(LeanSource(folder).read("lean_quotes"))

    # Before the first ask there is no market; the suspicious bid of a hundredth of a cent is out.
    assert quotes.select("sequence", "bid", "bid_size", "ask", "ask_size").rows() == [
        (1, 13.74, 300.0, 13.76, 200.0),
        (2, 13.75, 100.0, 13.76, 200.0),
    ]


def test_a_row_with_too_few_values_is_refused_by_name(folder: Path) -> None:
    zipped(
        folder / "equity" / "usa" / "minute" / "aapl" / "20140607_quote.zip", "x.csv", "1,2,3,4\n"
    )
    with pytest.raises(InvalidInputError, match=r"20140607_quote\.zip: 4 columns.*has 11"):
        next(LeanSource(folder).read("lean_minute_quotes"))
