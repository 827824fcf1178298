"""Tests of crypto and forex in a Lean data folder, rows in the form of Lean's own pages."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from infra.sources.lean.around_clock import AroundClockSource, around_clock
from infra.sources.lean.folder import open_lean
from tests.unit.infra.test_lean_source import zipped

QUOTE = "132.01,132.05,132,132.03,24932.5,132.02,132.07,132.01,132.04,1200"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    coin, fxcm, oanda = (
        tmp_path / "crypto" / "coinbase", tmp_path / "forex" / "fxcm", tmp_path / "forex" / "oanda"
    )  # fmt: skip
    zipped(
        coin / "daily" / "btcusd_trade.zip",
        "btcusd.csv",
        "20180101 00:00,40.10,45.99,40.05,45.50,209342.5\n",
    )
    zipped(coin / "hour" / "btcusd_quote.zip", "btcusd.csv", f"20180101 08:00,{QUOTE}\n")
    zipped(
        coin / "minute" / "btcusd" / "20180404_trade.zip",
        "20180404_btcusd_minute_trade.csv",
        "92000,132.01,132.05,131.95,132.03,49320\n",
    )
    zipped(
        coin / "tick" / "btcusd" / "20180404_trade.zip",
        "t.csv",
        "86400,232.40,93.1\n86400,232.5,1\n",
    )
    zipped(
        coin / "tick" / "btcusd" / "20180404_quote.zip",
        "q.csv",
        "86400,232.40,20392.0,232.42,8059.5\n",
    )
    zipped(
        fxcm / "minute" / "eurusd" / "20140501_quote.zip",
        "20140501_eurusd_minute_quote.csv",
        "0,1.38668,1.3867,1.38668,1.3867,0,1.38683,1.38684,1.38682,1.38684,0\n"
        "60000,0,0,0,0,0,1.38684,1.38684,1.38684,1.38684,0\n",
    )
    zipped(fxcm / "daily" / "eurusd.zip", "eurusd.csv", f"20190125 00:00,{QUOTE}\n")
    zipped(oanda / "tick" / "eurusd" / "20140501_quote.zip", "q.csv", "92000,10.38,10.40\n")
    return tmp_path


def _rows(folder: Path, market: str, dataset: str) -> list[dict[str, object]]:
    source = AroundClockSource(folder / market)
    known = {each.name: each for each in source.datasets()}
    frames = list(source.read(dataset))
    assert all(known[dataset].conform(frame).height for frame in frames)
    return [row for frame in frames for row in frame.to_dicts()]


def test_crypto_prices_are_not_scaled_and_a_bar_is_known_when_it_is_over(folder: Path) -> None:
    daily = _rows(folder, "crypto/coinbase", "lean_crypto_coinbase_daily")[0]
    hour = _rows(folder, "crypto/coinbase", "lean_crypto_coinbase_hour_quotes")[0]
    minute = _rows(folder, "crypto/coinbase", "lean_crypto_coinbase_minute")[0]

    assert (daily["symbol"], daily["session"], daily["close"]) == ("BTCUSD", date(2018, 1, 1), 45.5)
    assert daily["event_time"] == datetime(2018, 1, 2, tzinfo=UTC)
    assert (hour["bid_close"], hour["bid_size"], hour["ask_open"]) == (132.03, 24932.5, 132.02)
    assert hour["event_time"] == datetime(2018, 1, 1, 9, tzinfo=UTC)
    # 92,000 ms after midnight is 00:01:32; the minute is over one later.
    assert minute["event_time"] == datetime(2018, 4, 4, 0, 2, 32, tzinfo=UTC)
    assert minute["volume"] == 49_320


def test_crypto_ticks_keep_the_order_of_the_file(folder: Path) -> None:
    trades = _rows(folder, "crypto/coinbase", "lean_crypto_coinbase_tick")
    quote = _rows(folder, "crypto/coinbase", "lean_crypto_coinbase_tick_quotes")[0]

    assert [(t["sequence"], t["price"], t["size"]) for t in trades] == [
        (0, 232.4, 93.1), (1, 232.5, 1.0),
    ]  # fmt: skip
    assert trades[0]["event_time"] == datetime(2018, 4, 4, 0, 1, 26, 400_000, tzinfo=UTC)
    assert (quote["bid"], quote["ask"], quote["bid_size"], quote["ask_size"]) == (
        232.4, 232.42, 20392.0, 8059.5,
    )  # fmt: skip


def test_fxcm_is_five_hours_behind_utc_in_summer_too_and_oanda_is_not(folder: Path) -> None:
    minute = _rows(folder, "forex/fxcm", "lean_forex_fxcm_minute_quotes")
    daily = _rows(folder, "forex/fxcm", "lean_forex_fxcm_daily_quotes")[0]
    tick = _rows(folder, "forex/oanda", "lean_forex_oanda_tick_quotes")[0]

    assert minute[0]["event_time"] == datetime(2014, 5, 1, 5, 1, tzinfo=UTC)
    assert (minute[0]["bid_close"], minute[0]["ask_low"]) == (1.3867, 1.38682)
    assert (minute[1]["bid_open"], minute[1]["ask_open"]) == (None, 1.38684)
    assert daily["event_time"] == datetime(2019, 1, 26, 5, tzinfo=UTC)
    assert tick["event_time"] == datetime(2014, 5, 1, 0, 1, 32, tzinfo=UTC)
    assert (tick["bid"], tick["ask"], tick["bid_size"]) == (10.38, 10.4, None)


def test_the_folder_is_one_source_of_all_its_markets(folder: Path) -> None:
    whole = open_lean(folder)

    assert whole is not None
    assert [d.name for d in whole.datasets()] == [
        "lean_crypto_coinbase_daily", "lean_crypto_coinbase_hour_quotes",
        "lean_crypto_coinbase_minute", "lean_crypto_coinbase_tick",
        "lean_crypto_coinbase_tick_quotes", "lean_forex_fxcm_daily_quotes",
        "lean_forex_fxcm_minute_quotes", "lean_forex_oanda_tick_quotes",
    ]  # fmt: skip
    assert {d.calendar for d in whole.datasets()} == {None}
    before = whole.fingerprint("lean_crypto_coinbase_daily")
    zipped(folder / "crypto" / "coinbase" / "daily" / "ethusd_trade.zip", "e.csv",
           "20180101 00:00,1,1,1,1,1\n")  # fmt: skip
    assert whole.fingerprint("lean_crypto_coinbase_daily") != before
    assert next(whole.read("lean_crypto_coinbase_daily")).height == 2


def test_a_path_that_is_no_lean_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "crypto" / "empty").mkdir(parents=True)

    assert open_lean(tmp_path) is None
    assert around_clock(tmp_path) == ()
