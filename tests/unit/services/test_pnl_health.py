"""Tests of `services.pnl_health`: the P&L attribution test on books by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from basics.arrays import DateArray, FloatArray
from basics.clock import ManualClock
from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.results import DatabaseResultStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from pnl.attribution_test import Zone
from services.accounting import Accounting
from services.pnl_health import (
    FACTORS,
    HEALTH_KIND,
    OWN_PRICES,
    ModelTest,
    PnlHealth,
    PnlHealthCheck,
    zone_changes,
    zones_in_words,
)
from services.ports import Alert, KeptBooks, Severity

N = 620
BOOK = Book("Fund", "Core", "picker", "acc")
SESSIONS = np.busday_offset("2020-01-01", np.arange(N), roll="forward").astype("datetime64[D]")
MARKET = np.random.default_rng(1).normal(0, 0.01, N)


def prices(*, specific: float) -> Panel:
    moves = MARKET + np.random.default_rng(2).normal(0, specific, (2, N))
    return Panel(("AAA", "BBB"), SESSIONS, {"close": 100 * np.cumprod(1 + moves, axis=1)})


def market_factor(sessions: DateArray) -> dict[str, FloatArray]:
    return {"market": MARKET[np.searchsorted(SESSIONS, sessions)]}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()


TOLD: list[Alert] = []


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    TOLD.clear()


def checked(database: Database, panel: Panel, *, lived: int, hidden: str = "") -> PnlHealth:
    """Hold both symbols for the last `lived` sessions; the risk model lacks the hidden one."""
    accounting = Accounting(
        store=DatabaseLedgerStore(database),
        instruments={symbol: Instrument(symbol=symbol) for symbol in panel.symbols},
    )
    first = SESSIONS[-lived].item()
    accounting.pay_in("run", BOOK, day=first, amount=Decimal(100_000))
    for symbol in panel.symbols:
        price = Decimal(f"{panel['close'][panel.symbols.index(symbol), -lived]:.4f}")
        accounting.book_session(
            "run",
            first,
            [
                Fill(venue="SIM", exec_id=symbol, cl_ord_id=symbol, book=BOOK, symbol=symbol,
                     quantity=Decimal(100), price=price,
                     executed_at=datetime(2020, 1, 1, tzinfo=UTC))
            ],
        )  # fmt: skip
    books = accounting.valued_books("run", panel.window(N - lived, N), portfolio="Core")
    seen = [row for row, symbol in enumerate(panel.symbols) if symbol != hidden]
    known = Panel(
        tuple(panel.symbols[row] for row in seen), SESSIONS, {"close": panel["close"][seen]}
    )
    clock = ManualClock(datetime(2022, 6, 1, tzinfo=UTC))
    check = PnlHealthCheck(
        results=DatabaseResultStore(database, clock),
        clock=clock,
        tell=TOLD.extend,
        closes=lambda _, start, end: known.between(start, end),
        factors=market_factor,
    )
    return check.run(KeptBooks("Core", "run", "own", books), lineage={"run_id": "run"})


def test_a_book_of_the_market_is_green_for_both_models(database: Database) -> None:
    health = checked(database, prices(specific=0.0005), lived=300)

    assert [test.model for test in health.tests] == [OWN_PRICES, FACTORS]
    assert [test.zone for test in health.tests] == [Zone.GREEN, Zone.GREEN]
    assert {test.observations for test in health.tests} == {250}
    assert health.zone is Zone.GREEN
    stored = DatabaseResultStore(database, ManualClock(datetime(2022, 6, 1, tzinfo=UTC))).latest(
        HEALTH_KIND, "Core"
    )
    assert msgspec.convert(stored.payload, PnlHealth, strict=False) == health


def test_factors_do_not_see_what_is_specific(database: Database) -> None:
    own, factors = checked(database, prices(specific=0.05), lived=300).tests

    assert own.zone is Zone.GREEN
    assert factors.zone is Zone.RED


def test_a_symbol_that_the_risk_model_lacks_shows(database: Database) -> None:
    health = checked(database, prices(specific=0.05), lived=300, hidden="BBB")

    assert health.zone is Zone.RED


def test_young_books_have_no_zone_but_a_reason(database: Database) -> None:
    own, factors = checked(database, prices(specific=0.01), lived=10).tests

    assert (own.zone, factors.zone) == (None, None)
    assert own.reason == "9 days are too few to compare, 20 are needed"


def test_one_session_has_no_evening_before(database: Database) -> None:
    health = checked(database, prices(specific=0.01), lived=1)

    assert health.day == date.fromisoformat(str(SESSIONS[-1]))
    assert health.tests[0].reason == "one session has no evening before it: wait for another"


def health_of(own: Zone | None, factors: Zone | None, *, day: int = 2) -> PnlHealth:
    tests = tuple(
        ModelTest(model=model, sees="", observations=250, zone=zone)
        for model, zone in ((OWN_PRICES, own), (FACTORS, factors))
    )
    return PnlHealth(
        portfolio="Core", day=date(2022, 6, day), currency="USD", zone=own, tests=tests
    )


def told(before: PnlHealth | None, now: PnlHealth) -> list[tuple[str, Severity]]:
    alerts = zone_changes(before, now, at=datetime(2022, 6, 2, tzinfo=UTC))
    return [(alert.message, alert.severity) for alert in alerts]


def test_a_zone_that_changed_is_told_and_one_that_stands_is_not() -> None:
    green = health_of(Zone.GREEN, Zone.RED, day=1)

    assert told(green, health_of(Zone.GREEN, Zone.RED)) == []
    name = "P&L attribution test of Core, risk model"
    assert told(green, health_of(Zone.AMBER, Zone.AMBER)) == [
        (f"{name} own prices: green became amber on 2022-06-02", Severity.WARNING),
        (f"{name} factors: red became amber on 2022-06-02", Severity.WARNING),
    ]
    assert told(green, health_of(Zone.RED, Zone.GREEN)) == [
        (f"{name} own prices: green became red on 2022-06-02", Severity.CRITICAL),
        (f"{name} factors: red became green on 2022-06-02", Severity.INFO),
    ]
    assert told(green, health_of(None, Zone.RED)) == [
        (f"{name} own prices: green became untested on 2022-06-02", Severity.WARNING),
    ]


def test_the_first_day_tells_what_is_not_green() -> None:
    assert told(None, health_of(Zone.GREEN, None)) == []
    assert [severity for _, severity in told(None, health_of(Zone.RED, Zone.RED))] == [
        Severity.CRITICAL, Severity.WARNING,
    ]  # fmt: skip


def test_a_change_told_again_is_the_same_alert(database: Database) -> None:
    panel = prices(specific=0.05)
    checked(database, panel, lived=300, hidden="BBB")
    checked(database, panel, lived=300, hidden="BBB")

    assert {alert.kind for alert in TOLD} == {"pnl.attribution_zone_changed"}
    assert len(TOLD) == 4
    assert len({alert.alert_id for alert in TOLD}) == 2


def test_zones_in_a_line() -> None:
    line = zones_in_words(health_of(Zone.GREEN, None))
    assert line == "Core on 2022-06-02: own prices green, factors untested"
