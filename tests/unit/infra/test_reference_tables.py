"""Tests of `infra.reference`: a user's own tables beside the shipped ones."""

from datetime import date
from pathlib import Path

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
