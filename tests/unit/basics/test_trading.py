"""Tests of `basics.trading` and `basics.instruments`."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Fill, Side

BOOK = Book(fund="fund", portfolio="core", strategy="momentum", account="ACC-1")
WHEN = datetime(2022, 12, 28, 21, 0, tzinfo=UTC)


def make_fill(**changes: object) -> Fill:
    facts: dict[str, object] = {
        "venue": "SIM",
        "exec_id": "E1",
        "cl_ord_id": "O1",
        "book": BOOK,
        "symbol": "AAPL",
        "quantity": Decimal(10),
        "price": Decimal("126.04"),
        "executed_at": WHEN,
    }
    return Fill(**(facts | changes))  # type: ignore[arg-type]


def test_only_a_purchase_has_a_positive_sign() -> None:
    assert [side.sign for side in Side] == [1, -1, -1, -1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": Decimal(0)}, "quantity must be finite and not zero"),
        ({"quantity": Decimal("NaN")}, "quantity must be finite"),
        ({"price": Decimal("Infinity")}, "price must be finite"),
        ({"fee": Decimal("NaN")}, "fee must be finite"),
        ({"executed_at": WHEN.replace(tzinfo=None)}, "timezone-aware"),
    ],
)
def test_a_malformed_fill_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        make_fill(**changes)


def test_a_book_names_every_level() -> None:
    with pytest.raises(InvalidInputError, match="needs a strategy"):
        Book(fund="fund", portfolio="core", strategy="", account="ACC-1")


def test_an_option_needs_its_terms() -> None:
    with pytest.raises(InvalidInputError, match="option terms"):
        Instrument(symbol="SPY C400", kind=InstrumentKind.OPTION)


def test_a_tick_of_zero_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="tick_size must be positive, got 0"):
        Instrument(symbol="AAPL", tick_size=Decimal(0))
