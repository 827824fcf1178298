"""Tests of `infra.reference`: a user's own tables beside the shipped ones."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from infra.reference import ReferenceTables, Table

FB = {"instrument": "meta", "symbol": "FB", "first": "2012-05-18", "last": "2022-06-08"}
META = {"instrument": "meta", "symbol": "META", "first": "2022-06-09", "last": ""}


def test_added_tickers_are_read_back_and_added_once(tmp_path: Path) -> None:
    tables = ReferenceTables(tmp_path)

    assert tables.add(Table.TICKERS, [FB, META]) == 2
    assert tables.add(Table.TICKERS, [META, META]) == 0

    history = tables.tickers()
    assert history.instrument("FB", date(2022, 6, 8)) == "meta"
    assert history.symbols_behind(["META"], on=date(2022, 6, 9)) == ("FB", "META")


def test_a_contradiction_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    tables = ReferenceTables(tmp_path)
    tables.add(Table.TICKERS, [FB])
    before = (tmp_path / "tickers.csv").read_bytes()

    with pytest.raises(ConflictError, match="overlap"):
        tables.add(Table.TICKERS, [META | {"first": "2022-06-01"}])

    assert (tmp_path / "tickers.csv").read_bytes() == before


def test_a_users_sector_replaces_the_shipped_one(tmp_path: Path) -> None:
    tables = ReferenceTables(tmp_path)
    tables.add(Table.SECTORS, [{"symbol": "AAPL", "name": "Apple", "sector": "Hardware"}])

    assert tables.sectors()["AAPL"] == "Hardware"
    assert tables.sectors()["KO"] == "Consumer Staples"


def test_the_samples_sectors_stand_as_spans_that_were_known_when_it_was_chosen(
    tmp_path: Path,
) -> None:
    tables = ReferenceTables(tmp_path)
    spans = {span.symbol: span for span in tables.sector_history().spans}

    assert {symbol: span.sector for symbol, span in spans.items()} == tables.sectors()
    assert {span.known_at.date() for span in spans.values()} == {date(2022, 12, 28)}
    days = np.array(["1990-01-02", "2022-12-28", "2030-01-02"], "datetime64[D]")
    assert np.isfinite(tables.sector_history().numbers(tuple(spans), days)).all()


def test_own_spans_of_a_symbol_replace_the_shipped_one(tmp_path: Path) -> None:
    known = "2018-09-28T20:15:00+00:00"
    moved = [
        {"symbol": "KO", "sector": "Health Care", "first": "1990-01-02", "last": "2018-09-28",
         "known_at": "1990-01-02T21:15:00+00:00"},
        {"symbol": "KO", "sector": "Energy", "first": "2018-10-01", "last": "", "known_at": known},
    ]  # fmt: skip
    tables = ReferenceTables(tmp_path)
    path = tmp_path / "moved.csv"
    path.write_text("\n".join([",".join(moved[0]), *(",".join(row.values()) for row in moved)]))

    assert tables.add_file(Table.SECTOR_SPANS, path) == 2
    assert tables.add_file(Table.SECTOR_SPANS, path) == 0

    history = tables.sector_history()
    days = np.array(["2018-09-28", "2018-10-01"], "datetime64[D]")
    numbers = history.numbers(("KO", "PG"), days)
    assert [history.names[int(n)] for n in numbers[0]] == ["Health Care", "Energy"]
    assert [history.names[int(n)] for n in numbers[1]] == ["Consumer Staples"] * 2
    with pytest.raises(ConflictError, match=r"KO: the spans from .* overlap"):
        tables.add(Table.SECTOR_SPANS, [moved[1] | {"first": "2017-01-03"}])


@pytest.mark.parametrize(
    ("table", "text", "complaint"),
    [
        (Table.TICKERS, "instrument,symbol,first,last\nx,X,yesterday,\n", "cannot be read"),
        (Table.TICKERS, "instrument,symbol,first,last\n,X,2020-01-01,\n", "must not be empty"),
        (Table.UNIVERSES, "universe,symbol,first,last,known_at\nu,X,2020-01-01,,2020-01-01\n",
         "needs a time zone"),
        (Table.SECTORS, "symbol,sector\nX,Energy\n", "lacks the column name"),
        (Table.SECTORS, "symbol,name,sector\nX,Ex,\n", "no sector"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_by_its_row(
    tmp_path: Path, table: Table, text: str, complaint: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    tables = ReferenceTables(tmp_path / "reference")

    with pytest.raises(InvalidInputError, match=complaint):
        tables.add_file(table, path)

    assert not (tmp_path / "reference" / f"{table}.csv").exists()


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="is not a file"):
        ReferenceTables(tmp_path).add_file(Table.TICKERS, tmp_path / "none.csv")
