"""The multi-asset portfolio through its flow's steps, the store, the terminal and the API."""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from basics.errors import MissingDataError
from flows import multi_asset as flow
from flows import steps
from flows.day import Day
from infra.bootstrap import Desk, open_desk
from infra.settings import Settings
from quantdesk.main import build_app
from services.experiment import Experiment
from services.morning import profile_beside
from services.multi_asset import MultiAssetBooks, multi_asset_books
from services.multi_asset_rules import MultiAssetPlan
from services.report import MultiAssetSection
from services.risk import PROFILE_KIND

DAYS = np.arange("2020-01-02", "2022-07-01", dtype="datetime64[D]")
SESSIONS = DAYS[np.is_busday(DAYS)]
BOOKS = multi_asset_books(MultiAssetPlan(), SESSIONS, seed=11)


class SimulatedDay(Day):
    """A day whose sessions come from no lake."""

    desk_date = SESSIONS[-1].item()

    @cached_property
    def multi_asset(self) -> MultiAssetBooks | None:
        """The portfolio, at half a year."""
        return BOOKS


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("multi-asset")


@pytest.fixture(scope="module")
def desk(state: Path) -> Iterator[Desk]:
    with open_desk(Settings(state_dir=state)) as desk:
        vars(desk)["_simulated_assets"] = BOOKS.market  # As its sessions, from no lake.
        yield desk


@pytest.fixture(scope="module")
def day(desk: Desk) -> Day:
    day = SimulatedDay(desk, Experiment())
    flow.keep_multi_asset(day, BOOKS)
    flow.measure_multi_asset_risk(day)
    return day


def shown(state: Path, *words: str) -> str:
    environment = {"QUANTDESK_STATE_DIR": str(state), "COLUMNS": "200"}
    result = CliRunner().invoke(build_app(), [*words], env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def section(day: Day) -> MultiAssetSection:
    found = steps.multi_asset_section(day)
    assert found is not None
    return found


def test_the_section_holds_what_the_store_keeps_and_doing_it_again_keeps_the_bytes(
    day: Day,
) -> None:
    before = msgspec.json.encode(section(day))
    rows = day.desk.pnl_days.books("multi-asset").books

    assert flow.stands(day, BOOKS, steps.EXPLANATION_KIND)
    assert flow.multi_asset_risk_stands(day)
    flow.keep_multi_asset(day, BOOKS, again=True)
    flow.measure_multi_asset_risk(day)
    assert msgspec.json.encode(section(day)) == before
    again = day.desk.pnl_days.books("multi-asset").books
    assert again.parts.tolist() == rows.parts.tolist()


def test_profit_and_risk_say_one_number(day: Day) -> None:
    kept = section(day)

    assert kept.risk is not None
    assert kept.explanation.total == kept.performance.total_pnl
    assert kept.risk.equity == pytest.approx(float(kept.performance.final_equity))
    # What the positions and all cash are worth to risk is what the books say.
    ledger = day.desk.accounting(BOOKS.market.instruments).ledger(BOOKS.run_id)
    in_base = float(ledger.cash()["USD"])
    worth = sum(row.net_value for row in kept.risk.instruments.currencies) + in_base
    assert worth == pytest.approx(kept.risk.equity, abs=1.0)


def test_the_profile_stands_beside_that_of_its_date_alone(day: Day) -> None:
    results = day.desk.results

    assert profile_beside(results, as_of=day.desk_date).scope == "multi-asset"
    assert profile_beside(results, as_of=SESSIONS[-2].item()) is None


def test_the_terminal_names_the_market_simulated(day: Day, state: Path) -> None:
    assert day.desk.results.scopes(PROFILE_KIND) == ["multi-asset"]
    earned = shown(state, "pnl", "show", "--portfolio", "multi-asset")
    why = shown(state, "pnl", "explain", "multi-asset", "--from", "2022-06-01")
    risk = shown(state, "risk", "show", "--portfolio", "multi-asset")

    for text in (earned, why, risk):
        assert "multi-asset (SIMULATED market)" in text
    assert "Ankrim-Hensel by session, linked by Carino" in earned
    assert "By asset_class, USD" in earned
    assert "exchanged into it" in why
    for words in ("Options and their greeks", "Bonds, USD", "What stands in each currency"):
        assert words in risk


def test_a_portfolio_that_cannot_be_measured_is_a_row_of_the_night(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Any] = []

    def refuse(_: Day) -> None:
        raise MissingDataError("no rate from JPY to USD: load the exchange rate")

    monkeypatch.setattr(flow, "measure_multi_asset_risk", refuse)
    monkeypatch.setattr(flow, "create_table_artifact", lambda **told: rows.append(told))
    line = flow.multi_asset_risk(day)

    assert "failure no rate from JPY to USD" in line
    assert rows[0]["table"][0]["book"] == "multi-asset (SIMULATED market)"


@pytest.mark.parametrize("by", ["order", "model_version", "arm", "side", "hour", "currency"])
def test_any_split_of_a_range_of_days_answers_and_sums_to_its_total(day: Day, by: str) -> None:
    days = day.desk.pnl_days
    kept = days.books("multi-asset", start=date(2022, 5, 2), end=date(2022, 6, 10))
    split = days.attribution(kept, by=by)

    assert split.parts
    assert sum((part.pnl for part in split.parts), split.residual) == split.total
    assert split.total == days.performance(kept).total_pnl
    if by == "model_version":  # No model decides here, and what does is known.
        words = [part.name.rpartition(" ")[0] for part in split.parts]
        assert sorted(words) == ["rule: core", "rule: overlay"]
    if by == "currency":
        assert {part.name for part in split.parts} == {"EUR", "JPY", "USD"}
        assert split.residual == 0
