"""Tests of `infra.sources.yahoo`; nothing here reaches for a network.

The table under `recorded` has the columns and the split convention of `yfinance` and the real bars
of Apple around its split of 2005-02-28, taken from the sample data. The chart document is made of
it in the form in which Yahoo's chart service answers, and read by the real package.
"""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yfinance

from basics.errors import InvalidInputError, MissingDataError, UnavailableError
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


@dataclass
class ChartAnswer:
    """What Yahoo's chart service answers, from the recorded table."""

    known: bool
    status_code: int = 200
    url: str = "https://localhost/chart"

    def raise_for_status(self) -> None:
        """Yahoo says what is wrong in the document."""

    @property
    def text(self) -> str:
        return json.dumps(self.json())

    def json(self) -> dict[str, Any]:
        if not self.known:
            problem = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return {"chart": {"result": None, "error": problem}}
        opens = [
            int(datetime(d.year, d.month, d.day, 14, 30, tzinfo=UTC).timestamp())
            for d in RECORDED["Date"]
        ]
        columns = ("Open", "High", "Low", "Close", "Volume")
        bars = {name.lower(): RECORDED[name].to_list() for name in columns}
        splits = {
            str(at): {"date": at, "numerator": ratio, "denominator": 1.0}
            for at, ratio in zip(opens, RECORDED["Stock Splits"], strict=True)
            if ratio
        }
        zone = {"timezone": "EST", "gmtoffset": -18000}
        hours = {"start": opens[-1], "end": opens[-1] + 23_400} | zone
        meta = {
            "symbol": "AAPL", "currency": "USD", "exchangeName": "NMS", "priceHint": 2,
            "instrumentType": "EQUITY", "exchangeTimezoneName": "America/New_York",
            "dataGranularity": "1d", "range": "", "regularMarketTime": opens[-1] + 23_400,
            "currentTradingPeriod": {"pre": hours, "regular": hours, "post": hours},
            "validRanges": ["1d", "max"], **zone,
        }  # fmt: skip
        found = {
            "meta": meta, "timestamp": opens, "events": {"splits": splits},
            "indicators": {"quote": [bars], "adjclose": [{"adjclose": bars["close"]}]},
        }  # fmt: skip
        return {"chart": {"result": [found], "error": None}}


@pytest.fixture
def chart_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    yfinance.set_tz_cache_location(str(tmp_path))

    def answer(_: object, url: str, **_how: object) -> ChartAnswer:
        return ChartAnswer(known=url.endswith("/AAPL"))

    monkeypatch.setattr("yfinance.data.YfData._make_request", answer)


@pytest.mark.usefixtures("chart_service")
def test_the_real_package_reads_yahoos_form_into_what_was_traded() -> None:
    answer = yfinance_history("AAPL", START, END)
    bars = next(YahooSource(["AAPL"], START, END).read("yahoo_daily"))
    actions = next(YahooSource(["AAPL"], START, END).read("yahoo_daily_actions"))

    assert answer["Close"].to_list() == pytest.approx(RECORDED["Close"].to_list())
    assert bars.equals(next(SOURCE.read("yahoo_daily")))
    assert actions.equals(next(SOURCE.read("yahoo_daily_actions")))


@pytest.mark.usefixtures("chart_service")
def test_a_symbol_that_yahoo_does_not_know_is_missing() -> None:
    with pytest.raises(MissingDataError, match="Yahoo has nothing of NOSUCH"):
        yfinance_history("NOSUCH", START, END)


def test_without_the_package_the_user_is_told_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(InvalidInputError, match="needs the package yfinance"):
        yfinance_history("AAPL", START, END)
