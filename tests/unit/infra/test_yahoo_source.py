"""Tests of `infra.sources.yahoo`; nothing here reaches for a network.

Under `recorded`: the chart service's own answers, as another project recorded them and named in the
file, which the real package reads here; and a table with the columns and the split convention of
`yfinance` and the real bars of Apple around its split of 2005-02-28, taken from the sample data.
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

HERE = Path(__file__).parent / "recorded"
RECORDED = pl.read_csv(HERE / "yahoo_aapl_2005.csv", try_parse_dates=True)
CHARTS = json.loads((HERE / "yahoo_chart.json").read_text())["answers"]
START, END = date(2005, 2, 22), date(2005, 3, 4)


def recorded(symbol: str, start: date, end: date) -> pl.DataFrame:
    assert symbol == "AAPL"
    return RECORDED.filter(pl.col("Date").is_between(start, end))


SOURCE = YahooSource(["AAPL"], START, END, asked=END, history=recorded)


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
    shorter = YahooSource(["AAPL"], START, date(2005, 3, 1), asked=END, history=recorded)

    assert SOURCE.fingerprint("yahoo_daily") != shorter.fingerprint("yahoo_daily")
    assert SOURCE.fingerprint("yahoo_daily") == SOURCE.fingerprint("yahoo_daily")


def test_an_answer_without_prices_is_no_answer() -> None:
    empty = YahooSource(
        ["AAPL"], START, END, asked=END, history=lambda *_: pl.DataFrame({"Date": [START]})
    )
    with pytest.raises(UnavailableError, match="lacks"):
        empty.fingerprint("yahoo_daily")


@dataclass
class ChartAnswer:
    """A recorded answer of the chart service, or what Yahoo says of a symbol it does not know."""

    text: str
    status_code: int = 200
    url: str = "https://localhost/chart"

    def raise_for_status(self) -> None:
        """Yahoo says what is wrong in the document."""

    def json(self) -> dict[str, Any]:
        """Parse anew: the package writes into what it reads."""
        document: dict[str, Any] = json.loads(self.text)
        return document


UNKNOWN = {"code": "Not Found", "description": "No data found, symbol may be delisted"}


def chart(symbol: str, first: int, end: int) -> dict[str, Any]:
    """Answer with the recording of `symbol` whose bars lie in the span, as Yahoo would."""
    document: dict[str, Any]
    for name, document in CHARTS.items():
        found = document["chart"]["result"][0]
        if name.startswith(symbol + " ") and first <= found["timestamp"][0] < end:
            return document
    return {"chart": {"result": None, "error": UNKNOWN}}


@pytest.fixture
def chart_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    yfinance.set_tz_cache_location(str(tmp_path))

    def answer(_: object, url: str, **how: Any) -> ChartAnswer:
        # Before the bars it asks for any day, to learn the exchange's zone.
        params = how.get("params") or {}
        symbol = url.rsplit("/", 1)[1]
        document = chart(symbol, params.get("period1", 0), params.get("period2", 2**40))
        return ChartAnswer(json.dumps(document))

    monkeypatch.setattr("yfinance.data.YfData._make_request", answer)


AUTUMN = YahooSource(["AAPL"], date(2020, 8, 31), date(2020, 11, 6), asked=date(2020, 11, 6))


@pytest.mark.usefixtures("chart_service")
def test_recorded_answers_become_bars_and_actions_as_traded() -> None:
    bars, actions = (next(AUTUMN.read(name)) for name in ("yahoo_daily", "yahoo_daily_actions"))

    assert bars.height == 49
    first = bars.row(0, named=True)
    assert (first["session"], first["symbol"]) == (date(2020, 8, 31), "AAPL")
    assert first["close"] == pytest.approx(129.04, rel=1e-6)  # The first day at the new price.
    assert first["volume"] == 225_702_700
    assert first["event_time"] == datetime(2020, 8, 31, 20, tzinfo=UTC)
    assert actions.select("session", "split", "dividend").rows() == [
        (date(2020, 8, 31), 4.0, 0.0),
        (date(2020, 11, 6), 1.0, 0.205),
    ]


@pytest.mark.usefixtures("chart_service")
def test_a_split_after_the_span_is_undone_though_the_spans_answer_does_not_tell_of_it() -> None:
    """Apple closed at 300.35 on 2020-01-02; Yahoo says 75.0875, divided by August's split."""
    january = (date(2020, 1, 1), date(2020, 1, 3))

    then = YahooSource(["AAPL"], *january, asked=date(2020, 11, 6))
    unsplit = YahooSource(["AAPL"], *january, asked=date(2020, 6, 1))  # Before it was split.

    traded = next(then.read("yahoo_daily"))
    assert traded["close"].to_list() == pytest.approx([300.35], rel=1e-6)
    assert traded["volume"].to_list() == [135_480_400 / 4]
    assert next(unsplit.read("yahoo_daily"))["close"].to_list() == pytest.approx([75.0875])
    assert list(then.read("yahoo_daily_actions")) == []


@pytest.mark.usefixtures("chart_service")
def test_a_symbol_of_another_exchange_is_refused_with_the_way_to_import_it() -> None:
    with pytest.raises(InvalidInputError, match=r"WSU\.DE trades in Europe/Berlin.*--calendar"):
        yfinance_history("WSU.DE", date(2023, 8, 4), date(2023, 8, 9))


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
