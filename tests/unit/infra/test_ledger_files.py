"""A user's fills and statements: good rows land typed, each bad one is listed with its line."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from basics.errors import InvalidInputError
from basics.instruments import Instrument
from infra.sources.ledger_files import read_fills, read_statement
from pnl.bulk import fold_fills
from pnl.reconciliation import StatementKey, Subject

D = Decimal
INSTRUMENTS = {"AAA": Instrument(symbol="AAA"), "EEE": Instrument(symbol="EEE", currency="EUR")}
GOOD = "SIM,1,AAA,10,100.25,2022-01-03T21:00:00Z"
HEADER = "venue,exec_id,symbol,quantity,price,executed_at"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "fills.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_good_rows_are_typed_and_take_defaults(tmp_path: Path) -> None:
    found = read_fills(write(tmp_path, HEADER, GOOD), INSTRUMENTS)

    (row,) = found.fills.iter_rows(named=True)
    assert (row["quantity"], row["price"], row["fee"]) == (D(10), D("100.25"), D(0))
    assert row["executed_at"] == datetime(2022, 1, 3, 21, tzinfo=UTC)
    assert (row["currency"], row["portfolio"]) == ("USD", "imported")
    assert found.rejected == ()
    assert fold_fills(found.fills, INSTRUMENTS).cash == [D("-1002.50")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("SIM,2,ZZZ,10,100,2022-01-03T21:00:00Z", "the instrument is unknown"),
        ("SIM,2,AAA,ten,100,2022-01-03T21:00:00Z", "the quantity is not a number"),
        ("SIM,2,AAA,0,100,2022-01-03T21:00:00Z", "the quantity is zero"),
        ("SIM,2,AAA,10,NaN,2022-01-03T21:00:00Z", "the price is not a number"),
        ("SIM,2,AAA,10,-1,2022-01-03T21:00:00Z", "the price is negative"),
        ("SIM,2,EEE,10,100,2022-01-03T21:00:00Z", "the currency is not the instrument's"),
        ("SIM,2,AAA,10,100,2022-01-03 21:00:00", "executed_at is no time with a zone (such as Z)"),
        ("SIM,2,AAA,10,100,yesterday", "executed_at is no time with a zone (such as Z)"),
        ("SIM,1,AAA,10,100,2022-01-03T21:00:00Z", "the venue and exec_id stand twice"),
        (",2,AAA,10,100,2022-01-03T21:00:00Z", "venue, exec_id or symbol is empty"),
    ],
)
def test_a_bad_row_is_listed_and_the_good_one_lands(tmp_path: Path, line: str, reason: str) -> None:
    found = read_fills(write(tmp_path, HEADER, GOOD, line), INSTRUMENTS)

    assert [(one.line, one.reason) for one in found.rejected] == [(3, reason)]
    assert len(found.fills) == 1


def test_own_column_names_are_mapped_and_a_missing_one_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER.replace("quantity", "Qty"), GOOD)

    assert len(read_fills(path, INSTRUMENTS, mapping={"quantity": "Qty"}).fills) == 1
    with pytest.raises(InvalidInputError, match="lacks quantity; it has"):
        read_fills(path, INSTRUMENTS)


def test_parquet_is_read_like_text(tmp_path: Path) -> None:
    path = tmp_path / "fills.parquet"
    pl.DataFrame(
        {
            "venue": ["SIM"], "exec_id": ["1"], "symbol": ["AAA"], "quantity": [-5],
            "price": [D("10.5")], "executed_at": [datetime(2022, 1, 3, tzinfo=UTC)],
        }
    ).write_parquet(path)  # fmt: skip

    found = read_fills(path, INSTRUMENTS)

    assert found.rejected == ()
    assert found.fills["quantity"].to_list() == [D(-5)]


def test_a_statement_sums_lines_of_one_key_and_lists_bad_ones(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "account,subject,name,amount",
        "acc,position,AAA,10",
        "acc,position,AAA,5",
        "acc,cash,USD,-1000.25",
        "acc,loan,USD,3",
        "acc,cash,EUR,much",
    )

    lines, rejected = read_statement(path)

    assert lines == {
        StatementKey(account="acc", subject=Subject.POSITION, name="AAA"): D(15),
        StatementKey(account="acc", subject=Subject.CASH, name="USD"): D("-1000.25"),
    }
    assert [one.line for one in rejected] == [5, 6]
