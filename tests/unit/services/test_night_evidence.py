"""Tests of `services.night_evidence` and `night_view`: a row says which tests it carries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from basics.errors import MissingDataError
from basics.trading import Book
from market.panel import Panel
from pnl.daily import DailyBooks
from risk.limits import Limit, Scope
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket, NightRow
from risk.tested import ALL_TESTS, NIGHT_TESTS
from risk.weekly import WeeklyTerms
from services.morning import last_night
from services.night_evidence import NightEvidence, evidence_of_life, strategy_lives
from services.night_store import Batch
from services.night_view import night_book, night_list
from services.nightly_risk import NIGHT_KIND, NightPolicy, nightly_risk
from services.risk_inputs import History, RiskInputs
from services.weekly_risk import WEEKLY_KIND, weekly_risk, weekly_stamps
from tests.kept_results import KeptResults

SYMBOLS, N_SESSIONS, N_LIFE, LOOKBACK = ("AAA", "BBB", "CCC"), 420, 60, 300
SESSIONS = np.arange("2021-01-01", N_SESSIONS, dtype="datetime64[D]")
DAY: date = SESSIONS[-1].item()
LINEAGE = {"run": "r"}


@pytest.fixture(scope="module")
def daily() -> DailyBooks:
    """Two strategies over the last sessions, each of its own constant quantity."""
    own = (Book("f", "core", "alpha", "a"), Book("f", "core", "beta", "a"))
    close = prices()["close"][:, -N_LIFE:]
    held = np.array([1_000.0, 500.0])
    value = np.round(held[:, None] * close[:2] * 100).astype(np.int64)
    pnl = np.diff(value, axis=1, prepend=value[:, :1])
    return DailyBooks(
        currency="USD",
        digits=2,
        sessions=SESSIONS[-N_LIFE:],
        keys=((own[0], "AAA"), (own[1], "BBB")),
        pnl=pnl,
        fees=np.zeros_like(pnl),
        market_value=value,
        flows=np.zeros(N_LIFE, dtype=np.int64),
        equity=20_000_000 + pnl.sum(axis=0).cumsum(),
    )


def prices() -> Panel:
    returns = np.random.default_rng(5).standard_t(5, size=(3, N_SESSIONS)) * 0.01
    return Panel(SYMBOLS, SESSIONS, {"close": 100 * np.cumprod(1 + returns, axis=1)})


@pytest.fixture(scope="module")
def lives(daily: DailyBooks) -> dict[str, RiskInputs]:
    whole = RiskInputs(
        scope="core",
        as_of=DAY,
        holdings={},
        prices=prices(),
        equity=History(daily.sessions, daily.equity / 100.0),
        sectors={},
    )
    capital = {"alpha": Decimal(120_000), "beta": Decimal(80_000)}
    return strategy_lives(whole, daily, capital=capital)


def night(
    results: KeptResults, evidence: NightEvidence, limits: Sequence[Limit] = (), window: int = 250
):
    close = prices()["close"]
    returns = close[:, 1:] / close[:, :-1] - 1.0
    market = NightMarket(
        state=estimate_state(
            SYMBOLS, returns, market=returns.mean(axis=0), rates=None, daily_notional={}
        ),
        returns=returns,
        sectors={},
    )
    books = NightBooks(
        names=("core/alpha", "other"),
        exposures=np.array([[1_000 * close[0, -1], 0, 0], [0, 0, 5_000.0]]),
        equity=np.array([120_000.0, 10_000.0]),
        drawdown=np.zeros(2),
    )
    policy = NightPolicy(limits=limits, scenarios=(), as_of=DAY, window=window)
    batch = Batch(kind=NIGHT_KIND, as_of=DAY, books=books, lineage=LINEAGE)
    report = nightly_risk(batch, market, policy, results, evidence=evidence)
    return report, market, books


@pytest.fixture(scope="module")
def evidence(lives: dict[str, RiskInputs]) -> NightEvidence:
    return NightEvidence(lives=lives, lookback=LOOKBACK, seed=3)


def test_a_strategy_lives_on_its_own_capital_and_profit(
    lives: dict[str, RiskInputs], daily: DailyBooks
) -> None:
    assert sorted(lives) == ["core/alpha", "core/beta"]
    alpha = lives["core/alpha"]
    assert list(alpha.holdings) == ["AAA"]
    assert alpha.holdings["AAA"].quantity == pytest.approx(1_000, rel=1e-6)
    assert alpha.equity.values[-1] == pytest.approx(120_000 + daily.pnl[0].sum() / 100)
    assert alpha.exposures is not None
    assert alpha.exposures.symbols == ("AAA",)


def test_a_book_whose_life_is_known_carries_every_test_and_another_says_what_it_lacks(
    evidence: NightEvidence,
) -> None:
    report, *_ = night(KeptResults(), evidence)
    rows = {row.name: row for row in report.rows}

    alpha, other = rows["core/alpha"], rows["other"]
    assert (alpha.tests, other.tests) == (ALL_TESTS, NIGHT_TESTS)
    assert other.evidence is None
    assert other.evidence_note == ""
    assert alpha.evidence is not None
    assert "the book's own history: 59 sessions" in alpha.evidence.basis
    methods = {item.method for item in alpha.evidence.methods}
    assert {"historical", "filtered_garch", "extreme_value", "monte_carlo_t_copula"} <= methods
    assert len(alpha.evidence.methods) == 3 * len(methods)
    tests = [item.backtest for item in alpha.evidence.methods]
    assert all(test.n_days == 59 for test in tests)
    assert all(test.z2_p is not None for test in tests)
    assert any(test.dynamic_quantile_p is not None for test in tests)
    for confidence in (0.95, 0.975, 0.99):
        at = [item for item in alpha.evidence.methods if item.confidence == confidence]
        (best,) = (item for item in at if item.best)
        assert best.backtest.fissler_ziegel == min(i.backtest.fissler_ziegel for i in at)
        assert best.in_confidence_set


def test_the_rows_are_the_same_run_twice_and_read_back_whole(evidence: NightEvidence) -> None:
    results, again = KeptResults(), KeptResults()
    first, *_ = night(results, evidence)
    second, *_ = night(results, evidence)
    night(again, evidence)

    assert (first.measured, second.measured) == (2, 0)
    assert second.rows == first.rows
    assert again.documents == results.documents
    assert last_night(results).rows == first.rows


def test_evidence_that_fails_leaves_the_row_and_says_why(evidence: NightEvidence) -> None:
    alpha = evidence.lives["core/alpha"]
    assert alpha.exposures is not None
    unknown = replace(alpha.exposures, sessions=alpha.exposures.sessions + np.timedelta64(9, "D"))
    lives = {"core/alpha": replace(alpha, exposures=unknown)}
    report, *_ = night(KeptResults(), replace(evidence, lives=lives))
    row = next(row for row in report.rows if row.name == "core/alpha")
    assert (row.tests, row.evidence) == (NIGHT_TESTS, None)
    assert "a session of the book has no prices" in row.evidence_note


def test_what_a_profile_found_is_not_computed_twice(evidence: NightEvidence) -> None:
    found = evidence_of_life(
        evidence.lives["core/alpha"], lookback=LOOKBACK, rng=np.random.default_rng(3)
    )
    known = NightEvidence(known={"core/alpha": found, "other": None})
    report, *_ = night(KeptResults(), known)
    rows = {row.name: row for row in report.rows}
    assert rows["core/alpha"].evidence == found
    assert rows["other"].evidence_note == "its history is too short to test a forecast"


def test_limits_are_held_against_the_estimates_that_the_profile_shows(
    evidence: NightEvidence,
) -> None:
    report, *_ = night(KeptResults(), evidence, window=120)
    row = next(row for row in report.rows if row.name == "core/alpha")
    assert row.evidence is not None
    shown, windowed = (
        next(m.value_at_risk for m in rows if (m.method, m.confidence) == ("historical", 0.99))
        for rows in (row.evidence.methods, row.methods)
    )
    assert shown != pytest.approx(windowed, rel=0.01)
    for hard, state in ((shown * 0.999, "hard"), (shown * 1.001, "soft")):
        limit = Limit(
            metric="value_at_risk_99", scope=Scope.PORTFOLIO, warn=1e-5, soft=2e-5,
            hard=hard / 120_000, owner="risk",
        )  # fmt: skip
        judged, *_ = night(KeptResults(), evidence, [limit], window=120)
        states = {row.name: row.limit_state for row in judged.rows}
        assert states["core/alpha"] == state


def test_the_weekly_stamp_stands_beside_the_row_with_its_date() -> None:
    results = KeptResults()
    _, market, books = night(results, NightEvidence())
    before = documents_of_the_night(results)
    assert night_list(results).lines[0].weekly is None
    terms = WeeklyTerms(window=250, days=60, refit=30, n_scenarios=256)
    week = Batch(kind=WEEKLY_KIND, as_of=DAY, books=books.take([1]), lineage=LINEAGE)
    weekly_risk(week, market, terms, results)

    stamp = weekly_stamps(results, until=DAY)["other"]
    assert (stamp.as_of, stamp.n_days, stamp.n_methods) == (DAY, 60, 13)
    assert weekly_stamps(results, until=SESSIONS[0].item()) == {}
    lines = {line.book: line for line in night_list(results).lines}
    assert lines["other"].weekly == stamp
    assert lines["core/alpha"].weekly is None
    assert documents_of_the_night(results) == before  # A later week changes no row.
    one = night_book(results, "other")
    assert (one.weekly, one.reason) == (stamp, None)
    with pytest.raises(MissingDataError, match="has no book 'nowhere': it has core/alpha, other"):
        night_book(results, "nowhere")


def test_a_line_shows_the_number_that_was_tested(evidence: NightEvidence) -> None:
    results = KeptResults()
    night(results, evidence)
    lines = {line.book: line for line in night_list(results).lines}
    row: NightRow | None = night_book(results, "core/alpha").row
    assert row is not None
    assert row.evidence is not None
    own = next(m for m in row.evidence.methods if (m.method, m.confidence) == ("historical", 0.99))
    assert lines["core/alpha"].value_at_risk == own.value_at_risk
    assert lines["core/alpha"].basis == row.evidence.basis
    assert lines["other"].basis == "today's book held constant"


def documents_of_the_night(results: KeptResults):
    return {key: row for key, row in results.documents.items() if key[0] == NIGHT_KIND}
