"""Tests of the `data` commands on a lake of their own."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from basics.errors import InvalidInputError, MissingDataError
from infra.bootstrap import Desk, open_desk
from market.calendars import exchange_calendar
from market.datasets import Dataset
from quantdesk.commands.data import data


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("QUANTDESK_STATE_DIR", str(tmp_path / "state"))
    return CliRunner()


def test_an_empty_lake_lists_nothing(runner: CliRunner) -> None:
    result = runner.invoke(data, ["ls", "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == []


def test_a_map_without_an_equals_sign_is_refused(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("date,close\n2022-01-03,1\n")

    result = runner.invoke(data, ["import", str(path), "--map", "close"])

    assert isinstance(result.exception, InvalidInputError)
    assert "--map takes" in str(result.exception)


def test_yahoo_without_symbols_says_what_it_needs(runner: CliRunner) -> None:
    result = runner.invoke(data, ["import", "yahoo"])

    assert isinstance(result.exception, InvalidInputError)
    assert "--symbol AAPL,MSFT and --start" in str(result.exception)


def test_a_path_that_is_nothing_is_missing(runner: CliRunner) -> None:
    result = runner.invoke(data, ["import", "smaple"])

    assert isinstance(result.exception, MissingDataError)
    assert "smaple does not exist" in str(result.exception)


def _landed(desk: Desk, dataset: Dataset, rows: pl.DataFrame) -> None:
    desk.market_data.lake.append(dataset, dataset.conform(rows))


def _daily(days: int, *, symbol: str = "KO") -> pl.DataFrame:
    sessions = exchange_calendar("XNYS").sessions(date(2022, 1, 3), date(2022, 3, 1))[:days]
    stamps = [datetime(d.year, d.month, d.day, 21, tzinfo=UTC) for d in sessions]
    return pl.DataFrame(
        {
            "symbol": symbol,
            "session": sessions,
            "event_time": stamps,
            "knowledge_time": [stamp + timedelta(minutes=15) for stamp in stamps],
            "close": [60.0 + n for n in range(days)],
        }
    )


CLOSES = Dataset(name="closes", fields=("close",), calendar="XNYS")


def test_rows_meet_the_latest_value_known_and_not_too_old(
    runner: CliRunner, tmp_path: Path
) -> None:
    with open_desk() as desk:
        _landed(desk, CLOSES, _daily(2))
    labels, out = tmp_path / "labels.csv", tmp_path / "out" / "joined.csv"
    labels.write_text(
        "symbol,time,mine\n"
        "KO,2022-01-03T21:10:00Z,a\n"  # The close is out at 21:15.
        "KO,2022-01-03T16:20:00-05:00,b\n"
        "KO,2022-01-05T12:00:00Z,c\n"
        "KO,2022-01-09T12:00:00Z,d\n"
        "PEP,2022-01-05T12:00:00Z,e\n"
    )

    arguments = ["join", str(labels), "closes", "--out", str(out), "--tolerance", "1d", "--json"]
    told = json.loads(runner.invoke(data, arguments).stdout)

    joined = pl.read_csv(out)
    assert joined["close"].to_list() == [None, 60.0, 61.0, None, None]
    assert joined["mine"].to_list() == ["a", "b", "c", "d", "e"]
    assert (told["rows"], told["met"]) == (5, 2)
    parquet = [*arguments[:4], str(tmp_path / "joined.parquet"), *arguments[5:]]
    assert runner.invoke(data, parquet).exit_code == 0
    assert pl.read_parquet(parquet[4])["close"].to_list() == [None, 60.0, 61.0, None, None]


@pytest.mark.parametrize(
    ("text", "extra", "says"),
    [
        ("symbol,time\nKO,2022-01-03 21:10\n", [], "is no ISO time with a zone"),
        ("symbol,when\nKO,2022-01-03T21:10:00Z\n", [], "has no column 'time'"),
        ("symbol,time\nKO,2022-01-03T21:10:00Z\n", ["--tolerance", "soon"], "takes 90s, 30m"),
        ("symbol,time\nKO,2022-01-03T21:10:00Z\n", ["--out", "x.txt"], "takes a name in .parquet"),
    ],
)
def test_labels_that_cannot_be_joined_say_why(
    runner: CliRunner, tmp_path: Path, text: str, extra: list[str], says: str
) -> None:
    with open_desk() as desk:
        _landed(desk, CLOSES, _daily(2))
    labels = tmp_path / "labels.csv"
    labels.write_text(text)

    arguments = ["join", str(labels), "closes", "--out", str(tmp_path / "o.csv"), *extra]

    assert says in str(runner.invoke(data, arguments).exception)
