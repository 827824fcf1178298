"""Profit from the command line, on a small lake and books of its own."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError, RefusedError
from infra.bootstrap import open_desk
from infra.settings import load_settings
from market.datasets import Dataset
from services.pnl_replay import BAR_FIELDS
from services.universe import equities
from tests.terminal import Run, terminal

SESSIONS = ("2022-01-03", "2022-01-04", "2022-01-05", "2022-01-06")
CLOSES = {"AAA": (100.0, 102.0, 101.0, 105.0), "BBB": (50.0, 49.0, 51.0, 52.0)}
FILLS = """venue,exec_id,symbol,Qty,price,fee,executed_at
SIM,1,AAA,100,100,1,2022-01-03T21:00:00Z
SIM,2,BBB,-40,49,1,2022-01-04T21:00:00Z
SIM,3,ZZZ,5,10,0,2022-01-04T21:00:00Z
"""
STATEMENT = """account,subject,name,amount
imported,position,AAA,100
imported,position,BBB,-30
imported,cash,USD,-8042
"""


OWN = Dataset(name="own", fields=BAR_FIELDS, calendar=None)


def bars() -> pl.DataFrame:
    rows = [
        {"symbol": symbol, "session": date.fromisoformat(day), "open": close - 0.5,
         "high": close + 1, "low": close - 1, "close": close, "volume": 1e5}
        for symbol, closes in CLOSES.items()
        for day, close in zip(SESSIONS, closes, strict=True)
    ]  # fmt: skip
    moment = pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame(rows).with_columns(event_time=moment, knowledge_time=moment)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with terminal(tmp_path) as run:
        yield run


@pytest.fixture
def desk(run: Run, tmp_path: Path) -> Run:
    """Import fills, and store the performance as the day's batch would."""
    fills = tmp_path / "fills.csv"
    fills.write_text(FILLS)
    with open_desk(load_settings(state_dir=tmp_path)) as opened:
        opened.market_data.lake.append(OWN, bars())
    booked = json.loads(
        run("pnl", "import", str(fills), "--run", "r1", "--map", "quantity=Qty", "--dataset", "own",
            "--json")
    )  # fmt: skip
    assert (booked["booked"], booked["rejected"]) == (2, 1)
    assert "the instrument is unknown" in Path(booked["rejections"]).read_text()
    with open_desk(load_settings(state_dir=tmp_path)) as opened:
        accounting = opened.accounting(equities(CLOSES, {}))
        book = accounting.positions("r1")[0].book
        closes = opened.market_data.panel("own", fields=("close",))
        accounting.pay_in("r1", book, day=closes.sessions[0].item(), amount=Decimal(10_000))
    valued = json.loads(run("pnl", "value", "r1", "--dataset", "own", "--json"))
    assert [(one["portfolio"], one["sessions_changed"]) for one in valued] == [("imported", 4)]
    return run


def test_without_a_profit_it_says_what_to_run(run: Run) -> None:
    with pytest.raises(MissingDataError, match="run `quantdesk demo`"):
        run("pnl", "show")


def test_profit_is_shown_in_whole_and_by_one_key(desk: Run) -> None:
    shown = json.loads(desk("pnl", "show", "--by", "symbol", "--json"))

    # AAA: 100 x 5 - 1; BBB, short 40 from 49 to 52: -120 - 1.
    assert shown["performance"]["total_pnl"] == "378.00"
    (split,) = shown["attributions"]
    assert {part["name"]: part["pnl"] for part in split["parts"]} == {
        "AAA": "499.00", "BBB": "-121.00",
    }  # fmt: skip
    assert "378.00" in desk("pnl", "show", "--all")
    with pytest.raises(InvalidInputError, match="cannot attribute by 'colour'"):
        desk("pnl", "show", "--by", "colour")


def test_the_explanation_sums_to_the_profit(desk: Run) -> None:
    explained = json.loads(desk("pnl", "explain", "--json"))

    parts = {part["name"]: part["pnl"] for part in explained["parts"] if float(part["pnl"])}
    assert parts == {"price": "380.00", "fees": "-2.00"}
    assert explained["total"] == "378.00"
    assert "378.00" in desk("pnl", "explain")


def test_any_range_is_shown_and_sums_to_the_whole(desk: Run) -> None:
    early = json.loads(desk("pnl", "show", "--to", "2022-01-04", "--by", "day", "--json"))
    late = json.loads(desk("pnl", "show", "--from", "2022-01-05", "--by", "order", "--json"))

    # AAA rose by 2 on the 4th; then AAA -1 and +4, BBB, short 40, 2 and 1 against.
    assert early["performance"]["total_pnl"] == "198.00"
    assert [p["pnl"] for p in early["attributions"][0]["parts"]] == ["-1.00", "199.00"]
    assert late["performance"]["total_pnl"] == "180.00"
    assert {p["name"]: p["pnl"] for p in late["attributions"][0]["parts"]} == {
        "(imported)": "180.00",
    }
    explained = json.loads(desk("pnl", "explain", "--from", "2022-01-06", "--json"))
    assert (explained["sessions"], explained["total"]) == (["2022-01-06"], "360.00")
    with pytest.raises(MissingDataError, match="books run from 2022-01-03 to 2022-01-06"):
        desk("pnl", "show", "--from", "2023-01-01")
    with pytest.raises(InvalidInputError, match="swap the dates"):
        desk("pnl", "explain", "--from", "2022-01-05", "--to", "2022-01-04")


