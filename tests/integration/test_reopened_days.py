"""What a mark by hand reopens: the profit of the day, and the risk of every session since."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import msgspec
import pytest

from basics.trading import Book
from flows import pnl_steps, risk_steps
from flows.day import Day
from infra.bootstrap import open_desk
from infra.database.manual import DatabaseManualStore
from infra.settings import Settings
from pnl.manual import ManualEntry, ManualKind
from services.experiment import Experiment
from services.report import Lineage
from services.risk import PROFILE_KIND

DAYS = [date(2022, 6, day) for day in (1, 2, 3)]
NOW = datetime(2022, 6, 4, tzinfo=UTC)


class KeptDay(Day):
    """A day of given inputs, on the third of June."""

    desk_date = DAYS[-1]

    @cached_property
    def lineage(self) -> Lineage:
        """The inputs."""
        return Lineage(
            run_id="run-1", seed=1, code_commit="c", data_versions={}, feature_hash="f",
            model_version="m", policy_version="p",
        )  # fmt: skip


@pytest.fixture
def day(tmp_path: Path) -> Iterator[KeptDay]:
    with open_desk(Settings(state_dir=tmp_path)) as desk:
        yield KeptDay(desk, Experiment())


def keep_profiles(day: KeptDay) -> None:
    portfolio = day.experiment.trading.portfolio
    for session in DAYS:
        lineage = pnl_steps.pnl_lineage(day, until=session)
        day.desk.results.put(PROFILE_KIND, portfolio, session, {}, lineage)


def mark(day: KeptDay, session: date, *, portfolio: str | None = None) -> None:
    name = portfolio or day.experiment.trading.portfolio
    entry = ManualEntry(
        entry_id=f"man-{session}", kind=ManualKind.MARK, book=Book("f", name, "s", "a"),
        day=session, symbol="AAA", amount=Decimal("10.5"), currency="USD", reason="stale",
        author="ann", proposed_at=NOW,
    )  # fmt: skip
    store = DatabaseManualStore(day.desk.database)
    store.add(entry)
    assert risk_steps.night_stands(day, PROFILE_KIND)  # A proposal alone changes nothing.
    store.decide(entry.decided(approve=True, by="bob", at=NOW))


def test_a_mark_of_the_desk_date_reopens_its_profit_and_its_risk(day: KeptDay) -> None:
    keep_profiles(day)
    before = pnl_steps.pnl_lineage(day)
    mark(day, DAYS[2])

    assert pnl_steps.pnl_lineage(day) != before
    assert not risk_steps.night_stands(day, PROFILE_KIND)
    assert risk_steps.reopened(day, PROFILE_KIND) == []
    assert risk_steps.night_stands(day, PROFILE_KIND, on=DAYS[1])
    keep_profiles(day)
    assert risk_steps.night_stands(day, PROFILE_KIND)


def test_a_mark_of_a_past_session_reopens_every_night_since(day: KeptDay) -> None:
    keep_profiles(day)
    mark(day, DAYS[1])

    assert risk_steps.reopened(day, PROFILE_KIND) == [DAYS[1]]
    assert risk_steps.night_stands(day, PROFILE_KIND, on=DAYS[0])
    assert not risk_steps.night_stands(day, PROFILE_KIND, on=DAYS[1])
    assert not risk_steps.night_stands(day, PROFILE_KIND)
    keep_profiles(day)
    assert risk_steps.reopened(day, PROFILE_KIND) == []
    assert risk_steps.night_stands(day, PROFILE_KIND)


def test_a_mark_of_another_portfolio_reopens_nothing(day: KeptDay) -> None:
    keep_profiles(day)
    mark(day, DAYS[1], portfolio="other")

    assert risk_steps.reopened(day, PROFILE_KIND) == []
    assert risk_steps.night_stands(day, PROFILE_KIND)
    assert pnl_steps.by_hand(day, "other") == {"manual_entries": [f"man-{DAYS[1]}"]}


def test_lineages_are_plain_values(day: KeptDay) -> None:
    mark_free = pnl_steps.pnl_lineage(day)

    assert msgspec.json.decode(msgspec.json.encode(mark_free)) == mark_free
