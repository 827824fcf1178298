"""Bad input to profit and loss at the edges, case by case: import, terminal and API."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.bootstrap import open_desk
from infra.settings import Settings
from market.datasets import Dataset
from services.pnl_replay import BAR_FIELDS
from tests.terminal import Run, terminal

Served = Callable[..., AbstractContextManager[httpx.Client]]
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def client(stocked_state: Path, served: Served) -> Iterator[httpx.Client]:
    with served(Settings(state_dir=stocked_state)) as client:
        yield client


REFUSED = {
    "an empty range": ("?from=2030-01-01", 404, "its books run from"),
    "a range that ends before it starts": ("?from=2022-02-02&to=2022-02-01", 422, "swap the dates"),
    "a day that is none": ("?from=2022-02-30", 422, "from"),
    "an unknown portfolio": ("?portfolio=nobody&from=2022-05-02", 404, "there is core"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("path", ["/pnl/performance", "/pnl/attribution", "/pnl/explain"])
def test_a_range_without_sense_is_a_problem_with_its_cure(
    client: httpx.Client, path: str, case: str
) -> None:
    query, status, said = REFUSED[case]

    answer = client.get(path + query)

    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert said in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("/pnl/attribution?by=colour", "cannot attribute by"),
        ("/pnl/performance?trials=0", "trials"),
        ("/pnl/performance?trials=many", "trials"),
        ("/pnl/benchmark-attribution?level=planet", "level"),
    ],
)
def test_what_cannot_be_asked_is_named(client: httpx.Client, query: str, said: str) -> None:
    answer = client.get(query)

    assert answer.status_code in {404, 422}
    assert said in answer.text


def test_one_session_has_values_or_reasons_and_no_nan(client: httpx.Client) -> None:
    answer = client.get("/pnl/performance?from=2022-06-17&to=2022-06-17")

    assert answer.status_code == 200
    assert "NaN" not in answer.text
    for figure in answer.json()["performance"]["figures"]:
        assert (figure["value"] is None) == (figure["reason"] is not None), figure["name"]
        assert figure["reason"] != "it is undefined here"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"amount": "-5"}, 422),
        ({"amount": "NaN"}, 422),
        ({"symbol": "ZZZ"}, 404),
        ({"day": "2021-06-17"}, 404),  # No session of its books.
        ({"portfolio": "nobody"}, 404),
        ({"reason": " "}, 422),
        ({"author": ""}, 422),
    ],
)
def test_a_mark_without_sense_is_not_proposed(
    client: httpx.Client, change: dict[str, str], status: int
) -> None:
    good = {"kind": "mark", "portfolio": "core", "day": "2022-06-17", "symbol": "AAA",
            "amount": "101.5", "reason": "stale close", "author": "ann"}  # fmt: skip
    before = client.get("/pnl/manual").json()

    assert client.post("/pnl/manual", json=good | change).status_code == status
    assert client.get("/pnl/manual").json() == before


# The terminal.


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with terminal(tmp_path) as run:
        yield run


RETURNS = {
    "an empty range": ("", InvalidInputError, "holds no rows"),
    "gaps alone": ("2022-01-31,\n", MissingDataError, "good row"),
    "more than everything": ("2022-01-31,-1.5\n", MissingDataError, "good row"),
}


@pytest.mark.parametrize("case", RETURNS)
def test_returns_of_which_no_row_is_good_are_refused(run: Run, tmp_path: Path, case: str) -> None:
    rows, error, said = RETURNS[case]
    path = tmp_path / "returns.csv"
    path.write_text("date,return\n" + rows)

    with pytest.raises(error, match=said):
        run("pnl", "measure", str(path))


@pytest.mark.parametrize(
    "rows",
    [
        "2022-01-31,0.01\n",
        "2022-01-31,0\n2022-02-28,0\n2022-03-31,0\n",
        "2022-01-31,0.02\n2022-02-28,-1\n2022-03-31,0.01\n",
    ],
    ids=["one observation", "zero volatility", "a return of -100%"],
)
def test_odd_returns_are_measured_with_reasons(run: Run, tmp_path: Path, rows: str) -> None:
    path = tmp_path / "returns.csv"
    path.write_text("date,return\n" + rows)

    text = run("pnl", "measure", str(path), "--trials", "3", "--json")

    assert "NaN" not in text
    for figure in json.loads(text)["figures"]:
        assert (figure["value"] is None) == (figure["reason"] is not None), figure["name"]
    assert "nan" not in run("pnl", "measure", str(path)).lower()


FILLS = """venue,exec_id,symbol,quantity,price,executed_at
SIM,1,AAA,10,100,2022-01-03T21:00:00Z
SIM,2,ZZZ,10,100,2022-01-03T21:00:00Z
SIM,3,AAA,10,-100,2022-01-03T21:00:00Z
SIM,4,AAA,0,100,2022-01-03T21:00:00Z
SIM,5,AAA,ten,100,2022-01-03T21:00:00Z
SIM,6,AAA,10,,2022-01-03T21:00:00Z
SIM,7,AAA,10,100,yesterday
SIM,1,AAA,10,100,2022-01-03T21:00:00Z
"""


INTO = ("--run", "r1", "--dataset", "own")


def _own_dataset(state: Path) -> None:
    """Give the lake a dataset that knows AAA."""
    moment = datetime(2022, 1, 3, 21, tzinfo=UTC)
    bar = {"symbol": "AAA", "session": moment.date(), "event_time": moment,
           "knowledge_time": moment} | dict.fromkeys(BAR_FIELDS, 100.0)  # fmt: skip
    own = Dataset(name="own", fields=BAR_FIELDS, calendar=None)
    with open_desk(Settings(state_dir=state)) as desk:
        desk.market_data.lake.append(own, pl.DataFrame([bar]))


def test_bad_fills_are_listed_with_line_and_reason_and_the_good_one_is_booked(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "fills.csv"
    path.write_text(FILLS)
    _own_dataset(tmp_path)

    report = json.loads(
        run("pnl", "import", str(path), "--run", "r1", "--dataset", "own", "--json")
    )

    assert (report["booked"], report["rejected"]) == (1, 7)
    listed = Path(report["rejections"]).read_text()
    for said in ("the instrument is unknown", "negative", "quantity", "price", "time", "twice"):
        assert said in listed
    again = json.loads(run("pnl", "import", str(path), *INTO, "--json"))
    assert (again["booked"], again["seen_before"]) == (0, 1)
    with pytest.raises(InvalidInputError, match="is not a file"):
        run("pnl", "import", str(tmp_path / "none.csv"), *INTO)


def test_a_parquet_time_without_a_zone_is_rejected_not_guessed(run: Run, tmp_path: Path) -> None:
    _own_dataset(tmp_path)
    path = tmp_path / "fills.parquet"
    when = datetime(2022, 1, 3, 21, tzinfo=UTC)
    row = {"venue": "SIM", "exec_id": "1", "symbol": "AAA", "quantity": 10.0, "price": 100.0}
    pl.DataFrame([row | {"executed_at": when}]).with_columns(
        pl.col("executed_at").dt.replace_time_zone(None)
    ).write_parquet(path)

    report = json.loads(
        run("pnl", "import", str(path), "--run", "r1", "--dataset", "own", "--json")
    )

    assert (report["booked"], report["rejected"]) == (0, 1)
    assert "executed_at is no time with a zone" in Path(report["rejections"]).read_text()


def test_books_are_not_valued_where_a_price_is_missing_and_nothing_is_kept(
    run: Run, tmp_path: Path
) -> None:
    _own_dataset(tmp_path)
    path = tmp_path / "fills.csv"
    path.write_text(FILLS.replace("2022-01-03", "2022-02-03"))
    run("pnl", "import", str(path), *INTO)

    with pytest.raises(MissingDataError, match="no bars in the range asked for"):
        run("pnl", "value", "r1", "--dataset", "own")
    with pytest.raises(MissingDataError, match="run 'r2' has no entries"):
        run("pnl", "value", "r2", "--dataset", "own")
    path.write_text(FILLS.replace("AAA,10,100", "AAA,10,99"))
    run("pnl", "import", str(path), "--run", "r3", "--dataset", "own")
    with pytest.raises(InvalidInputError, match=r"capital paid in first \(`quantdesk pnl open`\)"):
        run("pnl", "value", "r3", "--dataset", "own")
    with pytest.raises(MissingDataError, match="no day is kept yet"):
        run("pnl", "explain")