def test_valuing_twice_leaves_the_same_rows(desk: Run) -> None:
    assert "4 sessions, 0 new or changed" in desk("pnl", "value", "r1", "--dataset", "own")
    with pytest.raises(MissingDataError, match="run 'r2' has no entries, there is r1"):
        desk("pnl", "value", "r2", "--dataset", "own")


def test_a_replay_ends_where_the_books_do(desk: Run) -> None:
    report = json.loads(desk("pnl", "replay", "2022-01-05", "--dataset", "own", "--json"))

    # AAA 100 x -1, BBB -40 x 2.
    assert report["booked"] == "-180.00"
    assert report["streamed"] == pytest.approx(-180.0)
    assert report["simulated"] is True
    assert "SIMULATED" in desk("pnl", "replay", "2022-01-05", "--dataset", "own")


def test_fills_imported_again_are_passed_over(desk: Run, tmp_path: Path) -> None:
    again = desk("pnl", "import", str(tmp_path / "fills.csv"), "--run", "r1",
                 "--map", "quantity=Qty", "--dataset", "own")  # fmt: skip

    assert "0 booked, 2 already there, 1 rejected" in again


def test_a_break_is_found_and_settled_by_two(desk: Run, tmp_path: Path) -> None:
    statement = tmp_path / "statement.csv"
    statement.write_text(STATEMENT)

    report = json.loads(desk("pnl", "reconcile", str(statement), "--dataset", "own", "--json"))

    # Cash: 10,000 in, 10,000 for AAA, 1,960 from BBB, 2 of fees: 1,958; they say -8,042.
    assert [(b["key"]["name"], b["ours"], b["theirs"]) for b in report["breaks"]] == [
        ("USD", "1958.00", "-8042"),
        ("BBB", "-40.0000000000", "-30"),
    ]
    seen = desk("pnl", "reconcile", str(statement), "--dataset", "own")
    assert "3 lines held against the books, 2 open breaks" in seen
    assert "-40.0" not in seen
    settle = ("pnl", "settle", "imported", "cash", "USD", "--reason", "capital is in transit",
              "--author", "ann", "--dataset", "own")  # fmt: skip
    with pytest.raises(RefusedError, match="needs a second person"):
        desk(*settle, "--approver", "ann")
    settled = json.loads(desk(*settle, "--approver", "bob", "--json"))
    reasons = [b["resolution"] and b["resolution"]["reason"] for b in settled["breaks"]]
    assert reasons == ["capital is in transit", None]


