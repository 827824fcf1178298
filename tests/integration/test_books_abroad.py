"""A user's books in several currencies: rates imported, profit explained, risk measured."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.bootstrap import open_desk
from infra.order_entry import LakeMarket
from infra.reference import ReferenceTables
from infra.settings import load_settings
from tests.terminal import Run, terminal

# Great Expectations, which writes the Data Docs of an import, imports a deprecated module.
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")

DAYS = np.arange(np.datetime64("2021-01-04"), np.datetime64("2022-03-01"))
SESSIONS = DAYS[np.is_busday(DAYS)].astype(str).tolist()
FIRST, SECOND, LAST = SESSIONS[-3:]
MOVES = np.random.default_rng(5).normal(0.0, 0.01, (3, len(SESSIONS)))
# The last three closes and rates are written out, so that the profit can be, too.
EUR = [*np.round(1.1 * np.exp(MOVES[0].cumsum()), 4)[:-3].tolist(), 1.10, 1.12, 1.05]
ABC = [*np.round(80 * np.exp(MOVES[1].cumsum()), 2)[:-3].tolist(), 100.0, 102.0, 101.0]
XYZ = [*np.round(50 * np.exp(MOVES[2].cumsum()), 2)[:-3].tolist(), 50.0, 50.0, 51.0]
OPENING = """account,subject,name,amount,price
acc,cash,EUR,20000,
acc,cash,USD,10000,
acc,position,XYZ,100,50
"""
FILLS = f"""venue,exec_id,symbol,quantity,price,executed_at,currency,fee,account
XETR,1,ABC,100,100,{FIRST}T15:00:00Z,EUR,2,acc
XETR,2,ABC,10,100,{FIRST}T15:00:00Z,USD,0,acc
"""


def _lines(*columns: str, rows: list[tuple[object, ...]]) -> str:
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with terminal(tmp_path / "state") as run:
        yield run


@pytest.fixture
def booked(run: Run, tmp_path: Path) -> Run:
    """Import bars, the currency of one of them, an opening and fills."""
    bars = [
        (day, symbol, close, 10_000)
        for symbol, closes in (("ABC", ABC), ("XYZ", XYZ))
        for day, close in zip(SESSIONS, closes, strict=True)
    ]
    files = {
        "bars.csv": _lines("date", "symbol", "close", "volume", rows=bars),
        "quoted.csv": "symbol,currency\nABC,EUR\n",
        "opening.csv": OPENING,
        "fills.csv": FILLS,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    run("data", "import", str(tmp_path / "bars.csv"), "--dataset", "own")
    run("data", "reference", "currencies", "--add", str(tmp_path / "quoted.csv"))
    own = ("--run", "r1", "--dataset", "own", "--json")
    run("pnl", "open", str(tmp_path / "opening.csv"), "--day", FIRST, *own)
    found = json.loads(run("pnl", "import", str(tmp_path / "fills.csv"), *own))
    assert (found["booked"], found["rejected"]) == (1, 1)
    assert "the currency is not the instrument's" in Path(found["rejections"]).read_text()
    return run


def _import_rates(run: Run, path: Path, rows: list[tuple[object, ...]]) -> dict[str, object]:
    path.write_text(_lines("currency", "date", "rate", rows=rows))
    answer: dict[str, object] = json.loads(
        run("data", "import", str(path), "--kind", "rates", "--json")
    )
    return answer


def _all_rates() -> list[tuple[object, ...]]:
    return [("EUR", day, rate) for day, rate in zip(SESSIONS, EUR, strict=True)]


def test_a_book_in_euros_is_valued_explained_and_measured(booked: Run, tmp_path: Path) -> None:
    _import_rates(booked, tmp_path / "rates.csv", _all_rates())

    (valued,) = json.loads(booked("pnl", "value", "r1", "--dataset", "own", "--json"))

    # Euros: 20,000 and ABC of 10,000 - 2 of fees; ABC then +2 and -1 a share; XYZ +1 in dollars.
    explained = json.loads(booked("pnl", "explain", "--json"))
    parts = {p["name"]: [float(x) for x in p["by_session"]] for p in explained["parts"]}
    assert parts["fees"] == [pytest.approx(-2.20), 0.0, 0.0]
    # Worth 19,998 in euros at the end of the first session, 20,198 at the end of the second.
    assert parts["fx"] == [0.0, pytest.approx(19_998 * 0.02), pytest.approx(-20_198 * 0.07)]
    assert parts["price"] == [
        pytest.approx(0.0), pytest.approx(200 * 1.12), pytest.approx(-100 * 1.05 + 100),
    ]  # fmt: skip
    in_euros, in_dollars = explained["currencies"]
    assert (in_euros["currency"], in_euros["total"]) == ("EUR", "98.00")  # -2 + 200 - 100.
    assert (in_dollars["currency"], in_dollars["total"]) == ("USD", "100.00")
    total = round(20_098 * 1.05 - 20_000 * 1.10 + 100, 2)
    assert float(valued["total_pnl"]) == pytest.approx(total, abs=0.02)
    by_currency = json.loads(booked("pnl", "show", "--by", "currency", "--from", FIRST, "--json"))[
        "attributions"
    ][0]
    assert {p["name"]: float(p["pnl"]) for p in by_currency["parts"]} == {
        "EUR": pytest.approx(total - 100, abs=0.02), "USD": pytest.approx(100.0),
    }  # fmt: skip
    sheet = tmp_path / "sheet.html"
    booked("report", "tearsheet", "imported", "--out", str(sheet))
    assert f"{abs(float(valued['total_pnl'])):.2f}" in sheet.read_text()


def test_the_risk_of_a_stock_abroad_moves_with_its_currency(booked: Run, tmp_path: Path) -> None:
    _import_rates(booked, tmp_path / "rates.csv", _all_rates())
    booked("pnl", "value", "r1", "--dataset", "own")

    report = json.loads(
        booked("risk", "what-if", "--symbol", "ABC", "--quantity", "-100", "--json")
    )

    assert report["left_out"] == []
    assert report["price"] == pytest.approx(101.0 * 1.05)  # In dollars, as all of it.
    close = np.array([ABC, XYZ]) * np.array([EUR, np.ones(len(EUR))])
    paths = np.vstack([close, EUR])
    returns = paths[:, 1:] / paths[:, :-1] - 1.0
    worth = np.array([100 * 101 * 1.05, 100 * 51.0, (20_000 - 10_000 - 2) * 1.05])
    losses = np.sort(-(worth @ returns))
    historical = next(
        t
        for t in report["tails"]
        if t["method"] == "historical" and t["confidence"] == 0.99 and t["horizon_days"] == 1
    )
    assert losses[-6] < historical["var_before"] <= losses[-1]
    assert historical["var_after"] < historical["var_before"]


def test_a_conversion_moves_cash_and_costs_what_it_gave_below_the_rate(
    booked: Run, tmp_path: Path
) -> None:
    _import_rates(booked, tmp_path / "rates.csv", _all_rates())
    path = tmp_path / "cash.csv"
    path.write_text(
        "event_id,day,kind,amount,currency,bought,bought_currency,account\n"
        f"1,{SECOND},exchange,5000,EUR,5590,USD,acc\n2,{SECOND},exchange,5000,EUR,1,EUR,acc\n"
    )

    found = json.loads(
        booked("pnl", "cash", str(path), "--run", "r1", "--dataset", "own", "--json")
    )
    again = json.loads(
        booked("pnl", "cash", str(path), "--run", "r1", "--dataset", "own", "--json")
    )

    assert (found["booked"], found["rejected"]) == (1, 1)
    assert (again["booked"], again["seen_before"]) == (0, 1)
    (valued,) = json.loads(booked("pnl", "value", "r1", "--dataset", "own", "--json"))
    # 5,000 euros for 5,590 at 1.12 cost 10 dollars, and were not there when the euro fell to 1.05.
    kept = 20_098 * 1.05 - 20_000 * 1.10 + 100
    assert float(valued["total_pnl"]) == pytest.approx(kept - 10 + 5_000 * 0.07, abs=0.02)
    explained = json.loads(booked("pnl", "explain", "--json"))
    assert sum(float(p["pnl"]) for p in explained["parts"]) == pytest.approx(
        float(valued["total_pnl"]), abs=0.001
    )
    fx = next(p for p in explained["parts"] if p["name"] == "fx")
    assert [float(x) for x in fx["by_session"]] == [
        0.0, pytest.approx(19_998 * 0.02 - 10), pytest.approx(-15_198 * 0.07),
    ]  # fmt: skip


def test_a_missing_rate_is_named_with_the_way_to_import_it(booked: Run, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=rf"EUR to USD on {FIRST}: .*--kind rates"):
        booked("pnl", "value", "r1", "--dataset", "own")

    few = [row for row in _all_rates() if row[1] != SECOND]
    _import_rates(booked, tmp_path / "few.csv", few)

    with pytest.raises(MissingDataError, match=rf"EUR to USD on {SECOND}: load the exchange rate"):
        booked("pnl", "value", "r1", "--dataset", "own")


def test_risk_names_the_rates_that_its_history_lacks(booked: Run, tmp_path: Path) -> None:
    _import_rates(booked, tmp_path / "late.csv", _all_rates()[-10:])
    booked("pnl", "value", "r1", "--dataset", "own")

    with pytest.raises(MissingDataError, match=r"the rate of EUR .* have none.*--kind rates"):
        booked("risk", "what-if", "--symbol", "XYZ", "--quantity", "1")


def test_a_corrected_rate_changes_the_days_it_stands_in(booked: Run, tmp_path: Path) -> None:
    _import_rates(booked, tmp_path / "rates.csv", _all_rates())
    booked("pnl", "value", "r1", "--dataset", "own")

    found = _import_rates(booked, tmp_path / "again.csv", [*_all_rates()[:-1], ("EUR", LAST, 1.06)])
    (valued,) = json.loads(booked("pnl", "value", "r1", "--dataset", "own", "--json"))

    assert (found["new"], found["corrected"]) == (0, 1)
    assert valued["sessions_changed"] == 1
    seen = ("--symbol", "EUR", "--start", LAST, "--json")
    shown = booked("data", "show", "fx_rates", "--history", *seen)
    assert "1.05" in shown  # Nothing is overwritten.
    assert "1.06" in shown
    assert "1.05" not in booked("data", "show", "fx_rates", *seen)


BAD = {
    "no currency": ("eur,{day},1.1", "is no currency to convert"),
    "the base itself": ("USD,{day},1", "is no currency to convert"),
    "zero": ("EUR,{day},0", "prices-positive"),
    "negative": ("EUR,{day},-1.1", "prices-positive"),
    "no number": ("EUR,{day},much", "is no number"),
    "no date": ("EUR,someday,1.1", "is no date"),
    "infinite": ("EUR,{day},inf", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_a_rate_that_is_none_is_rejected_and_listed(run: Run, tmp_path: Path, case: str) -> None:
    row, said = BAD[case]
    path = tmp_path / "rates.csv"
    path.write_text(f"currency,date,rate\nJPY,{FIRST},0.009\n" + row.format(day=FIRST) + "\n")

    found = json.loads(run("data", "import", str(path), "--kind", "rates", "--json"))

    assert (found["dataset"], found["new"], found["rejected"]) == ("fx_rates", 1, 1)
    assert said in Path(found["rejections"]).read_text()


def test_a_wide_table_of_rates_has_a_column_a_currency(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(f"date,EUR,JPY\n{FIRST},1.1,0.009\n{SECOND},1.12,\n")

    found = json.loads(run("data", "import", str(path), "--kind", "rates", "--json"))

    assert (found["new"], found["rejected"]) == (3, 0)


def test_a_currency_that_is_none_is_not_added(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "quoted.csv"
    for text, said in (
        ("symbol,currency\nABC,euro\n", "three capital letters"),
        ("symbol,currency\nABC,EUR\nABC,GBP\n", "quoted in EUR and in GBP"),
    ):
        path.write_text(text)
        with pytest.raises(InvalidInputError, match=said):
            run("data", "reference", "currencies", "--add", str(path))


@pytest.mark.usefixtures("booked")
def test_the_order_desk_leaves_out_what_is_not_quoted_in_dollars(tmp_path: Path) -> None:
    with open_desk(load_settings(state_dir=tmp_path / "state")) as desk:
        market = LakeMarket(
            desk.market_data, "own", abroad=ReferenceTables.of(desk.settings).currencies
        )()

    assert (set(market.instruments), set(market.prices)) == ({"XYZ"}, {"XYZ"})
