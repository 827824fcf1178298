"""Tests of `services.pnl_replay`: a session streamed tick by tick ends where the books do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from basics.errors import MissingDataError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from measures.drawdown import max_drawdown
from measures.performance import sharpe_ratio
from pnl.explain import PARTS
from pnl.manual import InForce, ManualEntry, ManualKind, ManualState
from services.accounting import Accounting
from services.pnl_replay import ReplayReport, figures_so_far, replay_session

D = Decimal
RUN, BOOK = "run", Book("Fund", "Core", "momentum", "acc")
SESSIONS = np.array(["2022-01-03", "2022-01-04"], dtype="datetime64[D]")
BARS = Panel(
    ("AAA", "BBB"),
    SESSIONS,
    {
        "open": np.array([[100.0, 101.0], [50.0, 49.0]]),
        "high": np.array([[102.0, 106.0], [51.0, 52.0]]),
        "low": np.array([[98.0, 100.0], [49.0, 47.0]]),
        "close": np.array([[101.0, 105.0], [50.0, 48.0]]),
        "volume": np.array([[1e6, 1e6], [1e6, 1e6]]),
    },
)


def fill(day: int, hour: int, symbol: str, quantity: int, price: str) -> Fill:
    return Fill(
        venue="SIM", exec_id=f"{day}-{hour}-{symbol}", cl_ord_id="o", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), fee=D("0.50"),
        executed_at=datetime(2022, 1, day, hour, tzinfo=UTC),
    )  # fmt: skip


@pytest.fixture
def accounting(tmp_path: Path) -> Iterator[Accounting]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    instruments = {symbol: Instrument(symbol=symbol) for symbol in BARS.symbols}
    accounting = Accounting(store=DatabaseLedgerStore(database), instruments=instruments)
    accounting.pay_in(RUN, BOOK, day=date(2022, 1, 3), amount=D(100_000))
    accounting.book_fills(
        RUN,
        [
            fill(3, 21, "AAA", 100, "101"),
            fill(4, 16, "AAA", -40, "104"),
            fill(4, 21, "BBB", -30, "48"),
        ],
    )
    yield accounting
    database.close()


def replay(accounting: Accounting, day: int, seed: int = 1, **terms: Any) -> ReplayReport:
    return replay_session(
        accounting, RUN, BARS, session=date(2022, 1, day), portfolio="Core",
        rng=np.random.default_rng(seed), trades=200, **terms,
    )  # fmt: skip


def test_streaming_equals_batch_equals_the_books(accounting: Accounting) -> None:
    report = replay(accounting, 4)

    # 40 sold at 104 and 60 held to 105, from 101; two fees.
    assert report.booked == D(40 * 3 + 60 * 4 - 1)
    assert report.streamed == pytest.approx(float(report.booked), abs=0.01)
    assert report.error_of_gross < 1e-9
    assert (report.ticks, report.fills, report.simulated) == (400, 2, True)
    assert report.points[-1].pnl == pytest.approx(report.streamed)
    assert [hour.end.hour for hour in report.hours] == [15, 16, 17, 18, 19, 20, 21]
    assert sum(hour.pnl for hour in report.hours) == pytest.approx(report.streamed)
    for hour in report.hours:
        assert sum(hour.symbols.values()) == pytest.approx(hour.pnl)
        assert sum(hour.strategies.values()) == pytest.approx(hour.pnl)
    assert set(report.attributions) == {
        "symbol", "strategy", "sector", "currency", "model_version", "arm", "order", "side",
        "hour",
    }  # fmt: skip
    # Why, in whole cents of the books: each look a close of its own, so nothing is lost between.
    reasons = [hour.reasons for hour in report.hours]
    assert sum((sum(parts.values(), D(0)) for parts in reasons), D(0)) == report.booked
    for hour in report.hours:
        assert float(sum(hour.reasons.values(), D(0))) == pytest.approx(hour.pnl, abs=0.5)
    assert reasons[-1]["fees"] == D("-0.50")
    assert all(set(parts) <= set(PARTS) for parts in reasons)
    for names in report.attributions.values():
        assert sum(names.values()) == pytest.approx(report.streamed)
    # 40 sold at 104 lose a point each to the close; what was bought the day before gains four.
    assert report.attributions["side"] == pytest.approx({"buy": 400.0, "sell": -41.0})


def test_the_same_seed_replays_the_same_session(accounting: Accounting) -> None:
    assert replay(accounting, 4) == replay(accounting, 4)
    assert replay(accounting, 4).points != replay(accounting, 4, seed=2).points


def test_the_first_session_of_the_panel_cannot_be_replayed(accounting: Accounting) -> None:
    with pytest.raises(MissingDataError, match="is no session with one before it"):
        replay(accounting, 3)


def test_figures_so_far_take_the_session_as_the_last_return() -> None:
    returns = np.array([0.01, -0.02, 0.03])

    found = figures_so_far(returns, -0.04)

    whole = np.append(returns, -0.04)
    assert found.sessions == 4
    assert found.sharpe_ratio == pytest.approx(sharpe_ratio(whole))
    assert found.max_drawdown == pytest.approx(max_drawdown(whole))
    assert found.drawdown == pytest.approx(0.04)
    assert figures_so_far(returns[:0], 0.01).sharpe_ratio is None


def test_a_session_is_as_long_as_its_exchange_says(accounting: Accounting) -> None:
    """Half a day in summer: 13:30 to 17:00 UTC."""
    hours = datetime(2022, 1, 4, 13, 30, tzinfo=UTC), datetime(2022, 1, 4, 17, tzinfo=UTC)

    report = replay(accounting, 4, hours=hours)

    assert (report.points[0].at, report.points[-1].at) == hours
    assert len(report.points) == 43
    assert [hour.end.hour for hour in report.hours] == [14, 15, 16, 17]
    # What is filled after the close still counts on its day.
    assert report.streamed == pytest.approx(float(report.booked), abs=0.01)
    assert sum(hour.pnl for hour in report.hours) == pytest.approx(report.streamed)


def test_a_session_that_ends_within_an_hour_has_a_last_part_of_one(accounting: Accounting) -> None:
    hours = datetime(2022, 1, 4, 14, 30, tzinfo=UTC), datetime(2022, 1, 4, 16, 15, tzinfo=UTC)

    report = replay(accounting, 4, hours=hours)

    assert [f"{hour.end:%H:%M}" for hour in report.hours] == ["15:00", "16:00", "16:15"]
    assert sum(hour.pnl for hour in report.hours) == pytest.approx(report.streamed)


def test_what_people_changed_by_hand_is_in_the_replay_as_in_the_books(
    accounting: Accounting,
) -> None:
    """A mark of 106 for AAA, and 250 in cash: the stream ends where the books do."""
    terms = dict(book=BOOK, day=date(2022, 1, 4), currency="USD", reason="r", author="ann",
                 proposed_at=datetime(2022, 1, 5, tzinfo=UTC), state=ManualState.APPROVED,
                 decided_by="bob", decided_at=datetime(2022, 1, 5, tzinfo=UTC))  # fmt: skip
    approved = InForce((
        ManualEntry(entry_id="m", kind=ManualKind.MARK, symbol="AAA", amount=D(106), **terms),
        ManualEntry(entry_id="a", kind=ManualKind.ADJUSTMENT, symbol=None, amount=D(250), **terms),
    ))  # fmt: skip
    accounting.manual = lambda _: approved
    accounting.book_events(RUN, approved.adjustments)

    report = replay(accounting, 4)

    # As before, and one more for each of the 60 held; the cash belongs to no position.
    assert report.booked == D(40 * 3 + 60 * 5 - 1 + 250)
    assert report.streamed == pytest.approx(float(report.booked) - 250, abs=0.01)
    reasons = [hour.reasons for hour in report.hours]
    assert sum((sum(parts.values(), D(0)) for parts in reasons), D(0)) == report.booked
    assert sum(parts.get("adjustments", D(0)) for parts in reasons) == 250