def test_own_returns_are_measured(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "returns.csv"
    path.write_text("date,return\n2022-01-31,0.10\n2022-02-28,-0.05\n2022-03-31,oops\n")

    measured = json.loads(run("pnl", "measure", str(path), "--periods-per-year", "12", "--json"))

    figures = {figure["name"]: figure for figure in measured["figures"]}
    assert figures["cagr"]["value"] == pytest.approx((1.10 * 0.95) ** 6 - 1)
    assert (measured["periods"], measured["rejected"]) == (2, 1)
    assert "max_drawdown" in run("pnl", "measure", str(path))
    assert "2 periods are fewer than the 20" in measured["sureness"]["reason"]


def test_own_returns_have_intervals_benchmark_and_returns_drawn_together(
    run: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    market = rng.normal(0.0, 0.01, 60)
    rows = zip(np.arange(60) + np.datetime64("2022-01-01"), market, 2 * market, strict=True)
    path = tmp_path / "geared.csv"
    path.write_text("date,benchmark,return\n" + "".join(f"{d},{b},{r}\n" for d, b, r in rows))

    measured = json.loads(run("pnl", "measure", str(path), "--json"))

    beta = next(figure for figure in measured["figures"] if figure["name"] == "beta")
    # Drawn apart, a resample's beta would be about zero.
    assert [beta[end] for end in ("low", "value", "high")] == pytest.approx([2.0] * 3)
    assert measured["sureness"]["resamples"] == 1000
    assert "intervals: 95%, 1,000 resamples of blocks of 4" in run("pnl", "measure", str(path))


def test_books_are_opened_once_with_positions_and_cash(desk: Run, tmp_path: Path) -> None:
    path = tmp_path / "opening.csv"
    path.write_text("account,subject,name,amount,price\nacc,position,AAA,10,99\nacc,cash,USD,5,\n")
    opening = ("pnl", "open", str(path), "--run", "mine", "--day", "2022-01-03", "--dataset", "own")

    assert json.loads(desk(*opening, "--json"))["booked"] == 3
    assert "0 entries booked, 3 already there" in desk(*opening)


def test_marks_and_adjustments_count_once_a_second_person_agrees(desk: Run) -> None:
    terms = ("--day", "2022-01-06", "--portfolio", "imported", "--author", "ann", "--json")
    mark = json.loads(
        desk("pnl", "manual", "mark", "AAA", "104.5", *terms, "--reason", "stale close")
    )
    cash = json.loads(
        desk("pnl", "manual", "adjust", "--amount", "-12.50", *terms, "--reason", "a fee")
    )
    value = ("pnl", "value", "r1", "--dataset", "own")
    assert "0 new or changed" in desk(*value)

    for entry in (mark[0]["entry_id"], cash[0]["entry_id"]):
        with pytest.raises(RefusedError, match="needs a second person"):
            desk("pnl", "manual", "approve", entry, "--by", "ann")
        desk("pnl", "manual", "approve", entry, "--by", "bob")
    assert "1 new or changed" in desk(*value)
    assert "0 new or changed" in desk(*value)

    # 100 AAA at 104.5 instead of 105, and 12.50 less: 378 - 50 - 12.50.
    shown = json.loads(desk("pnl", "show", "imported", "--by", "reason", "--json"))
    (split,) = shown["attributions"]
    assert split["total"] == "315.50"
    assert {p["name"]: p["pnl"] for p in split["parts"]}["adjustments"] == "-12.50"
    assert split["notes"] == [
        "2022-01-06: AAA marked by hand at 104.5 (stale close; ann, approved by bob)",
        "2022-01-06: -12.50 USD adjusted by hand in imported (a fee; ann, approved by bob)",
    ]
    by_side = json.loads(desk("pnl", "show", "imported", "--by", "side", "--json"))
    assert by_side["attributions"][0]["residual"] == "-12.50"
    listed = json.loads(desk("pnl", "manual", "ls", "--json"))
    assert [entry["state"] for entry in listed] == ["approved", "approved"]
    journal = json.loads(desk("pnl", "manual", "journal", "--json"))
    assert [(one["actor"], one["entry"]["kind"], one["entry"]["state"]) for one in journal] == [
        ("ann", "mark", "proposed"), ("ann", "adjustment", "proposed"),
        ("bob", "mark", "approved"), ("bob", "adjustment", "approved"),
    ]  # fmt: skip
    with pytest.raises(MissingDataError, match="own has no symbol 'ZZZ'"):
        desk("pnl", "manual", "mark", "ZZZ", "1", *terms, "--reason", "none")


def test_a_booked_fill_is_corrected_and_cancelled_by_venue_and_execution(desk: Run) -> None:
    value = ("pnl", "value", "r1", "--dataset", "own")
    desk(*value)
    correct = ("pnl", "correct", "r1", "SIM", "1", "--price", "99", "--reason", "allocation",
               "--dataset", "own")  # fmt: skip
    cancel = ("pnl", "cancel", "r1", "SIM", "2", "--reason", "bust", "--dataset", "own")

    assert "posted; it counts" in desk(*correct)
    assert "was posted before" in desk(*correct)
    assert json.loads(desk(*cancel, "--json"))["booked"] == 1
    assert json.loads(desk(*cancel, "--json"))["booked"] == 0
    desk(*value)

    # 100 AAA bought at 99 stand at 105, less a fee; the sale of BBB never was.
    shown = json.loads(desk("pnl", "show", "imported", "--by", "reason", "--json"))
    (split,) = shown["attributions"]
    assert split["total"] == "599.00"
    parts = {part["name"]: part["pnl"] for part in split["parts"]}
    assert Decimal(parts["corrections"]) != 0
    again = ("pnl", "correct", "r1", "SIM", "1", "--reason", "nothing new", "--dataset", "own")
    with pytest.raises(InvalidInputError, match="fill 1 stands as 100 at 99, fee 1: give the"):
        desk(*again)
    with pytest.raises(InvalidInputError, match="price 'x' is no number"):
        desk(*again, "--price", "x")
    with pytest.raises(MissingDataError, match="has no fill 2 of SIM in effect: it is cancelled"):
        desk("pnl", "correct", "r1", "SIM", "2", "--price", "5", "--reason", "late",
             "--dataset", "own")  # fmt: skip
    with pytest.raises(RefusedError, match="amending fill 1 of SIM needs a reason"):
        desk("pnl", "cancel", "r1", "SIM", "1", "--reason", " ", "--dataset", "own")
    with pytest.raises(RefusedError, match="amended by what their venue reports"):
        desk("pnl", "cancel", "desk", "SIM", "1", "--reason", "x", "--dataset", "own")


def test_the_books_balance_and_say_so(desk: Run) -> None:
    desk("pnl", "value", "r1", "--dataset", "own")

    whole = json.loads(desk("pnl", "balance", "--json"))
    one = json.loads(desk("pnl", "balance", "--from", "2022-01-04", "--to", "2022-01-04", "--json"))

    assert (whole["balances"], set(whole["totals"])) == (True, {"USD"})
    assert Decimal(whole["totals"]["USD"]) == Decimal(one["totals"]["USD"]) == 0
    by_account = {row["account"]: Decimal(row["amount"]) for row in one["accounts"]}
    # 40 BBB sold at 49 on that day, less a fee of one.
    assert by_account == {"cash": 1959, "inventory": -1960, "fees": 1}
    assert "the books balance in every currency" in desk("pnl", "balance")
