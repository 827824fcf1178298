"""A portfolio of every kind of instrument, live: three currencies, options, revalued in between."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from basics.clock import ManualClock
from basics.trading import Book, Fill
from infra.database.ledger import DatabaseLedgerStore
from infra.database.results import DatabaseResultStore
from market.simulated.multi_asset import simulate_assets
from market.simulated.multi_asset_ticks import bridge_ticks
from pnl.events import CashKind, CashMovement, CurrencyExchange
from services.accounting import Accounting
from services.live_profile import LiveHoldings
from services.multi_asset_live import MultiAssetRisk
from services.multi_asset_valuation import MultiAssetInputs, value_book
from services.pnl_live import LivePnl
from tests.live_sample import database
from tests.unit.services.test_multi_asset_risk import (
    BY_SYMBOL,
    DAY,
    LIMITS,
    MARKET,
    SCENARIOS,
    held,
    inputs,
    profile,
)

D = Decimal
NOON = datetime(2022, 12, 28, 12, tzinfo=UTC)
BOOK = Book("Fund", "multi-asset", "core", "SIM-2")
GIVEN = inputs({"core": held()})
VALUED = value_book(GIVEN, lookback=1_000)


def values(scale: float = 1.0) -> dict[str, float]:
    """Return what the engine shows: market values, the notional of a future."""
    found = dict(zip(VALUED.revalued.symbols, VALUED.revalued.values.tolist(), strict=True))
    future = BY_SYMBOL["SIM-FUT"]
    found["SIM-FUT"] = (
        MARKET.quantities["SIM-FUT"] * float(future.multiplier) * MARKET.snapshot.prices["SIM-FUT"]
    )
    return {s: v * scale for s, v in found.items() if not s.startswith("cash")}


def risk(
    prices: dict[str, float], rates: dict[str, float], given: MultiAssetInputs = GIVEN
) -> MultiAssetRisk:
    return MultiAssetRisk(
        inputs=given, scenarios=SCENARIOS, lookback=1_000,
        prices=lambda: prices, rates=lambda: rates, learnt=lambda market: market, seed=3,
    )  # fmt: skip


def holdings() -> LiveHoldings:
    return LiveHoldings(
        values=values(), quantities=dict(MARKET.quantities), strategies={"core": values()}
    )


def test_live_risk_of_every_kind_is_what_the_nightly_profile_says() -> None:
    nightly = profile(GIVEN)
    rates = {"EUR": MARKET.snapshot.fx["EUR"]}
    live = risk({}, rates)

    live.update(values(), {}, {})
    reading = live.read(equity=2.05e6, drawdown=0.0, limits=LIMITS, as_of=DAY)
    full = live.profile(
        reading, holdings(), limits=LIMITS, desk_date=DAY, at=NOON, sequence=7
    )  # fmt: skip

    theirs = {(t.method, t.confidence, t.horizon_days): t for t in nightly.tails}
    for tail in full.tails:
        other = theirs[tail.method, tail.confidence, tail.horizon_days]
        assert tail.value_at_risk == pytest.approx(other.value_at_risk, rel=1e-6), tail.method
        assert tail.expected_shortfall == pytest.approx(other.expected_shortfall, rel=1e-6)
    assert len({t.method for t in full.tails if t.horizon_days == 1}) == 10
    assert {s.name: s.loss for s in full.stresses} == pytest.approx(
        {s.name: s.loss for s in nightly.stresses}, rel=1e-6
    )
    assert {p.symbol: p.component_es for p in full.positions} == pytest.approx(
        {p.symbol: p.component_es for p in nightly.positions}, rel=1e-5, abs=1e-3
    )
    for by in ("strategy", "sector"):
        parts = [row.component_var for row in full.decomposition if row.by == by]
        assert sum(parts) == pytest.approx(sum(p.component_var for p in full.positions))
    assert reading.value_at_risk["0.99"] == pytest.approx(
        theirs["historical", 0.99, 1].value_at_risk, rel=1e-6
    )
    assert reading.stresses == pytest.approx({s.name: s.loss for s in full.stresses}, rel=1e-6)


def test_a_mark_moves_the_risk_and_the_next_revaluation_moves_deltas() -> None:
    prices, rates = dict(MARKET.snapshot.prices), {"EUR": MARKET.snapshot.fx["EUR"]}
    live = risk(prices, rates)
    live.update(values(), {}, {})
    before = live.read(equity=2.05e6, drawdown=0.0, limits=(), as_of=DAY)

    moved = values()
    moved["SIM-EUR-EQ"] *= 1.1
    assert live.update(moved, {}, {}) == 1
    after = live.read(equity=2.05e6, drawdown=0.0, limits=(), as_of=DAY)
    assert after.exposure.gross > before.exposure.gross

    call = BY_SYMBOL["SIM-CALL"]
    assert call.option is not None
    prices[call.option.underlying] *= 1.3
    full = live.profile(after, holdings(), limits=(), desk_date=DAY, at=NOON, sequence=1)
    deltas = {p.symbol: p.market_value for p in full.positions}
    known = dict(zip(VALUED.revalued.symbols, VALUED.exposures.tolist(), strict=True))
    assert abs(deltas["SIM-CALL"]) > abs(known["SIM-CALL"])


def test_an_option_that_moves_with_nothing_hides_no_stress_of_the_rest() -> None:
    call = BY_SYMBOL["SIM-CALL"]
    assert call.option is not None
    far = replace(call, option=replace(call.option, strike=call.option.strike * 1000))
    own = [replace(p, instrument=far) if p.instrument == call else p for p in held()]
    live = risk({}, {"EUR": MARKET.snapshot.fx["EUR"]}, inputs({"core": own}))

    worthless = values() | {"SIM-CALL": 0.0}
    live.update(worthless, {}, {})
    reading = live.read(equity=2.05e6, drawdown=0.0, limits=(), as_of=DAY)
    given = holdings()
    full = live.profile(
        reading, replace(given, values=worthless), limits=(), desk_date=DAY, at=NOON, sequence=1
    )

    assert "SIM-CALL" not in reading.left_out
    crash = next(s for s in full.stresses if s.name == "market_crash")
    assert crash.contributions["SIM-CALL"] == pytest.approx(0.0, abs=1e-6)
    assert crash.loss == pytest.approx(sum(crash.contributions.values()))
    assert np.isfinite([loss for loss in reading.stresses.values()]).all()


def books(folder: Path) -> LivePnl:
    """Return live profit of a euro stock, a dollar option and a short future, and euro cash."""
    opened = database(folder)
    accounting = Accounting(store=DatabaseLedgerStore(opened), instruments=BY_SYMBOL)
    if not accounting.store.last_sequence("run"):
        accounting.book_events("run", [
            CashMovement(event_id=f"c{c}", book=BOOK, day=DAY, kind=CashKind.CAPITAL, amount=D(a),
                         currency=c)
            for c, a in (("USD", 100_000), ("EUR", 10_000))
        ])  # fmt: skip
        accounting.book_fills("run", [
            Fill(venue="SIM", exec_id=s, cl_ord_id=s, symbol=s, book=BOOK, quantity=D(q),
                 price=D(p), currency=BY_SYMBOL[s].currency, executed_at=NOON)
            for s, q, p in (("SIM-EUR-EQ", 100, "90"), ("SIM-CALL", 3, "5"), ("SIM-FUT", -1, "100"))
        ])  # fmt: skip
    live = LivePnl(
        run_id="run", accounting=accounting, results=DatabaseResultStore(opened, ManualClock(NOON)),
        clock=ManualClock(NOON), rates={"EUR": D("1.10")},
    )  # fmt: skip
    closes = {"SIM-EUR-EQ": 90.0, "SIM-CALL": 5.0, "SIM-FUT": 100.0, "EUR": 1.10}
    live.start({s: (price, NOON - timedelta(hours=1)) for s, price in closes.items()})
    return live


def tick(live: LivePnl, symbol: str, price: float, n: int) -> None:
    live.tick(symbol, price, event_time=NOON + timedelta(seconds=n), sequence=n)
    live.follow_rates()


def test_profit_by_currency_follows_prices_and_rates_tick_by_tick(tmp_path: Path) -> None:
    live = books(tmp_path)
    tick(live, "SIM-EUR-EQ", 92.0, 1)
    tick(live, "EUR", 1.20, 1)
    tick(live, "SIM-CALL", 6.0, 1)

    taken = live.snapshot(desk_date=DAY)

    by_currency = {part.name: part.pnl for part in taken.by_currency}
    size = float(BY_SYMBOL["SIM-CALL"].multiplier)
    # Euros: 100 shares gained 2, at 1.20; dollars: three contracts gained 1.
    assert by_currency == pytest.approx({"EUR": 200 * 1.20, "USD": 3 * size})
    assert live.cash_of_day().fx == pytest.approx({"EUR": 10_000 * 0.10})
    assert taken.ledger_difference == pytest.approx(0.0, abs=0.01)
    assert live.equity(taken, capital=D(0)) == pytest.approx(
        100_000 + 10_000 * 1.20 + taken.total.pnl
    )


def test_streaming_equals_batch_and_bad_ticks_are_counted_for_rates_too(tmp_path: Path) -> None:
    live, rng = books(tmp_path), np.random.default_rng(1)
    last: dict[str, float] = {}
    for n in range(1, 400):
        symbol = ("SIM-EUR-EQ", "SIM-CALL", "SIM-FUT", "EUR")[n % 4]
        last[symbol] = float(live.engine.marks()[symbol] * np.exp(0.01 * rng.normal()))
        tick(live, symbol, last[symbol], n)
    tick(live, "EUR", 9.0, 399)  # A duplicate of the last.
    tick(live, "EUR", 9.0, 3)
    live.tick("EUR", 9.0, event_time=NOON, sequence=500)  # Later in sequence, earlier in time.
    tick(live, "SIM-FUT", float("nan"), 600)
    streamed = live.engine.attributions()

    whole = books(tmp_path / "whole")
    for symbol, price in last.items():
        tick(whole, symbol, price, 1)
    whole.engine.remark()

    gross = whole.engine.gross_exposure()
    batch = whole.engine.attributions()
    assert batch.keys() == streamed.keys() >= {"currency", "symbol", "order"}
    for by, parts in streamed.items():
        assert parts == pytest.approx(batch[by], abs=1e-9 * gross), by
    counts = live.snapshot(desk_date=DAY).counts
    assert (counts["duplicate"], counts["out_of_order"], counts["late"], counts["invalid"]) == (
        1, 1, 1, 1,
    )  # fmt: skip


def test_a_restart_takes_marks_and_rates_of_the_last_snapshot(tmp_path: Path) -> None:
    live = books(tmp_path)
    tick(live, "EUR", 1.25, 5)
    before = live.snapshot(desk_date=DAY, store=True)

    again = books(tmp_path)

    assert again.rates == {"EUR": D("1.25")}
    after = again.snapshot(desk_date=DAY)
    assert after.sequence == before.sequence + 1
    assert after.by_currency == before.by_currency
    # The day's gain on cash still counts from the rate of the close.
    assert again.cash_of_day().fx == pytest.approx({"EUR": 1_500.0})


def test_a_conversion_on_a_live_day_earns_what_it_gave_over_the_rate_of_now(tmp_path: Path) -> None:
    live = books(tmp_path)
    closes = {"SIM-EUR-EQ": 90.0, "SIM-CALL": 5.0, "SIM-FUT": 100.0}
    opening = live.profit_of(lambda _day, _event: True, {s: (p, NOON) for s, p in closes.items()})
    before = live.equity(live.snapshot(desk_date=DAY), capital=D(0))
    live.accounting.book_events("run", [
        CurrencyExchange(event_id="spot", book=BOOK, day=DAY, sold=D(4_000), sold_currency="EUR",
                         bought=D(4_600), bought_currency="USD"),
        CashMovement(event_id="interest", book=BOOK, day=DAY, kind=CashKind.INTEREST,
                     amount=D(30), currency="EUR"),
        CashMovement(event_id="deposit", book=BOOK, day=DAY, kind=CashKind.CAPITAL,
                     amount=D(1_000), currency="EUR"),
    ])  # fmt: skip
    live.catch_up()
    tick(live, "EUR", 1.20, 1)
    tick(live, "SIM-EUR-EQ", 92.0, 1)

    cash, taken = live.cash_of_day(), live.snapshot(desk_date=DAY)

    # Closed at 1.10, now 1.20: 10,000 were held, 4,000 of them sold at 1.15.
    assert cash.fx == pytest.approx({"EUR": 10_000 * 0.10})
    assert cash.exchanges == pytest.approx(4_600 - 4_000 * 1.20)
    assert cash.booked == pytest.approx(30 * 1.20)
    # The parts are the change of equity less what was paid in.
    gained = live.equity(taken, capital=D(0)) - before - 1_000 * 1.20
    assert taken.total.pnl - opening + cash.total == pytest.approx(gained, abs=0.01)
    assert taken.ledger_difference == pytest.approx(0.0, abs=0.01)


def test_a_conversion_at_the_rate_of_now_earns_nothing(tmp_path: Path) -> None:
    live = books(tmp_path)
    tick(live, "EUR", 1.20, 1)
    before = live.cash_of_day()
    live.accounting.book_events("run", [
        CurrencyExchange(event_id="spot", book=BOOK, day=DAY, sold=D(4_000), sold_currency="EUR",
                         bought=D(4_800), bought_currency="USD"),
    ])  # fmt: skip
    live.catch_up()

    assert live.cash_of_day() == before


def test_a_conversion_before_the_closes_is_no_profit_of_the_day(tmp_path: Path) -> None:
    live = books(tmp_path)
    live.accounting.book_events("run", [
        CurrencyExchange(event_id="spot", book=BOOK, day=DAY, sold=D(4_000), sold_currency="EUR",
                         bought=D(4_000), bought_currency="USD"),
    ])  # fmt: skip
    live.profit_of(
        lambda _day, _event: True,
        {s: (p, NOON) for s, p in (("SIM-EUR-EQ", 90.0), ("SIM-CALL", 5.0), ("SIM-FUT", 100.0))},
    )
    tick(live, "EUR", 1.20, 1)

    cash = live.cash_of_day()

    assert (cash.exchanges, cash.booked) == (0.0, 0.0)
    assert cash.fx == pytest.approx({"EUR": 6_000 * 0.10})


def test_simulated_ticks_lead_from_each_close_to_the_next() -> None:
    sessions = np.arange(np.datetime64("2021-12-01"), np.datetime64("2022-02-01"))
    market = simulate_assets(np.random.default_rng(1), sessions, first_traded=date(2022, 1, 3))
    day = date(2022, 1, 20)

    ticks = bridge_ticks(market, day, np.random.default_rng(2), trades=20)

    last = dict(ticks.group_by("symbol", maintain_order=True).last()
                .select("symbol", "price").iter_rows())  # fmt: skip
    at = int(np.searchsorted(sessions, np.datetime64(day)))
    for panel in (market.closes, market.rates):
        for symbol, close in zip(panel.symbols, panel["close"][:, at].tolist(), strict=True):
            if symbol in last:
                assert last[symbol] == pytest.approx(close)
    assert {"EUR", "JPY", "SIM-EURUSD"} <= last.keys()
    assert ticks["event_time"].is_sorted()
