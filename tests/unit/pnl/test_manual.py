"""Tests of `pnl.manual`: four eyes, and what an approved entry does."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError, RefusedError
from basics.trading import Book
from market.panel import Panel
from pnl.manual import ManualEntry, ManualKind, in_force

NOW = datetime(2022, 1, 5, 18, tzinfo=UTC)
MARK = ManualEntry(
    entry_id="man-1", kind=ManualKind.MARK, book=Book("Fund", "Core", "momentum", "acc"),
    day=date(2022, 1, 4), symbol="AAA", amount=Decimal("120.5"), currency="USD",
    reason="stale close", author="ann", proposed_at=NOW,
)  # fmt: skip
CASH = replace(
    MARK, entry_id="man-2", kind=ManualKind.ADJUSTMENT, symbol=None, amount=Decimal("-12.50"),
    reason="custodian's fee",
)  # fmt: skip
CLOSES = Panel(
    ("AAA", "BBB"),
    np.array(["2022-01-03", "2022-01-04"], dtype="datetime64[D]"),
    {"close": np.array([[100.0, np.nan], [50.0, 51.0]])},
)


def test_a_mark_counts_on_its_day_once_a_second_person_agrees() -> None:
    proposed = in_force([MARK])
    approved = in_force([MARK.decided(approve=True, by="bob", at=NOW)])["Core"]

    assert proposed == {}
    assert approved.marked(CLOSES)["close"].tolist() == [[100.0, 120.5], [50.0, 51.0]]
    assert approved.adjustments == []
    assert approved.notes(date(2022, 1, 4), date(2022, 1, 4)) == (
        "2022-01-04: AAA marked by hand at 120.5 (stale close; ann, approved by bob)",
    )
    assert approved.notes(date(2022, 1, 5), date(2022, 1, 6)) == ()


def test_the_later_of_two_marks_counts() -> None:
    later = replace(MARK, entry_id="man-3", amount=Decimal(121))
    both = [one.decided(approve=True, by="bob", at=NOW) for one in (MARK, later)]

    assert in_force(both)["Core"].marked(CLOSES)["close"][0, 1] == 121.0


def test_an_adjustment_is_a_ledger_event_with_both_names() -> None:
    approved = in_force([CASH.decided(approve=True, by="bob", at=NOW)])["Core"]

    (event,) = approved.adjustments
    assert (event.event_id, event.amount, event.author, event.approver) == (
        "manual|man-2", Decimal("-12.50"), "ann", "bob",
    )  # fmt: skip
    assert approved.marked(CLOSES) is CLOSES


def test_the_author_is_no_second_person_and_a_rejection_needs_a_word() -> None:
    for name in ("ann", " Ann ", ""):
        with pytest.raises(RefusedError, match="needs a second person"):
            MARK.decided(approve=True, by=name, at=NOW)
    with pytest.raises(RefusedError, match="needs a word on why"):
        MARK.decided(approve=False, by="bob", at=NOW)
    rejected = MARK.decided(approve=False, by="bob", note="the close is right", at=NOW)
    assert in_force([rejected]) == {}
    with pytest.raises(ConflictError, match="was rejected by bob already"):
        rejected.decided(approve=True, by="cyd", at=NOW)


def test_bad_entries_are_refused_by_name() -> None:
    with pytest.raises(RefusedError, match="needs a reason"):
        replace(MARK, reason=" ")
    with pytest.raises(InvalidInputError, match="needs an author"):
        replace(MARK, author="")
    with pytest.raises(InvalidInputError, match="a positive price, got AAA at -1"):
        replace(MARK, amount=Decimal(-1))
    with pytest.raises(InvalidInputError, match="finite and not zero, got NaN"):
        replace(CASH, amount=Decimal("NaN"))
