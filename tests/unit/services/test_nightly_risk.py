"""Tests of `services.nightly_risk`: any engine, any chunk size, run twice: the same rows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError
from risk.limits import Limit, Scope
from risk.market_state import estimate_state
from risk.nightly import NightBooks, NightMarket
from risk.shocks import Shock
from risk.stress import Basis, StressScenario
from services.nightly_risk import (
    NIGHT_KIND,
    NIGHT_SUMMARY_KIND,
    NightPolicy,
    night_chunks,
    nightly_risk,
    nightly_stress,
    store_night,
)

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


class KeptResults:
    def __init__(self) -> None:
        self.documents = {}

    def put(self, kind, scope, desk_date, payload, lineage) -> None:
        self.documents[kind, scope, desk_date] = (payload, lineage)


def run(size: int = 100, engine=map):
    return nightly_risk(night_chunks(BOOKS, MARKET, POLICY, size=size), as_of=DAY, engine=engine)


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


def test_riskiest_book_comes_first() -> None:
    scores = [row.score for row in run().rows]
    assert scores == sorted(scores, reverse=True)


def test_storing_twice_leaves_the_same_documents() -> None:
    results = KeptResults()
    store_night(run(), results, lineage={"run": "r"})
    first = dict(results.documents)
    store_night(run(size=3), results, lineage={"run": "r"})

    assert set(results.documents) == set(first)
    assert len([key for key in first if key[0] == NIGHT_KIND]) == 6
    summary, lineage = first[NIGHT_SUMMARY_KIND, "all", DAY]
    assert (summary["n_books"], summary["n_measured"]) == (7, 6)
    assert sum(summary["levels"].values()) == 6
    assert summary["failures"] == [{"name": "book6", "reason": "the book is empty"}]
    assert lineage == {"run": "r"}


def test_nightly_stress_explains_each_book() -> None:
    (chunk,) = night_chunks(BOOKS, MARKET, POLICY)
    name, document = nightly_stress(chunk)[0]
    stress = document["stresses"][0]
    assert name == "book0"
    assert sum(stress["contributions"].values()) == pytest.approx(stress["loss"])


def test_absurd_chunks_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="1 to 5000 books, got 0"):
        run(size=0)
