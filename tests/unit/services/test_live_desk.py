"""The live desk: fills, marks and orders in; states, breaches and alerts out."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from basics.clock import ManualClock
from basics.errors import MissingDataError, UnavailableError
from basics.trading import Side
from infra.database.alerts import DatabaseAlertStore
from infra.database.engine import Database
from infra.database.limits import DatabaseLimitStore
from infra.database.orders import DatabaseOrderJournal
from oms.orders import Order
from risk.book import Holding
from risk.limits import Limit, Scope
from services.alerts import AlertConsumer
from services.live_desk import LiveDesk
from services.live_portfolio import LivePortfolio, booked_before, booked_until
from services.live_state import LiveState
from services.order_tickets import DESK
from services.pnl_live import SNAPSHOT_KIND
from services.ports import Alert, OrderChange
from services.risk_inputs import History, RiskInputs
from services.risk_measures import HEADLINE_METHOD
from services.risk_profile import compute_profile
from tests.live_sample import (
    BOOK,
    CLOSE,
    DAY,
    INSTRUMENTS,
    LIMITS,
    NOON,
    SCENARIOS,
    SECTORS,
    SEED,
    SYMBOLS,
    accounting,
    database,
    fill,
    live_desk,
    mark,
    market,
    portfolio,
    prices,
)

D = Decimal
pytestmark = pytest.mark.anyio


class Sample:
    """A live desk and what it stands on."""

    def __init__(self, folder: Path, opened: Database) -> None:
        self.folder, self.opened = folder, opened
        self.clock = ManualClock(NOON)
        self.desk = self.start()

    def start(self) -> LiveDesk:
        """Start the desk as a new process would."""
        desk = live_desk(self.folder, self.opened, self.clock)
        desk.start()
        return desk

    def trade(self, n: int, symbol: str, quantity: int, price: str = "100") -> None:
        """Book a fill from elsewhere."""
        accounting(self.opened).book_fills(DESK, [fill(n, symbol, quantity, price)])
        self.desk.wake()

    def work(self, name: str, symbol: str, side: Side, quantity: int) -> None:
        """Journal an order that works."""
        order = Order(
            cl_ord_id=name, book=BOOK, symbol=symbol, side=side, quantity=D(quantity),
            created_at=NOON,
        )  # fmt: skip
        DatabaseOrderJournal(self.opened).record(DESK, [OrderChange(order, ())])
        self.desk.wake()

    async def told(self) -> list[str]:
        """Take every alert off the queue; return kind and subject of each new one, in order."""
        consumer = AlertConsumer(self.desk.queue, DatabaseAlertStore(self.opened), self.clock)
        told = []
        while await consumer.take():
            alert = consumer.store.alerts(limit=1)[0].alert
            told.append(f"{alert.kind} {alert.message.partition(' is ')[0]}")
            self.clock.moment += timedelta(seconds=1)
        return told


@pytest.fixture
async def sample(tmp_path: Path) -> AsyncIterator[Sample]:
    opened = database(tmp_path)
    made = Sample(tmp_path, opened)
    yield made
    await made.desk.queue.close()
    opened.close()


async def test_fills_and_marks_move_profit_and_every_attribution(sample: Sample) -> None:
    sample.trade(1, "AAA", 100)
    sample.desk.offer([mark("AAA", 101.0, 1)])
    await sample.desk.turn()

    state = sample.desk.state()

    assert state.equity == pytest.approx(100_000 + 100 - 0.35)
    assert state.day_pnl == state.pnl.total.pnl == pytest.approx(99.65)
    assert state.pnl.total.unrealised == pytest.approx(100.0)
    named = {by: [p.name for p in parts] for by, parts in state.pnl.by_fill.items()}
    assert named == {
        "model_version": ["v1"], "arm": ["champion"], "order": ["o1"], "side": ["buy"],
        "hour": ["12:00 UTC"],
    }  # fmt: skip
    assert state.pnl.ledger_difference == pytest.approx(0.0, abs=1e-9)


async def test_the_days_profit_counts_from_the_closes_whenever_the_desk_starts(
    sample: Sample,
) -> None:
    books = accounting(sample.opened)
    yesterday = replace(fill(1, "AAA", 100, "90"), executed_at=CLOSE - timedelta(hours=1))
    at_the_close = replace(fill(2, "BBB", 10, "99"), executed_at=CLOSE)
    books.book_fills(DESK, [yesterday, at_the_close, fill(3, "CCC", 10, "101")])

    sample.desk = sample.start()  # In the middle of the day, all of that is booked.
    sample.desk.offer([mark("AAA", 101.0, 1)])
    await sample.desk.turn()

    state = sample.desk.state()
    # Of AAA what it gained since its close of 100; of the orders at that close and since, all.
    today = 100 * 1 + (10 * 1 - 0.35) + (-10 * 1 - 0.35)
    assert state.day_pnl == pytest.approx(today)
    assert state.pnl.total.pnl == pytest.approx(today + 100 * 10 - 0.35)
    await sample.desk.queue.close()
    sample.desk = sample.start()
    assert sample.desk.state().day_pnl == pytest.approx(today - 100)  # The mark was not stored.


def test_what_traded_at_a_close_is_of_the_session_that_it_closed() -> None:
    at_the_close = replace(fill(1, "AAA", 1), executed_at=CLOSE)

    assert booked_until(CLOSE.date())(CLOSE.date(), at_the_close)
    assert not booked_until(CLOSE.date())(DAY, fill(2, "AAA", 1))
    assert not booked_before(CLOSE)(CLOSE.date(), at_the_close)


async def test_nothing_is_published_while_nothing_changes(sample: Sample) -> None:
    seen: list[LiveState] = []
    stop = sample.desk.listen(seen.append)
    await sample.desk.turn()
    sample.trade(1, "AAA", 10)
    await sample.desk.turn()
    await sample.desk.turn()
    sample.desk.offer([mark("BBB", 120.0, 1)])  # Not held: it moves nothing.
    await sample.desk.turn()
    stop()
    sample.trade(2, "AAA", 10)
    await sample.desk.turn()

    assert [state.sequence for state in seen] == [2]
    assert sample.desk.state().sequence == 3


async def test_a_breach_is_on_the_queue_before_the_state_can_be_read(sample: Sample) -> None:
    order: list[str] = []
    publish = sample.desk.queue.publish

    async def noted(topic: str, bodies: list[bytes]) -> object:
        order.append(f"alert while state {sample.desk.portfolios['manual'].state.sequence - 1}")
        return await publish(topic, bodies)

    sample.desk.queue.publish = noted  # type: ignore[method-assign]
    sample.desk.listen(lambda state: order.append(f"state {state.risk.limit_state}"))
    sample.trade(1, "AAA", 250)
    await sample.desk.turn()  # 25% of equity: above soft.
    sample.desk.offer([mark("AAA", 130.0, 1)])
    await sample.desk.turn()  # One mark, one turn: above hard.

    assert [word.split()[0] for word in order] == ["alert", "state", "alert", "state"]
    assert order[-1] == "state hard"
    assert await sample.told() == [
        "risk.limit_breached weight of symbol AAA",
        "risk.limit_breached weight of symbol AAA",
    ]
    logged = DatabaseLimitStore(sample.opened).breaches(open_only=True)
    assert {(b.metric, b.name, b.portfolio, b.state) for b in logged} == {
        ("weight", "AAA", "manual", "soft"),
        ("weight", "AAA", "manual", "hard"),
    }


async def test_a_breach_is_not_repeated_and_clears_with_hysteresis(sample: Sample) -> None:
    sample.trade(1, "AAA", 310)
    for n, price in enumerate((100.0, 100.5, 96.0, 101.0, 70.0, 50.0), start=1):
        sample.desk.offer([mark("AAA", price, n)])
        await sample.desk.turn()

    assert await sample.told() == [
        "risk.limit_breached weight of symbol AAA",
        "risk.limit_cleared weight of symbol AAA",
    ]


async def test_working_orders_count_for_limits_and_not_for_profit(sample: Sample) -> None:
    sample.trade(1, "AAA", 100)
    await sample.desk.turn()
    sample.work("w1", "AAA", Side.BUY, 150)
    sample.work("w2", "AAA", Side.SELL, 20)
    await sample.desk.turn()

    risk = sample.desk.state().risk

    weight = next(check for check in risk.limits if check.name == "AAA")
    # 100 held and 150 working at 100, of the equity less one fee; the sale would only relieve.
    assert weight.value == pytest.approx(25_000 / (100_000 - 0.35))
    assert risk.exposure.gross == 10_000
    assert risk.working == {"AAA": (150.0, 20.0)}
    assert risk.value_at_risk_with_orders == pytest.approx(2.5 * risk.value_at_risk["0.99"])
    assert await sample.told() == ["risk.limit_breached weight of symbol AAA"]


async def test_limits_of_fund_account_and_factor_are_watched_live(sample: Sample) -> None:
    bounds = {"warn": 0.1, "soft": 0.15, "hard": 0.2, "owner": "risk"}
    sample.desk.portfolios["manual"].limits = lambda: (
        Limit(metric="gross_leverage", scope=Scope.FUND, **bounds),
        Limit(metric="largest_position", scope=Scope.ACCOUNT, **bounds),
        Limit(metric="exposure", scope=Scope.FACTOR, **bounds),
    )
    sample.trade(1, "AAA", 100)
    sample.trade(2, "BBB", -40)
    sample.work("w1", "AAA", Side.BUY, 150)

    await sample.desk.turn()

    risk = sample.desk.state().risk
    found = {(c.scope, c.name): c.value for c in risk.limits}
    equity = 100_000 - 2 * 0.35
    # 25,000 with the working order and 4,000 short.
    assert found["fund", "Fund"] == pytest.approx(29_000 / equity)
    assert found["account", "acc"] == pytest.approx(25_000 / equity)
    betas = market().state.market_betas
    assert found["factor", "market"] == pytest.approx(
        (25_000 * betas[0] - 4_000 * betas[1]) / equity
    )
    assert await sample.told() == [
        "risk.limit_breached gross_leverage of fund Fund",
        "risk.limit_breached largest_position of account acc",
        "risk.limit_breached exposure of factor market",
    ]


async def test_live_risk_is_what_the_nightly_profile_says(sample: Sample) -> None:
    for n, (symbol, quantity) in enumerate((("AAA", 90), ("BBB", -60), ("CCC", 40)), start=1):
        sample.trade(n, symbol, quantity)
        sample.desk.offer([mark(symbol, 100.0, n)])
        await sample.desk.turn()
    state = sample.desk.state()
    held = {"AAA": 90.0, "BBB": -60.0, "CCC": 40.0}
    panel = prices()
    profile = compute_profile(
        RiskInputs(
            scope="manual",
            as_of=panel.sessions[-1].item(),
            holdings={s: Holding(q, 100 * q) for s, q in held.items()},
            prices=panel,
            equity=History(panel.sessions[-2:], np.array([100_000.0, state.equity])),
            sectors=SECTORS,
            daily_notional=dict.fromkeys(SYMBOLS, 1e7),
        ),
        limits=LIMITS,
        scenarios=SCENARIOS,
        lookback=350,
    )

    risk = state.risk

    tails = {t.confidence: t for t in profile.tails
             if t.method == HEADLINE_METHOD and t.horizon_days == 1}  # fmt: skip
    for confidence in (0.95, 0.975, 0.99):
        assert risk.value_at_risk[str(confidence)] == pytest.approx(tails[confidence].value_at_risk)
        assert risk.expected_shortfall[str(confidence)] == pytest.approx(
            tails[confidence].expected_shortfall
        )
    losses = {s.name: s.loss for s in profile.stresses}
    assert risk.stresses == pytest.approx({name: losses[name] for name in ("crash", "slide")})
    nightly = {(c.metric, c.name): c.value for c in profile.limits}
    assert {(c.metric, c.name): c.value for c in risk.limits} == pytest.approx(nightly, rel=1e-5)


async def test_the_full_live_profile_is_what_the_nightly_profile_says(sample: Sample) -> None:
    held = {"AAA": 90.0, "BBB": -60.0, "CCC": 40.0}
    for n, (symbol, quantity) in enumerate(held.items(), start=1):
        sample.trade(n, symbol, int(quantity))
    sample.clock.moment += timedelta(seconds=5)
    await sample.desk.turn()
    state, panel = sample.desk.state(), prices()
    nightly = compute_profile(
        RiskInputs(
            scope="manual",
            as_of=panel.sessions[-1].item(),
            holdings={s: Holding(q, 100 * q) for s, q in held.items()},
            prices=panel,
            equity=History(panel.sessions[-2:], np.array([100_000.0, state.equity])),
            sectors=SECTORS,
            daily_notional=dict.fromkeys(SYMBOLS, 1e7),
            strategies={"manual": {s: 100 * q for s, q in held.items()}},
        ),
        limits=LIMITS,
        scenarios=SCENARIOS,
        lookback=350,
        rng=np.random.default_rng(SEED),
    )

    profile = state.profile

    assert (profile.sequence, profile.as_of) == (state.sequence, sample.clock.moment)
    assert len({(t.method, t.confidence) for t in profile.tails if t.horizon_days == 1}) == 13 * 3
    for kept, other in (
        (profile.tails, nightly.tails),
        (profile.positions, nightly.positions),
        (profile.decomposition, nightly.decomposition),
        (profile.stresses, nightly.stresses),
    ):
        assert plain(kept) == plain(other)
    known = {name: number for name, number in asdict(profile.measures).items() if number}
    theirs = asdict(nightly.measures)
    for name in set(known) - {"breach_probability", "drawdown", "max_drawdown"}:
        assert known[name] == pytest.approx(theirs[name], rel=1e-6), name
    assert sum(p.component_var for p in profile.positions) == pytest.approx(
        sum(g.component_var for g in profile.decomposition if g.by == "sector")
    )


def plain(rows: Iterable[Any]) -> list[Any]:
    """Return rows as values that compare within rounding."""
    return [
        {
            name: pytest.approx(value, rel=1e-5, abs=1e-6) if isinstance(value, float) else value
            for name, value in asdict(row).items()
            if name not in {"contributions", "best", "in_confidence_set"}
        }
        for row in rows
    ]


async def test_the_full_profile_is_taken_at_an_interval_and_says_of_which_state(
    sample: Sample,
) -> None:
    taken: list[tuple[int, int]] = []
    sample.trade(1, "AAA", 90)
    for n, seconds in enumerate((5, 1, 1, 4), start=1):
        sample.clock.moment += timedelta(seconds=seconds)
        if n < 4:
            sample.desk.offer([mark("AAA", 100.0 + n, n)])
        await sample.desk.turn()
        state = sample.desk.state()
        taken.append((state.sequence, state.profile.sequence))

    # Taken with state 2, left alone for 5 seconds, then brought up to a state that was published.
    assert taken == [(2, 2), (3, 2), (4, 2), (4, 4)]
    assert sample.desk.state().profile.positions[0].market_value == 90 * 103


async def test_a_restart_goes_on_where_the_desk_was(sample: Sample) -> None:
    sample.trade(1, "AAA", 310)
    sample.desk.offer([mark("AAA", 103.0, 7)])
    await sample.desk.turn()
    await sample.desk.turn()
    sample.desk.close()
    before = sample.desk.state()
    await sample.told()
    await sample.desk.queue.close()
    sample.trade(2, "BBB", 10)  # While no desk runs.

    sample.desk = sample.start()
    sample.desk.offer([mark("AAA", 99.0, 7)])  # An old tick again.
    await sample.desk.turn()

    after = sample.desk.state()
    assert after.sequence == before.sequence + 1
    assert after.pnl.total.pnl == pytest.approx(310 * 3 - 0.70)
    assert (after.day_pnl, after.peak) == pytest.approx((after.pnl.total.pnl, before.peak))
    assert await sample.told() == []  # The breach that stands was told.
    assert sample.desk.portfolios["manual"].pnl.engine.snapshot(as_of_ns=0).counts["duplicate"] == 1


async def test_marks_that_still_wait_are_taken_before_the_desk_ends(sample: Sample) -> None:
    sample.trade(1, "AAA", 90)
    await sample.desk.turn()
    sample.desk.offer([mark("AAA", 103.0, 7)])  # Answered as accepted, and no turn follows.

    sample.desk.close()

    await sample.desk.queue.close()
    sample.desk = sample.start()
    assert sample.desk.state().pnl.total.pnl == pytest.approx(90 * 3 - 0.35)


async def test_the_end_waits_for_the_turn_that_runs(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, entered = Event(), Event()
    log: list[str] = []
    portfolio = sample.desk.portfolios["manual"]
    turn = portfolio.turn

    def slow(**how: bool) -> list[Alert]:
        entered.set()
        log.append("turn begins" if not how.get("store") else "store")
        held.wait()
        done = turn(**how)
        log.append("done")
        return done

    monkeypatch.setattr(LivePortfolio, "turn", lambda _, **how: slow(**how))
    sample.desk.offer([mark("AAA", 103.0, 7)])
    running = asyncio.create_task(sample.desk.turn())
    await asyncio.to_thread(entered.wait)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    ending = asyncio.create_task(asyncio.to_thread(sample.desk.close))
    await asyncio.sleep(0.05)

    held.set()
    await ending

    assert log == ["turn begins", "done", "store", "done"]


async def test_a_portfolio_without_a_mark_says_so_and_recovers(
    sample: Sample, tmp_path: Path
) -> None:
    await sample.desk.queue.close()
    sample.opened.close()
    sample.opened = database(tmp_path / "other")
    sample.desk = live_desk(tmp_path, sample.opened, sample.clock)
    sample.desk.portfolios["manual"].closes = {}
    sample.desk.start()
    sample.trade(1, "CCC", 1)
    await sample.desk.turn()
    with pytest.raises(MissingDataError, match="manual has no live state: no mark for CCC"):
        sample.desk.state()

    sample.desk.offer([mark("CCC", 100.0, 1)])
    await sample.desk.turn()

    assert sample.desk.state().pnl.total.gross == 100.0


async def test_more_marks_than_may_wait_are_refused_whole(sample: Sample) -> None:
    sample.desk.max_pending = 2
    assert sample.desk.offer([mark("AAA", 1.0, 1)]) == 1
    with pytest.raises(UnavailableError, match="1 marks wait, at most 2 may"):
        sample.desk.offer([mark("AAA", 1.0, 2), mark("AAA", 1.0, 3)])


async def test_a_mark_that_another_portfolio_knows_is_not_counted_as_unknown(
    sample: Sample, tmp_path: Path
) -> None:
    await sample.desk.queue.close()
    other = portfolio(sample.opened, sample.clock)
    other.name, other.pnl.run_id = "other", "another run"
    other.pnl.accounting = replace(other.pnl.accounting, instruments={"AAA": INSTRUMENTS["AAA"]})
    desk = sample.desk = live_desk(tmp_path, sample.opened, sample.clock)
    desk.portfolios = {**desk.portfolios, "other": other}
    desk.start()
    desk.offer([mark("BBB", 100.0, 1), mark("ZZZ", 1.0, 1), mark("AAA", 99.0, 1)])
    await desk.turn()

    unknown = [
        one.pnl.engine.snapshot(as_of_ns=0).counts["unknown"] for one in desk.portfolios.values()
    ]
    assert unknown == [1, 1]  # The one that nobody knows.
    assert other.pnl.engine.marks()["AAA"] == 99.0


async def test_an_unknown_portfolio_is_named(sample: Sample) -> None:
    with pytest.raises(MissingDataError, match="core is not live: there is manual"):
        sample.desk.state("core")


async def test_what_the_queue_refuses_is_told_later(sample: Sample) -> None:
    publish = sample.desk.queue.publish

    async def gone(topic: str, bodies: list[bytes]) -> object:
        raise UnavailableError(f"the queue is gone: {len(bodies)} on {topic} are not taken")

    sample.desk.queue.publish = gone  # type: ignore[method-assign]
    sample.trade(1, "AAA", 310)
    await sample.desk.turn()
    sample.desk.queue.publish = publish  # type: ignore[method-assign]
    sample.desk.offer([mark("AAA", 100.5, 1)])
    await sample.desk.turn()

    assert await sample.told() == ["risk.limit_breached weight of symbol AAA"]


async def test_states_are_stored_at_most_once_an_interval(sample: Sample) -> None:
    sample.trade(1, "AAA", 1)
    results = sample.desk.portfolios["manual"].pnl.results
    for n in range(1, 4):
        sample.desk.offer([mark("AAA", 100.0 + n, n)])
        await sample.desk.turn()
    assert results.latest(SNAPSHOT_KIND, DESK).payload["sequence"] == 1
    sample.clock.moment += timedelta(seconds=10)
    sample.desk.offer([mark("AAA", 110.0, 9)])
    await sample.desk.turn()

    stored = results.latest(SNAPSHOT_KIND, DESK)
    assert (stored.payload["sequence"], stored.desk_date) == (5, DAY)
    assert stored.payload["marks"]["AAA"][0] == 110.0


async def test_the_last_state_of_a_burst_is_stored_though_nothing_follows(sample: Sample) -> None:
    sample.trade(1, "AAA", 1)
    sample.desk.offer([mark("AAA", 104.0, 1)])
    await sample.desk.turn()
    results = sample.desk.portfolios["manual"].pnl.results
    assert results.latest(SNAPSHOT_KIND, DESK).payload["sequence"] == 1
    sample.clock.moment += timedelta(seconds=10)
    await sample.desk.turn()  # Silence, and no close: the process may be killed at any moment.
    kept = results.latest(SNAPSHOT_KIND, DESK)
    sample.clock.moment += timedelta(seconds=10)
    await sample.desk.turn()

    assert (kept.payload["sequence"], kept.payload["marks"]["AAA"][0]) == (2, 104.0)
    assert sample.desk.state().sequence == 2
