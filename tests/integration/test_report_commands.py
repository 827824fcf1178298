"""`quantdesk report` on a state folder that holds a day's documents."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from basics.errors import MissingDataError
from infra.bootstrap import open_desk
from infra.settings import Settings
from quantdesk.main import build_app
from risk.night_methods import MethodRow
from risk.nightly import NightFailure, NightRow
from services.morning import last_night, last_profile
from services.nightly_risk import (
    NIGHT_KIND,
    NIGHT_SUMMARY_KIND,
    SUMMARY_SCOPE,
    NightReport,
)
from services.report import DayReport
from services.risk import PROFILE_KIND, profile_document
from tests.day_sample import sample_report


def a_book(name: str, score: float) -> NightRow:
    method = MethodRow(
        method="historical", confidence=0.99, value_at_risk=1e5, expected_shortfall=1.3e5,
        n_days=500, exceedances=5, kupiec_p=0.9, christoffersen_p=0.8,
    )  # fmt: skip
    return NightRow(
        name=name, methods=(method,), component_var={"JPM": 1.0}, component_es={"JPM": 1.0},
        stresses={"crash": 9e5}, score=score, level="LOW", limit_state="ok", breached=(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def report() -> DayReport:
    return sample_report(n_sessions=200)


@pytest.fixture(scope="module")
def night(report: DayReport) -> NightReport:
    return NightReport(
        as_of=report.desk_date,
        rows=(a_book("EQUITY", 40.0), a_book("momentum", 12.0)),
        failures=(NightFailure("EMPTY", "the exposures hold NaN"),),
    )


@pytest.fixture(scope="module")
def state(report: DayReport, night: NightReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    with open_desk(Settings(state_dir=folder)) as desk:
        for kind, document in (
            ("pnl.performance", msgspec.to_builtins(report.performance)),
            ("pnl.attribution", {"attributions": msgspec.to_builtins(report.attributions)}),
            (PROFILE_KIND, profile_document(report.risk)),
        ):
            desk.results.put(kind, "EQUITY", report.desk_date, document, {})
        for row in (*night.rows, *night.failures):
            desk.results.put(NIGHT_KIND, row.name, night.as_of, msgspec.to_builtins(row), {})
        desk.results.put(NIGHT_SUMMARY_KIND, SUMMARY_SCOPE, night.as_of, night.summary(), {})
    return folder


Served = Callable[..., AbstractContextManager[httpx.Client]]


def quantdesk(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "quantdesk"), *arguments],
        capture_output=True, text=True, check=False,
        env=os.environ | {"QUANTDESK_STATE_DIR": str(state)},
    )  # fmt: skip


def test_the_stored_night_reads_back_as_it_was(
    state: Path, report: DayReport, night: NightReport
) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        assert last_night(desk.results) == night
        assert last_profile(desk.results, "EQUITY") == report.risk


def test_a_tear_sheet_is_drawn_from_what_is_stored(state: Path) -> None:
    done = quantdesk("report", "tearsheet", state=state)

    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).read_text(encoding="utf-8").count("rolling-sharpe") >= 1


def test_the_morning_report_goes_where_the_user_says(state: Path, tmp_path: Path) -> None:
    done = quantdesk("report", "morning", "--out", str(tmp_path / "m.html"), state=state)

    assert (done.returncode, done.stderr) == (0, "")
    assert "the exposures hold NaN" in (tmp_path / "m.html").read_text(encoding="utf-8")


def test_the_night_lists_its_books_and_says_which_tests_each_carries(state: Path) -> None:
    listed = quantdesk("risk", "night", state=state)
    one = quantdesk("risk", "night", "momentum", state=state)
    none = quantdesk("risk", "night", "EMPTY", state=state)
    unknown = quantdesk("risk", "night", "NOSUCH", state=state)

    assert listed.stdout.count("6 of 11") == 2
    assert "EMPTY was not measured: the exposures hold NaN" in listed.stdout
    assert "Not in it: dynamic_quantile, acerbi_szekely_z1" in one.stdout
    assert "No weekly long run has measured the book yet" in one.stdout
    assert "EMPTY was not measured" in none.stdout
    assert unknown.returncode == 3
    assert "has no book 'NOSUCH': it has EMPTY, EQUITY, momentum" in unknown.stderr


def test_the_night_is_answered_over_http(state: Path, served: Served) -> None:
    with served(Settings(state_dir=state)) as client:
        night = client.get("/risk/night").json()["night"]
        book = client.get("/risk/night/book", params={"book": "momentum"}).json()["night"]
        unknown = client.get("/risk/night/book", params={"book": "a/b"})

    assert [line["book"] for line in night["lines"]] == ["EQUITY", "momentum"]
    assert night["failures"] == [{"name": "EMPTY", "reason": "the exposures hold NaN"}]
    assert len(night["lines"][0]["tests"]) == 6
    assert (book["row"]["score"], book["weekly"]) == (12.0, None)
    assert unknown.status_code == 404


def refused(monkeypatch: pytest.MonkeyPatch, state: Path, *arguments: str) -> Exception:
    monkeypatch.setenv("QUANTDESK_STATE_DIR", str(state))
    result = CliRunner().invoke(build_app(), ["report", *arguments])
    assert result.exception is not None
    return result.exception


def test_an_unknown_portfolio_is_refused_by_naming_the_known(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(monkeypatch, state, "tearsheet", "NOSUCH")

    assert isinstance(error, MissingDataError)
    assert str(error) == "no portfolio 'NOSUCH' is stored: there is EQUITY"


def test_with_nothing_stored_the_demo_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(monkeypatch, tmp_path, "morning")

    assert isinstance(error, MissingDataError)
    assert str(error) == "nothing is stored yet: run `quantdesk demo`"
