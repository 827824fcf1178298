"""Tests of `infra.sources.yahoo` on a recorded table; nothing here reaches for a network.

The table has the columns and the split convention of `yfinance` and the real bars of Apple around
its split of 2005-02-28, taken from the sample data.
"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from basics.errors import InvalidInputError, UnavailableError
from infra.sources.sample import SampleSource
from infra.sources.yahoo import YahooSource, yfinance_history
from market.actions import Purpose, adjust

RECORDED = pl.read_csv(
    Path(__file__).parent / "recorded" / "yahoo_aapl_2005.csv", try_parse_dates=True
)
START, END = date(2005, 2, 22), date(2005, 3, 4)


def recorded(symbol: str, start: date, end: date) -> pl.DataFrame:
    assert symbol == "AAPL"
    return RECORDED.filter(pl.col("Date").is_between(start, end))


SOURCE = YahooSource(["AAPL"], START, END, history=recorded)


def test_prices_come_back_as_they_were_traded() -> None:
    bars = next(SOURCE.read("yahoo_daily"))

    real = next(SampleSource(seed=1).read("equities_ohlcv")).filter(
        (pl.col("symbol") == "AAPL") & pl.col("session").is_between(START, END)
    )
    for name in ("open", "high", "low", "close", "volume"):
        assert bars[name].to_list() == pytest.approx(real[name].to_list())
    assert bars["event_time"][0] == datetime(2005, 2, 22, 21, tzinfo=UTC)


def test_the_split_is_an_action_and_adjusting_gives_yahoos_closes_back() -> None:
    bars, actions = (next(SOURCE.read(name)) for name in ("yahoo_daily", "yahoo_daily_actions"))

    adjusted = adjust(bars, actions, purpose=Purpose.SPLITS)

    assert actions.select("session", "split", "dividend").rows() == [(date(2005, 2, 28), 2.0, 0.0)]
    assert adjusted["close"].to_list() == pytest.approx(RECORDED["Close"].to_list())


def test_a_changed_answer_changes_the_fingerprint() -> None:
    shorter = YahooSource(["AAPL"], START, date(2005, 3, 1), history=recorded)

    assert SOURCE.fingerprint("yahoo_daily") != shorter.fingerprint("yahoo_daily")
    assert SOURCE.fingerprint("yahoo_daily") == SOURCE.fingerprint("yahoo_daily")


def test_an_answer_without_prices_is_no_answer() -> None:
    empty = YahooSource(["AAPL"], START, END, history=lambda *_: pl.DataFrame({"Date": [START]}))
    with pytest.raises(UnavailableError, match="lacks"):
        empty.fingerprint("yahoo_daily")


def test_without_the_package_the_user_is_told_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(InvalidInputError, match="needs the package yfinance"):
        yfinance_history("AAPL", START, END)
