"""What the gate keeps of a user's commands: sessions drawn, rows let in by a person."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from infra.bootstrap import open_desk
from market.calendars import exchange_calendar
from market.datasets import Dataset
from quantdesk.commands.data import data
from services.ingest_report import IngestReport

# Great Expectations imports what Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

CLOSES = Dataset(name="closes", fields=("close",), calendar="XNYS")


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("QUANTDESK_STATE_DIR", str(tmp_path / "state"))
    return CliRunner()


def _daily(days: int) -> pl.DataFrame:
    sessions = exchange_calendar("XNYS").sessions(date(2022, 1, 3), date(2022, 3, 1))[:days]
    stamps = [datetime(d.year, d.month, d.day, 21, tzinfo=UTC) for d in sessions]
    return CLOSES.conform(
        pl.DataFrame(
            {
                "symbol": "KO",
                "session": sessions,
                "event_time": stamps,
                "knowledge_time": [stamp + timedelta(minutes=15) for stamp in stamps],
                "close": [60.0 + n for n in range(days)],
            }
        )
    )


def test_a_session_is_drawn_kept_and_its_book_rebuilt(runner: CliRunner) -> None:
    bars = Dataset(name="bars", fields=("open", "high", "low", "close", "volume"), calendar="XNYS")
    shape = _daily(2).with_columns(
        open=pl.col("close"), high=pl.col("close") + 1, low=pl.col("close") - 1,
        volume=pl.lit(9000.0),
    )  # fmt: skip
    with open_desk() as desk:
        desk.market_data.lake.append(bars, bars.conform(shape))

    first = json.loads(runner.invoke(data, ["simulate", "bars", "2022-01-04", "--json"]).stdout)
    again = json.loads(runner.invoke(data, ["simulate", "bars", "2022-01-04", "--json"]).stdout)
    book = json.loads(
        runner.invoke(data, ["book", "bars_simulated_1_depth", "KO", "--json"]).stdout
    )
    shown = runner.invoke(data, ["show", "bars_simulated_1_trades", "--limit", "3"]).stdout

    names = [f"bars_simulated_1_{kind}" for kind in ("quotes", "trades", "depth")]
    assert [one["dataset"] for one in first["datasets"]] == names
    assert all(one["new"] > 0 and one["status"] == "landed" for one in first["datasets"])
    assert all(one["new"] == 0 for one in again["datasets"])
    assert (book["simulated"], book["known"], book["gaps"]) == (True, True, [])
    assert book["bids"][0][0] < book["asks"][0][0]
    assert "price*" in shown
    absent = runner.invoke(data, ["simulate", "bars", "2022-02-14"])
    assert "no bar of 2022-02-14" in str(absent.exception)


def test_rows_set_aside_are_shown_and_let_in_by_a_name_with_a_reason(
    runner: CliRunner, tmp_path: Path
) -> None:
    class Feed:
        name = "feed"

        def datasets(self) -> tuple[Dataset, ...]:
            return (CLOSES,)

        def fingerprint(self, dataset: str) -> str:
            return dataset

        def read(self, dataset: str) -> Iterator[pl.DataFrame]:
            del dataset
            # The price went below nought, as oil's did on 2020-04-20.
            yield _daily(4).with_columns(
                close=pl.when(pl.col("close") == 62.0).then(-37.63).otherwise("close")
            )

    def took() -> IngestReport:
        with open_desk() as desk:
            return desk.market_data.ingest_from(Feed())

    assert took().reason == "closes: prices-positive broken by 1 rows"
    listed = json.loads(runner.invoke(data, ["quarantine", "--json"]).stdout)
    name = listed[0]["name"]
    rows = json.loads(runner.invoke(data, ["quarantine", name, "--json"]).stdout)["rows"]
    nameless = runner.invoke(data, ["quarantine", name, "--release", "--by", "ann"])
    let = runner.invoke(
        data, ["quarantine", name, "--release", "--by", "ann", "--why", "it traded", "--json"]
    )
    after = took()

    assert (listed[0]["rows"], listed[0]["reasons"]) == (1, [["prices-positive", 1]])
    assert (rows[0]["close"], rows[0]["reason"]) == ("-37.63", "prices-positive")
    assert "give --by and --why" in str(nameless.exception)
    assert json.loads(let.stdout)["new"] == 1
    assert (after.stopped, after.datasets[0].unchanged) == (False, 4)
    assert json.loads(runner.invoke(data, ["quarantine", "--json"]).stdout) == []
    assert "nothing named" in str(runner.invoke(data, ["quarantine", name]).exception)
    with open_desk() as desk:
        assert -37.63 in desk.market_data.panel("closes", fields=("close",))["close"]
    log = tmp_path / "state" / "lake" / "closes" / "_log"
    assert any("it traded" in path.read_text() for path in log.glob("*.json"))
