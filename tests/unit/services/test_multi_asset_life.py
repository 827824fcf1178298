"""The multi-asset portfolio over its life: what was held, its own backtest, why risk moved."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from infra.database.engine import open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.isolation import PROJECT_ROOT
from infra.policy import load_stress
from infra.setting_groups import DatabaseSettings
from measures.tail import tail_risk
from risk.profile import Level
from risk.revaluation import revalue_book
from services.accounting import Accounting
from services.multi_asset import multi_asset_books, risk_inputs_of
from services.multi_asset_life import JOINT_METHOD, lived_evidence, movement_of_life
from services.multi_asset_risk import multi_asset_profile
from services.multi_asset_rules import HALF_SPREAD, MultiAssetPlan
from services.multi_asset_valuation import MultiAssetInputs, value_book
from services.risk_inputs import PreviousRisk

WEEKDAYS = np.arange("2020-01-02", "2022-12-29", dtype="datetime64[D]")
SESSIONS = WEEKDAYS[np.is_busday(WEEKDAYS)]
BOOKS = multi_asset_books(MultiAssetPlan(), SESSIONS, seed=11)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MultiAssetInputs]:
    folder: Path = tmp_path_factory.mktemp("multi-asset-life")
    database = open_database(DatabaseSettings(), state_dir=folder)
    upgrade_database(database)
    accounting = Accounting(
        store=DatabaseLedgerStore(database), instruments=BOOKS.market.instruments
    )
    accounting.book_events(BOOKS.run_id, BOOKS.events)
    yield risk_inputs_of(BOOKS, accounting, previous=None)
    database.close()


def test_the_book_of_each_close_is_worth_what_the_ledger_says(inputs: MultiAssetInputs) -> None:
    equity = dict(zip(inputs.equity.sessions.tolist(), inputs.equity.values, strict=True))
    assert [day.session for day in inputs.life] == list(equity)
    valued = value_book(inputs, lookback=500)
    assert inputs.life[-1].held == valued.held
    # Cash of the base currency is no position: the rest is equity less that.
    dollars = sum(amounts.get("USD", 0.0) for amounts in inputs.cash.values())
    assert valued.revalued.values.sum() + dollars == pytest.approx(
        inputs.equity.values[-1], rel=2e-4
    )


def test_the_backtest_is_of_the_book_as_it_stood_and_the_joint_law_has_one(
    inputs: MultiAssetInputs,
) -> None:
    evidence = lived_evidence(inputs, lookback=1_000, rng=np.random.default_rng(3))

    assert len(evidence.realised) == len(inputs.life) - 1
    assert evidence.realised.tolist() == np.diff(inputs.equity.values).tolist()
    assert "the book's own history" in evidence.basis
    assert "revalued in full" in evidence.basis
    runs = {run.estimator: run for run in evidence.runs}
    assert JOINT_METHOD in runs
    # The forecast of a day by hand: the book of the close before, in the moves up to it.
    day = 100
    before = inputs.life[day - 1]
    known = int(np.searchsorted(inputs.sessions, np.datetime64(inputs.life[0].session), "right"))
    market = value_book(replace(inputs, snapshot=before.snapshot, held={}, cash={}), lookback=9_999)
    book = revalue_book(list(before.held.values()), market.snapshot, market.moves)
    pnl = book.pnl.sum(axis=0)[day - 1 : day - 1 + known]
    value = tail_risk(pnl, confidence=0.99).value_at_risk
    assert runs["historical"].value_at_risk[2][day - 1] == pytest.approx(value)
    exceeded = runs["historical"].tests[2].exceedances
    assert 0 <= exceeded <= 12  # Of 258 at 99%: nothing is wildly out of scale.


def test_the_parts_of_a_move_of_value_at_risk_sum(inputs: MultiAssetInputs) -> None:
    moved = movement_of_life(inputs, lookback=1_000)

    assert moved is not None
    assert moved.since == inputs.life[-2].session
    assert moved.positions + moved.market_data + moved.model == pytest.approx(
        moved.after - moved.before
    )
    valued = value_book(inputs, lookback=1_000)
    now = tail_risk(valued.revalued.pnl.sum(axis=0), confidence=0.99).value_at_risk
    assert moved.after == pytest.approx(now)
    assert moved.model == 0.0


def test_a_trade_and_another_lookback_move_their_own_parts(inputs: MultiAssetInputs) -> None:
    last = inputs.life[-1]
    symbol = "SIM-EQ-US"
    twice = replace(last.held[symbol], quantity=2 * last.held[symbol].quantity)
    traded = replace(last, held={**last.held, symbol: twice})
    since = inputs.life[-2].session
    previous = PreviousRisk(as_of=since, level=Level.LOW, lookback=300, value_at_risk=1_000.0)
    given = replace(inputs, life=(*inputs.life[:-1], traded), previous=previous)

    moved = movement_of_life(given, lookback=500)

    assert moved is not None
    assert moved.by_symbol[symbol] > 0.0
    assert moved.positions == pytest.approx(sum(moved.by_symbol.values()) + moved.interaction)
    assert moved.model != 0.0
    assert moved.restated == pytest.approx(moved.before - 1_000.0)


def test_a_book_without_a_life_has_no_movement_and_no_backtest_of_its_own(
    inputs: MultiAssetInputs,
) -> None:
    young = replace(inputs, life=inputs.life[-1:])
    assert movement_of_life(young, lookback=500) is None
    assert lived_evidence(young, lookback=500, rng=np.random.default_rng(0)).runs == ()


def test_spreads_and_days_to_sell_are_known_and_the_spread_of_an_option_is_of_its_premium(
    inputs: MultiAssetInputs,
) -> None:
    found = multi_asset_profile(
        replace(inputs, life=()),
        limits=(), scenarios=load_stress(PROJECT_ROOT / "policy"), lookback=500,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    by_symbol = {row.symbol: row for row in found.positions}
    share = by_symbol["SIM-EQ-US"]
    assert share.days_to_liquidate == pytest.approx(abs(share.market_value) / (0.1 * 4e7))
    options = {row.symbol: row for row in found.instruments.options}
    premium = sum(abs(row.value) for row in options.values())
    spreads = sum(
        HALF_SPREAD[i.kind] * abs(by_symbol[s].market_value)
        for s, i in BOOKS.market.instruments.items()
        if s in by_symbol and s not in options
    ) + 1e-4 * sum(abs(by_symbol[f"cash {c}"].market_value) for c in ("EUR", "JPY"))
    assert found.measures.spread_cost == pytest.approx(spreads + 0.01 * premium)
    headline = next(t for t in found.tails if (t.method, t.confidence) == ("historical", 0.99))
    assert found.measures.liquidity_adjusted_var == pytest.approx(
        headline.value_at_risk + found.measures.liquidation_cost
    )
    assert "liquidity_crisis" in {stress.name for stress in found.stresses}
    assert "levels written down for each instrument of the simulated market" in " ".join(
        found.notes
    )
