"""Tests of `pnl.traded`: what fills are worth, whichever way they went."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from basics.errors import MissingDataError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Fill
from pnl.events import CashKind, CashMovement, FillCancel, FillCorrection
from pnl.traded import TradedValue

D = Decimal
BOOK = Book("Fund", "Core", "momentum", "acc")
DAY = date(2022, 1, 3)
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA"),
    "JP": Instrument(symbol="JP", currency="JPY"),
    "FUT": Instrument(symbol="FUT", kind=InstrumentKind.FUTURE, multiplier=D(50)),
}


def fill(n: int, symbol: str, quantity: int, price: str) -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id=f"o{n}", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime(2022, 1, 3, 14, tzinfo=UTC),
    )  # fmt: skip


def test_bought_and_sold_count_alike_in_the_base_currency() -> None:
    paid = CashMovement(event_id="p", book=BOOK, day=DAY, kind=CashKind.CAPITAL, amount=D(10_000))
    counter = TradedValue(INSTRUMENTS)

    first = counter.session([paid, fill(1, "AAA", 10, "100"), fill(2, "AAA", -4, "110")], {})
    second = counter.session(
        [fill(3, "JP", -100, "2000"), fill(4, "FUT", 1, "4000")], {"JPY": D("0.008")}
    )

    assert first == (1_000 + 440) * 100
    assert second == (1_600 + 200_000) * 100


def test_amended_fills_leave_the_value_of_those_in_effect() -> None:
    counter = TradedValue(INSTRUMENTS)
    right = FillCorrection(event_id="c", day=DAY, fill=fill(1, "AAA", 10, "90"), reason="price")
    gone = FillCancel(event_id="x", book=BOOK, day=DAY, venue="SIM", exec_id="2", reason="bust")

    days = [
        counter.session([fill(1, "AAA", 10, "100"), fill(2, "AAA", -4, "110")], {}),
        counter.session([right, gone], {}),
    ]

    assert sum(days) == 90_000


def test_a_currency_without_a_rate_is_named() -> None:
    with pytest.raises(MissingDataError, match="JPY"):
        TradedValue(INSTRUMENTS).session([fill(3, "JP", 1, "2000")], {})
