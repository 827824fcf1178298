"""Tests of `basics.trading` and `basics.instruments`."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Fill, Lineage, Side, placed_lineage, rule_lineage

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


def test_a_rule_is_named_with_a_hash_of_its_terms() -> None:
    one, other = rule_lineage("momentum", 21, 0.1), rule_lineage("momentum", 21, 0.2)

    assert one == rule_lineage("momentum", 21, 0.1)
    assert one != other
    assert str(one.model_version).startswith("rule: momentum ")
    assert len(str(one.model_version)) == len("rule: momentum ") + 8
    assert one.arm == "rule"


@pytest.mark.parametrize(
    ("lineage", "model"),
    [
        (Lineage(model_version="price v2 lightgbm"), "price v2 lightgbm"),
        (rule_lineage("momentum", 1), None),
        (placed_lineage("manual"), None),
        (Lineage(), None),
    ],
)
def test_only_a_model_has_predictions(lineage: Lineage, model: str | None) -> None:
    about = lineage.of_prediction("AAPL", date(2022, 12, 27))

    assert lineage.followed_model == model
    assert about.model_version == lineage.model_version
    assert about.prediction_id == (None if model is None else f"{model} AAPL 2022-12-27")
