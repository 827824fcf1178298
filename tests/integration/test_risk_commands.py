"""Risk and its limits from the command line, on a database of its own."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from infra.bootstrap import open_desk
from infra.settings import load_settings
from market.panel import Panel
from risk.book import Holding
from services.risk_inputs import History, RiskInputs
from tests.terminal import Run, terminal

SESSIONS = np.arange("2020-01-01", 700, dtype="datetime64[D]")
CLOSE = 100 * np.cumprod(1 + np.random.default_rng(3).normal(scale=0.01, size=(2, 700)), axis=1)


def profile_day(state: Path, *, last: int, quantity: float) -> date:
    """Profile and store a book that holds two symbols, as the batch would."""
    sessions, close = SESSIONS[:last], CLOSE[:, :last]
    as_of: date = sessions[-1].astype(date)
    with open_desk(load_settings(state_dir=state)) as desk:
        inputs = RiskInputs(
            scope="main",
            as_of=as_of,
            holdings={
                "AAA": Holding(quantity, quantity * close[0, -1]),
                "BBB": Holding(100.0, 100.0 * close[1, -1]),
            },
            prices=Panel(("AAA", "BBB"), sessions, {"close": close}),
            equity=History(sessions[-2:], np.array([100_000.0, 100_000.0])),
            sectors={"AAA": "tech", "BBB": "energy"},
        )
        desk.risk.store(desk.risk.profile(inputs), lineage={"run": "test"})
    return as_of


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with terminal(tmp_path, "risk") as run:
        yield run


def test_without_a_profile_it_says_what_to_run(run: Run) -> None:
    with pytest.raises(MissingDataError, match="run `quantdesk demo`"):
        run("show")


def test_profile_is_shown_and_explained_day_over_day(run: Run, tmp_path: Path) -> None:
    profile_day(tmp_path, last=699, quantity=200.0)
    profile_day(tmp_path, last=700, quantity=400.0)

    shown = json.loads(run("show", "--json"))
    why = json.loads(run("why", "main", "--json"))

    assert shown["lineage"]["run"] == "test"
    assert {t["method"] for t in shown["profile"]["tails"]} >= {"historical", "filtered_garch"}
    assert shown["profile"]["stresses"][0]["name"] == "market_crash"
    assert any(line.startswith("AAA: component VaR +") for line in why["since_the_day_before"])
    assert "Value at risk and expected shortfall" in run("show")
    assert "where the 99% VaR comes from" in run("why")


def test_single_numbers_and_the_tail_are_told_with_what_they_are(run: Run, tmp_path: Path) -> None:
    profile_day(tmp_path, last=700, quantity=200.0)

    said = run("measures")
    numbers = json.loads(run("measures", "main", "--json"))

    for word in ("downside", "HHI", "bets", "absorption", "drawdown", "Hill", "threshold"):
        assert word in said
    assert set(numbers) == {"scope", "as_of", "currency", "measures", "exposure", "tail_shape"}
    assert numbers["tail_shape"]["thresholds"]
    assert "closed" in run("show")


def test_breach_is_listed_until_acknowledged_and_an_override_lifts_it(
    run: Run, tmp_path: Path
) -> None:
    profile_day(tmp_path, last=700, quantity=400.0)
    breaches = json.loads(run("breaches", "--json"))
    held = next(b for b in breaches if (b["metric"], b["name"]) == ("weight", "AAA"))
    assert held["state"] == "hard"

    run("acknowledge", held["breach_id"], "--by", "ann", "--note", "sold half")

    assert held["breach_id"] not in run("breaches", "--json")
    assert "ann" in run("breaches", "--all", "--json")
    with pytest.raises(ConflictError, match="acknowledged by ann already"):
        run("acknowledge", held["breach_id"], "--by", "bob", "--note", "me too")

    said = run(
        "override", "weight", "symbol", "*", "--hard", "0.9", "--until", "2999-12-31",
        "--reason", "index change", "--by", "cro",
    )  # fmt: skip
    assert "weight of symbol * may reach 0.9 until 2999-12-31" in said
    profile_day(tmp_path, last=700, quantity=400.0)
    checks = json.loads(run("show", "--json"))["profile"]["limits"]
    lifted = next(c for c in checks if (c["metric"], c["name"]) == ("weight", "AAA"))
    assert (lifted["hard"], lifted["override_reason"]) == (0.9, "index change")


def test_malformed_override_is_one_line(run: Run) -> None:
    with pytest.raises(InvalidInputError, match="use YYYY-MM-DD"):
        run(
            "override", "weight", "symbol", "*", "--hard", "0.9", "--until", "soon",
            "--reason", "r", "--by", "cro",
        )  # fmt: skip
