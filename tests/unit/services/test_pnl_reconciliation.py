"""Tests of `services.pnl_reconciliation`: breaks, their age, and four eyes on settling one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from basics.clock import ManualClock
from basics.errors import MissingDataError, RefusedError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.results import DatabaseResultStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from pnl.reconciliation import Resolution, StatementKey, Subject
from services.accounting import Accounting
from services.pnl_reconciliation import Reconciliation

D = Decimal
RUN = "run"
DAYS = [date(2022, 1, 3), date(2022, 1, 4), date(2022, 1, 6)]
SHARES = StatementKey(account="acc", subject=Subject.POSITION, name="AAA")
CASH = StatementKey(account="acc", subject=Subject.CASH, name="USD")
AGREED = {SHARES: D(15), CASH: D("8500.00")}


def fill(n: int, quantity: int, strategy: str) -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id="o", book=Book("Fund", "Core", strategy, "acc"),
        symbol="AAA", quantity=D(quantity), price=D(100),
        executed_at=datetime(2022, 1, 3, 21, tzinfo=UTC),
    )  # fmt: skip


@pytest.fixture
def reconciliation(tmp_path: Path) -> Iterator[Reconciliation]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    accounting = Accounting(
        store=DatabaseLedgerStore(database), instruments={"AAA": Instrument(symbol="AAA")}
    )
    accounting.pay_in(RUN, Book("Fund", "Core", "one", "acc"), day=DAYS[0], amount=D(10_000))
    accounting.book_fills(RUN, [fill(1, 10, "one"), fill(2, 5, "two")])
    clock = ManualClock(datetime(2022, 1, 6, tzinfo=UTC))
    yield Reconciliation(accounting=accounting, results=DatabaseResultStore(database, clock))
    database.close()


def test_strategies_of_one_account_are_compared_together(reconciliation: Reconciliation) -> None:
    report = reconciliation.run(RUN, AGREED, day=DAYS[0])

    assert (report.lines, report.breaks) == (2, ())


def test_a_break_keeps_its_first_day_while_it_lasts(reconciliation: Reconciliation) -> None:
    wrong = AGREED | {SHARES: D(12)}
    reconciliation.run(RUN, wrong, day=DAYS[0])
    reconciliation.run(RUN, wrong, day=DAYS[1])

    (one,) = reconciliation.run(RUN, wrong, day=DAYS[2]).breaks

    assert (one.difference, one.first_seen, one.age_days) == (D(-3), DAYS[0], 3)


def test_a_statement_is_held_against_the_books_at_the_end_of_its_day(
    reconciliation: Reconciliation,
) -> None:
    """Books that went on since are no break: a statement comes in the morning after."""
    late = replace(fill(3, 7, "one"), executed_at=datetime(2022, 1, 6, 21, tzinfo=UTC))
    reconciliation.accounting.book_fills(RUN, [late])

    assert reconciliation.run(RUN, AGREED, day=DAYS[1]).breaks == ()
    now = AGREED | {SHARES: D(22), CASH: D("7800.00")}
    assert reconciliation.run(RUN, now, day=DAYS[2]).breaks == ()


def test_a_statement_that_comes_late_has_no_break_of_a_later_day(
    reconciliation: Reconciliation,
) -> None:
    wrong = AGREED | {SHARES: D(12)}
    reconciliation.run(RUN, wrong, day=DAYS[2])

    (one,) = reconciliation.run(RUN, wrong, day=DAYS[1]).breaks

    assert (one.first_seen, one.last_seen, one.age_days) == (DAYS[1], DAYS[1], 0)
    (last,) = reconciliation.run(RUN, wrong, day=DAYS[2]).breaks
    assert last.first_seen == DAYS[2]  # Known since the statement of that day came in.


def test_a_line_that_only_the_custodian_has_is_a_break(reconciliation: Reconciliation) -> None:
    foreign = StatementKey(account="acc", subject=Subject.CASH, name="EUR")

    (one,) = reconciliation.run(RUN, AGREED | {foreign: D(7)}, day=DAYS[0]).breaks

    assert (one.key, one.ours, one.theirs) == (foreign, 0, 7)


def settled_by(author: str, approver: str, reason: str = "late booking at the bank") -> Resolution:
    return Resolution(reason=reason, author=author, approver=approver, day=DAYS[0])


def test_a_settled_break_stays_in_view_and_opens_again_when_it_changes(
    reconciliation: Reconciliation,
) -> None:
    reconciliation.run(RUN, AGREED | {CASH: D(8000)}, day=DAYS[0])
    report = reconciliation.settle(RUN, CASH, settled_by("ann", "bob"))
    assert (len(report.breaks), report.open) == (1, ())

    same = reconciliation.run(RUN, AGREED | {CASH: D(8000)}, day=DAYS[1])
    assert same.open == ()
    other = reconciliation.run(RUN, AGREED | {CASH: D(7000)}, day=DAYS[2])
    assert len(other.open) == 1


@pytest.mark.parametrize("resolution", [settled_by("ann", "ann"), settled_by("ann", " ")])
def test_settling_needs_a_second_person(
    reconciliation: Reconciliation, resolution: Resolution
) -> None:
    reconciliation.run(RUN, AGREED | {CASH: D(8000)}, day=DAYS[0])

    with pytest.raises(RefusedError, match="needs a second person"):
        reconciliation.settle(RUN, CASH, resolution)


def test_settling_needs_a_reason_and_a_break(reconciliation: Reconciliation) -> None:
    reconciliation.run(RUN, AGREED, day=DAYS[0])

    with pytest.raises(RefusedError, match="needs a reason"):
        reconciliation.settle(RUN, CASH, settled_by("ann", "bob", " "))
    with pytest.raises(MissingDataError, match="no break in cash USD"):
        reconciliation.settle(RUN, CASH, settled_by("ann", "bob"))
