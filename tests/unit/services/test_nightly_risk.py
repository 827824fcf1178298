"""Tests of `services.nightly_risk`: any engine, any chunk size, run twice: the same rows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError
from risk.limits import Limit, Scope
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket
from risk.score import Level
from risk.shocks import Shock
from risk.stress import Basis, StressScenario
from risk.weekly import WeeklyTerms
from services.night_store import Batch
from services.nightly_risk import (
    NIGHT_KIND,
    NIGHT_STRESS_KIND,
    NIGHT_SUMMARY_KIND,
    NightPolicy,
    nightly_risk,
    nightly_stress,
    previous_levels,
)
from services.weekly_risk import WEEKLY_KIND, summary_of, weekly_risk, weekly_stands
from tests.kept_results import KeptResults

DAY = date(2022, 1, 3)
RETURNS = np.random.default_rng(8).normal(scale=0.01, size=(3, 400))
MARKET = NightMarket(
    state=estimate_state(
        ("A", "B", "C"), RETURNS, market=RETURNS.mean(axis=0), rates=None, daily_notional={}
    ),
    returns=RETURNS,
    sectors={},
)
BOOKS = NightBooks(
    names=tuple(f"book{i}" for i in range(7)),
    exposures=np.vstack([np.random.default_rng(1).uniform(-300, 300, size=(6, 3)), np.zeros(3)]),
    equity=np.full(7, 1000.0),
    drawdown=np.linspace(0.0, 0.15, 7),
)
POLICY = NightPolicy(
    limits=(
        Limit(metric="drawdown", scope=Scope.PORTFOLIO, warn=0.1, soft=0.1, hard=0.2, owner="r"),
    ),
    scenarios=(
        StressScenario(
            name="crash",
            title="",
            description="",
            basis=Basis.REVALUATION,
            shock=Shock(market_return=-0.2),
        ),
    ),
    as_of=DAY,
    window=250,
)


LINEAGE = {"run": "r", "data": {"equities": "v1"}}


class PowerCutError(Exception):
    """Stands for a kill: the process is gone in the middle of the batch."""


def batch(**changes) -> Batch:
    given = {"kind": NIGHT_KIND, "as_of": DAY, "books": BOOKS, "lineage": LINEAGE}
    return Batch(**(given | changes))


def run(results=None, *, engine=map, **changes):
    kept = KeptResults() if results is None else results
    return nightly_risk(batch(**changes), MARKET, POLICY, kept, engine=engine)


def test_chunk_size_and_engine_do_not_change_the_rows() -> None:
    whole = run()
    with ThreadPoolExecutor(2) as pool:
        split = run(size=2, engine=pool.map)
    assert [r.name for r in split.rows] == [r.name for r in whole.rows]
    for a, b in zip(split.rows, whole.rows, strict=True):
        assert a.score == b.score
        assert list(a.stresses.values()) == pytest.approx(list(b.stresses.values()))
    assert split.failures == whole.failures
    assert [f.name for f in whole.failures] == ["book6"]


def test_a_level_is_held_by_the_night_before_and_the_row_says_so() -> None:
    results = KeptResults()
    run(results)
    assert previous_levels(results, before=DAY) == {}
    levels = previous_levels(results, before=date(2022, 1, 4))
    assert set(levels) == {f"book{i}" for i in range(6)}  # The empty book failed: it has none.

    near = batch(books=replace(BOOKS, equity=np.full(7, 200.0), drawdown=np.zeros(7)))
    yesterday = {"book0": Level.HIGH, "book1": Level.CRITICAL}  # They score 46.3 and 31.3 now.
    policy = replace(POLICY, previous=yesterday)
    rows = {row.name: row for row in nightly_risk(near, MARKET, policy, KeptResults()).rows}

    assert (rows["book0"].level, rows["book1"].level) == ("HIGH", "MEDIUM")
    assert "HIGH is kept until it is below 45" in rows["book0"].level_reason
    assert "is kept" not in rows["book1"].level_reason


def test_riskiest_book_comes_first() -> None:
    scores = [row.score for row in run().rows]
    assert scores == sorted(scores, reverse=True)


def test_a_second_run_measures_nothing_and_ends_in_the_same_rows() -> None:
    results = KeptResults()
    first = run(results)
    documents = dict(results.documents)

    second = run(results)

    assert (first.measured, second.measured) == (7, 0)
    assert (second.rows, second.failures) == (first.rows, first.failures)
    assert results.documents == documents
    assert results.documents[NIGHT_SUMMARY_KIND, "all", DAY].payload["n_books"] == 7


def test_a_failure_is_a_row_of_its_own_with_its_reason() -> None:
    results = KeptResults()
    run(results)
    assert results.documents[NIGHT_KIND, "book6", DAY].payload == {
        "name": "book6",
        "reason": "the book is empty",
    }


def test_a_killed_night_goes_on_where_it_stood() -> None:
    results = KeptResults()

    def dies_after_two_chunks(function, items):
        for at, item in enumerate(items):
            if at == 2:
                raise PowerCutError
            yield function(item)

    with pytest.raises(PowerCutError):
        run(results, size=2, engine=dies_after_two_chunks)
    assert results.written == ["book0", "book1", "book2", "book3"]
    assert (NIGHT_SUMMARY_KIND, "all", DAY) not in results.documents

    resumed = run(results, size=2)

    assert resumed.measured == 3
    assert results.written[4:] == ["book4", "book5", "book6", "all"]
    assert [(r.name, r.score) for r in resumed.rows] == [(r.name, r.score) for r in run().rows]


def test_other_data_or_a_wish_to_compute_again_measures_all() -> None:
    results = KeptResults()
    run(results)
    assert run(results, lineage={**LINEAGE, "data": {"equities": "v2"}}).measured == 7
    assert run(results, again=True).measured == 7


def test_stress_contributions_sum_and_a_book_that_cannot_be_stressed_is_told() -> None:
    results = KeptResults()
    stressed = batch(kind=NIGHT_STRESS_KIND)
    rows, failures = nightly_stress(stressed, MARKET, POLICY, results)
    assert [f.name for f in failures] == ["book6"]
    for row in rows:
        (result,) = row.stresses
        assert sum(result.contributions.values()) == pytest.approx(result.loss)
    again, _ = nightly_stress(stressed, MARKET, POLICY, results)
    assert again == rows


def test_a_night_counts_the_stresses_that_the_policy_counts() -> None:
    limit = Limit(
        metric="worst_stress_loss", scope=Scope.PORTFOLIO, warn=1e-4, soft=1e-3, hard=1e-2,
        owner="r",
    )  # fmt: skip
    (crash,) = POLICY.scenarios
    replayed = replace(
        crash, name="then", window=(DAY, DAY), shock=Shock(symbol_returns={"A": -0.5, "B": 0.5})
    )

    def breached(*scenarios: StressScenario) -> int:
        policy = replace(POLICY, limits=(limit,), scenarios=scenarios)
        rows = nightly_risk(batch(), MARKET, policy, KeptResults()).rows
        assert all(set(row.stresses) == {s.name for s in scenarios} for row in rows)
        return sum("worst_stress_loss" in " ".join(row.breached) for row in rows)

    counting_none = breached(replace(crash, limited=False), replayed)
    assert counting_none == 0
    assert breached(crash, replayed) > 0
    assert breached(replace(crash, limited=False), replace(replayed, limited=True)) > 0


def test_the_weekly_run_is_resumable_by_the_same_terms_alone() -> None:
    results = KeptResults()
    terms = WeeklyTerms(window=250, days=60, refit=30, n_scenarios=256)
    week = batch(kind=WEEKLY_KIND, books=BOOKS.take([0, 6]))

    first = weekly_risk(week, MARKET, terms, results)
    second = weekly_risk(week, MARKET, terms, results)
    other = weekly_risk(week, MARKET, replace(terms, seed=1), results)

    assert (first.measured, second.measured, other.measured) == (2, 0, 2)
    assert [r.name for r in second.rows] == ["book0"]
    assert second.rows == first.rows
    assert [f.name for f in second.failures] == ["book6"]
    assert not weekly_stands(week, terms, results)
    assert weekly_stands(week, replace(terms, seed=1), results)
    counts = summary_of(first)["methods"]
    assert sum(row["best"] for row in counts.values()) == 3
    assert {row["tests"] for row in counts.values()} == {3}


def test_a_chunk_size_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="a chunk holds 1 to 5000 books, got 0"):
        batch(size=0)
