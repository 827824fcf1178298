"""The multi-asset demo portfolio: booked once, balanced, explained and attributed to the cent."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from basics.errors import InvalidInputError
from basics.instruments import Instrument
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from pnl.events import (
    CashKind,
    CashMovement,
    CurrencyExchange,
    Dividend,
    Exercise,
    Settlement,
    Split,
)
from pnl.ledger import Ledger
from pnl.postings import Account
from services.accounting import Accounting
from services.multi_asset import MultiAssetReview, multi_asset_books, review_multi_asset
from services.multi_asset_rules import MultiAssetPlan
from services.portfolios import chosen_portfolio
from services.profit_splits import Prices, split_of_fills

D = Decimal
WEEKDAYS = np.arange("2020-01-02", "2022-12-29", dtype="datetime64[D]")
SESSIONS = WEEKDAYS[np.is_busday(WEEKDAYS)]
PLAN = MultiAssetPlan()
BOOKS = multi_asset_books(PLAN, SESSIONS, seed=11)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("multi-asset")
    database = open_database(DatabaseSettings(), state_dir=folder)
    upgrade_database(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def accounting(database: Database) -> Accounting:
    return Accounting(store=DatabaseLedgerStore(database), instruments=BOOKS.market.instruments)


@pytest.fixture(scope="module")
def review(accounting: Accounting) -> MultiAssetReview:
    return review_multi_asset(BOOKS, accounting)


def test_everything_that_can_happen_to_a_position_happens() -> None:
    kinds = {type(event) for event in BOOKS.events}
    cash = {event.kind for event in BOOKS.events if isinstance(event, CashMovement)}

    assert {CurrencyExchange, Dividend, Exercise, Settlement, Split} <= kinds
    assert cash >= {CashKind.CAPITAL, CashKind.COUPONS, CashKind.BORROW, CashKind.INTEREST}
    settled = [e for e in BOOKS.events if isinstance(e, Settlement) and e.final]
    assert {e.symbol for e in settled} >= {"SIM-NOTE-US", "SIM-FUT-2203"}  # Redeemed, expired.
    ledger = Ledger(BOOKS.market.instruments)
    ledger.book_all(BOOKS.events)
    held = {position.symbol: position.quantity for position in ledger.positions()}
    assert held["SIM-EQ-SHORT"] < 0 < held["SIM-PUT-2303"]
    assert max(held["SIM-CALL-2303"], held["SIM-FUT-2303"]) < 0
    assert set(ledger.cash()) == {"EUR", "JPY", "USD"}
    assert all(amount == amount.to_integral() for c, amount in ledger.cash().items() if c == "JPY")


def test_a_week_less_of_market_books_the_same_events_until_then() -> None:
    shorter = multi_asset_books(PLAN, SESSIONS[:-5], seed=11)

    assert shorter.events == BOOKS.events[: len(shorter.events)]
    assert shorter.run_id != BOOKS.run_id


def test_parts_sum_to_the_change_of_equity_on_every_session_and_in_every_currency(
    review: MultiAssetReview, accounting: Accounting
) -> None:
    explained = review.explanation
    daily = accounting.daily_books(
        BOOKS.run_id, BOOKS.closes, portfolio="multi-asset", rates=BOOKS.rates
    )
    columns = zip(*(part.by_session for part in explained.parts), strict=True)
    by_session = [sum(column, D(0)) for column in columns]

    assert by_session == [daily.money(amount) for amount in daily.pnl.sum(axis=0)]
    assert explained.total == review.performance.total_pnl
    assert explained.total == daily.money(daily.equity[-1]) - D(PLAN.capital)
    parts = {part.name: part.pnl for part in explained.parts}
    assert {"fx", "carry", "delay", "spread"} <= {name for name, amount in parts.items() if amount}
    assert max(parts["borrow"], parts["fees"]) < 0
    assert abs(parts["rounding"]) < D(10)  # Whole cents of 250 sessions and some 25 positions.
    # Cash and positions of each currency at the last close: what its parts say it gained.
    ledger = accounting.ledger(BOOKS.run_id)
    marks = dict(zip(BOOKS.closes.symbols, BOOKS.closes["close"][:, -1].tolist(), strict=True))
    for one in explained.currencies:
        cash = float(ledger.cash()[one.currency])
        worth = sum(
            float(p.quantity * p.multiplier) * marks[p.symbol]
            - (float(p.cost) if p.symbol.startswith("SIM-FUT") else 0.0)
            for p in ledger.positions()
            if p.currency == one.currency
        )
        paid_in = PLAN.capital if one.currency == "USD" else 0
        assert float(one.total) == pytest.approx(cash + worth - paid_in, abs=1.0)


def test_every_split_sums_to_the_same_total(review: MultiAssetReview) -> None:
    assert {split.by for split in review.attributions} == {
        "reason", "symbol", "strategy", "asset_class", "month", "currency",
    }  # fmt: skip
    for split in review.attributions:
        assert split.residual == 0
        assert sum((part.pnl for part in split.parts), D(0)) == review.performance.total_pnl


def test_fills_of_a_whole_life_and_what_no_fill_earned_sum_to_the_profit(
    review: MultiAssetReview, accounting: Accounting
) -> None:
    daily, prices = review.kept.books.daily, Prices(BOOKS.closes, BOOKS.rates)
    split = split_of_fills(
        accounting, BOOKS.run_id, daily, prices, by="order", portfolio="multi-asset"
    )

    # Cash without a position, and cash that a position was paid without a fill, belong to no fill.
    in_base = dict(zip(BOOKS.rates.symbols, BOOKS.rates["close"][:, -1].tolist(), strict=True))
    of_cash = sum(daily.pnl[row].sum() / 100 for row, (_, s) in enumerate(daily.keys) if s is None)
    beside = of_cash
    for _, symbol, _, balances in accounting.ledger(BOOKS.run_id).accounts():
        paid = {Account.DIVIDENDS, Account.TAXES, Account.COUPONS, Account.BORROW}
        beside -= sum(
            float(amount) * in_base.get(currency, 1.0)
            for (account, currency), amount in balances.items()
            if symbol is not None and account in paid
        )
    assert float(split.residual) == pytest.approx(beside, abs=2.0)
    assert sum((part.pnl for part in split.parts), split.residual) == review.performance.total_pnl


def test_effects_by_currency_sum_to_the_excess_return_of_the_very_performance(
    review: MultiAssetReview,
) -> None:
    found = review.currency_attribution
    figures = {figure.name: figure for figure in review.performance.figures}

    assert found.residual == pytest.approx(0.0, abs=1e-12)
    assert found.portfolio_return == pytest.approx(figures["total_return"].value, abs=1e-12)
    assert found.benchmark_return == pytest.approx(figures["total_return"].benchmark, abs=1e-12)
    assert sum(market.benchmark_weight for market in found.markets) == pytest.approx(1.0)
    assert sum(market.portfolio_weight for market in found.markets) == pytest.approx(1.0)


def test_reviewing_again_books_nothing_and_says_the_same(
    review: MultiAssetReview, accounting: Accounting, database: Database
) -> None:
    before = DatabaseLedgerStore(database).last_sequence(BOOKS.run_id)
    fresh = Accounting(store=DatabaseLedgerStore(database), instruments=BOOKS.market.instruments)

    for books in (accounting, fresh):
        again = review_multi_asset(BOOKS, books)
        assert again.explanation == review.explanation
        assert again.attributions == review.attributions
        assert again.currency_attribution == review.currency_attribution
    assert DatabaseLedgerStore(database).last_sequence(BOOKS.run_id) == before == len(BOOKS.events)


def test_a_plan_without_sense_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="capital must be positive, got 0"):
        MultiAssetPlan(capital=0)
    with pytest.raises(InvalidInputError, match="must lie after start"):
        MultiAssetPlan(first_traded=PLAN.start)


def test_a_portfolio_on_a_simulated_market_is_shown_only_when_named() -> None:
    assert chosen_portfolio(["demo", "multi-asset"], None) == "demo"
    assert chosen_portfolio(["demo", "multi-asset"], "multi-asset") == "multi-asset"
    assert chosen_portfolio(["multi-asset"], None) == "multi-asset"
    with pytest.raises(InvalidInputError, match="name one of a, b, multi-asset"):
        chosen_portfolio(["a", "b", "multi-asset"], None)


def test_symbols_are_simulated_by_name() -> None:
    instruments: list[Instrument] = list(BOOKS.market.instruments.values())
    assert all(instrument.symbol.startswith("SIM-") for instrument in instruments)
