"""Tests of the `features` commands."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from basics.errors import MissingDataError, RefusedError
from infra.bootstrap import open_desk
from infra.settings import Settings
from market.datasets import Dataset
from quantdesk.commands.features import features


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("QUANTDESK_STATE_DIR", str(tmp_path / "state"))
    return CliRunner()


def test_ls_lists_the_sets_and_the_features_of_one(runner: CliRunner) -> None:
    sets = json.loads(runner.invoke(features, ["ls", "--json"]).stdout)
    one = json.loads(runner.invoke(features, ["ls", "alpha158", "--json"]).stdout)

    assert {"alpha158", "close_momentum"} <= {row["set"] for row in sets}
    assert len(one) == 158
    assert one[0] == {
        "set": "alpha158@1",
        "feature": "KMID",
        "lookback": 0,
        "live": "session",
        "fields": ["close", "open"],
        "meaning": "The body of the bar, close less open, as a share of the open: above 0 it rose.",
        "formula": "((close - open) / open)",
    }


def test_docs_writes_the_page_that_ships_and_that_of_an_own_file(
    runner: CliRunner, tmp_path: Path
) -> None:
    shipped = Path(__file__).parents[3] / "docs" / "feature-catalogue.md"
    own, page = tmp_path / "own.toml", tmp_path / "pages" / "own.md"
    own.write_text('[features]\nup = "close > delay(close, 1)"\n[meanings]\nup = "1 if it rose."\n')

    whole = runner.invoke(features, ["docs"])
    written = runner.invoke(features, ["docs", str(own), "--out", str(page)])

    assert whole.stdout == shipped.read_text(encoding="utf-8"), "run `quantdesk features docs`"
    assert written.exit_code == 0
    row = "| `up` | 1 if it rose. | 1 | constant | `(close > delay(close, 1))` |"
    assert row in page.read_text().splitlines()


def test_check_passes_an_honest_file_and_refuses_one_that_peeks(
    runner: CliRunner, tmp_path: Path
) -> None:
    honest, peeking = tmp_path / "honest.py", tmp_path / "peeking.py"
    honest.write_text(
        "from features import field, mean\nFEATURES = {'m': mean(field('close'), 5)}\n"
    )
    peeking.write_text(
        "import numpy as np\n"
        "from features import feature_function, field\n"
        "@feature_function(field('close'), lookback=0)\n"
        "def peek(close):\n"
        "    return np.roll(close, -1, axis=1)\n"
        "FEATURES = {'peek': peek}\n"
    )

    passed = runner.invoke(features, ["check", str(honest), "--json"])
    refused = runner.invoke(features, ["check", str(peeking)])

    assert passed.exit_code == 0
    assert json.loads(passed.stdout)["leaks"] == []
    assert isinstance(refused.exception, RefusedError)
    assert "LEAKS" in refused.stdout


def test_check_tries_a_users_labels_too(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    text = (
        "from dataclasses import replace\n"
        "from features import field\n"
        "from features.labels import forward_return\n"
        "FEATURES = {'c': field('close')}\n"
        "def week(panel):\n"
        "    made = forward_return(panel, horizon=5)\n"
        "    return replace(made, name='week', end=made.end - SHORT)\n"
        "LABELS = {'week': week}\n"
    )
    file.write_text(text.replace("SHORT", "0"))
    passed = runner.invoke(features, ["check", str(file), "--json"])
    file.write_text(text.replace("SHORT", "3"))
    refused = runner.invoke(features, ["check", str(file)])
    file.write_text("from features import field\nFEATURES = {'c': field('close')}\nLABELS = [1]\n")
    malformed = runner.invoke(features, ["check", str(file)])

    assert json.loads(passed.stdout)["labels"] == ["week"]
    assert json.loads(passed.stdout)["leaks"] == []
    assert "week may not be used" in str(refused.exception)
    assert "functions of a panel by name" in str(malformed.exception)


def test_labels_shows_each_with_its_interval_and_the_proof(runner: CliRunner) -> None:
    rows = json.loads(runner.invoke(features, ["labels", "--json"]).stdout)
    table = runner.invoke(features, ["labels"]).stdout

    assert {row["name"] for row in rows} >= {"forward_return", "right_size", "planted_errors"}
    assert all(row["leaks"] == [] for row in rows)
    assert "t+1 .. t+6" in table


def test_describe_names_a_feature_that_is_not_there(runner: CliRunner) -> None:
    result = runner.invoke(features, ["describe", "close_momentum.nothing"])

    assert isinstance(result.exception, MissingDataError)
    assert "no feature 'nothing'" in str(result.exception)


def test_bars_taken_show_in_the_newest_features(runner: CliRunner, tmp_path: Path) -> None:
    history = pl.DataFrame(
        {"symbol": "A", "session": pl.date_range(date(2021, 1, 1), date(2022, 1, 1), eager=True)}
    ).with_columns(close=pl.int_range(100, 100 + pl.len()).cast(pl.Float64))
    stamp = pl.col("session").cast(pl.Datetime("us", "UTC"))
    dataset = Dataset(name="mine", fields=("close",), calendar=None)
    with open_desk(Settings(state_dir=tmp_path / "state")) as desk:
        desk.market_data.lake.append(
            dataset, dataset.conform(history.with_columns(event_time=stamp, knowledge_time=stamp))
        )
    file = tmp_path / "bars.csv"
    file.write_text("symbol,session,close\nA,2022-01-02,500\nA,2022-01-03,550\n")

    def told() -> dict:
        arguments = ["latest", "A", "--dataset", "mine", "--json"]
        return json.loads(runner.invoke(features, arguments).stdout)["vectors"][0]

    before = told()
    taken = runner.invoke(features, ["take", str(file), "--dataset", "mine", "--json"])
    after = told()
    replayed = runner.invoke(
        features, ["replay", "close_momentum", "--dataset", "mine", "--sessions", "3", "--json"]
    )

    assert (before["session"], after["session"]) == ("2022-01-01", "2022-01-03")
    assert after["features"]["return_1"] == pytest.approx(0.1)
    assert [row["session"] for row in json.loads(taken.stdout)] == ["2022-01-02", "2022-01-03"]
    assert json.loads(replayed.stdout)["apart"] == 0
    for text in ("symbol,day\nA,1\n", "symbol,session,close\n", "symbol,session,close\nA,x,1\n"):
        file.write_text(text)
        refused = runner.invoke(features, ["take", str(file), "--dataset", "mine"])
        assert "holds no bars" in str(refused.exception)
