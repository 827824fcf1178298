"""Tests of `pnl.engine`: streaming equals batch, ticks are judged, sums agree with the ledger."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Fill
from pnl.engine import PnlEngine
from pnl.ledger import Ledger
from pnl.valuation import profit_at

D = Decimal
BOOKS = [Book("Fund", "Core", f"strategy-{k}", "acc") for k in range(3)]
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA", sector="Energy"),
    "BBB": Instrument(symbol="BBB", sector="Energy"),
    "EEE": Instrument(symbol="EEE", currency="EUR"),
    "FUT": Instrument(symbol="FUT", kind=InstrumentKind.FUTURE, multiplier=D(50)),
}
SECOND = 10**9


def fill(n: int, symbol: str, quantity: int, price: str, book: Book = BOOKS[0]) -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id="o", book=book, symbol=symbol, fee=D("0.50"),
        quantity=D(quantity), price=D(price), currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime(2022, 1, 3, tzinfo=UTC),
    )  # fmt: skip


def engine_of(*fills: Fill) -> PnlEngine:
    ledger = Ledger(INSTRUMENTS)
    ledger.book_all(fills)
    engine = PnlEngine(INSTRUMENTS)
    engine.hold(ledger.positions(flat=True))
    return engine


def test_profit_by_hand() -> None:
    engine = engine_of(
        fill(1, "AAA", 10, "100"), fill(2, "AAA", -4, "110"), fill(3, "BBB", -5, "40")
    )
    engine.mark("AAA", 120.0, event_time_ns=1, sequence=1)
    engine.mark("BBB", 38.0, event_time_ns=1, sequence=1)

    taken = engine.snapshot(as_of_ns=SECOND)

    # AAA took 4 x 10 less two fees and has 6 x 20 open; BBB is short 5 at 40, less one fee.
    energy = taken.by_sector[0]
    assert [(p.name, p.realised, p.unrealised) for p in taken.by_symbol] == [
        ("AAA", 39.0, 120.0),
        ("BBB", -0.5, 10.0),
    ]
    assert (energy.name, energy.pnl, energy.net, energy.gross) == ("Energy", 168.5, 530.0, 910.0)
    assert taken.total.pnl == 168.5


def test_a_tick_is_judged_by_sequence_time_and_price() -> None:
    engine = engine_of(fill(1, "AAA", 1, "100"))
    engine.mark("AAA", 101.0, event_time_ns=10, sequence=5)

    engine.mark("AAA", 999.0, event_time_ns=10, sequence=5)  # Duplicate.
    engine.mark("AAA", 999.0, event_time_ns=11, sequence=4)  # Out of order.
    engine.mark("AAA", 999.0, event_time_ns=9, sequence=6)  # Late.
    engine.mark("AAA", float("nan"), event_time_ns=12, sequence=7)  # Invalid.
    engine.mark("AAA", -1.0, event_time_ns=12, sequence=8)  # Invalid.
    engine.mark("ZZZ", 999.0, event_time_ns=12, sequence=1)  # Unknown.

    taken = engine.snapshot(as_of_ns=20)
    assert taken.total.unrealised == 1.0
    assert taken.counts == {
        "applied": 1, "duplicate": 1, "out_of_order": 1, "late": 1, "invalid": 2, "unknown": 1,
    }  # fmt: skip


def test_a_future_may_trade_below_zero() -> None:
    engine = engine_of(fill(1, "FUT", 1, "10"))
    engine.mark("FUT", -37.63, event_time_ns=1, sequence=1)

    assert engine.snapshot(as_of_ns=2).total.unrealised == pytest.approx(50 * -47.63)


def test_a_silent_symbol_is_listed_as_stale() -> None:
    engine = engine_of(fill(1, "AAA", 1, "100"), fill(2, "BBB", 1, "40"))
    engine.mark("AAA", 100.0, event_time_ns=0, sequence=1)
    engine.mark("BBB", 40.0, event_time_ns=400 * SECOND, sequence=1)

    assert engine.snapshot(as_of_ns=401 * SECOND).stale == ("AAA",)


def test_a_held_symbol_without_mark_or_rate_is_named_and_nothing_is_published() -> None:
    engine = engine_of(fill(1, "EEE", 1, "100"))

    with pytest.raises(MissingDataError, match="no mark for EEE"):
        engine.snapshot(as_of_ns=1)
    engine.mark("EEE", 100.0, event_time_ns=1, sequence=1)
    with pytest.raises(MissingDataError, match="no rate for EUR"):
        engine.snapshot(as_of_ns=1)
    assert engine.published is None


def test_a_reader_keeps_a_whole_snapshot_while_the_engine_moves_on() -> None:
    engine = engine_of(fill(1, "AAA", 1, "100"))
    engine.mark("AAA", 101.0, event_time_ns=1, sequence=1)
    before = engine.snapshot(as_of_ns=2)

    engine.mark("AAA", 150.0, event_time_ns=3, sequence=2)

    assert engine.published is before
    assert before.total.unrealised == 1.0
    assert engine.snapshot(as_of_ns=4).sequence == before.sequence + 1


def test_a_rate_that_is_not_positive_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be positive, got 0"):
        engine_of().set_rate("EUR", 0.0)


TICK = st.tuples(st.sampled_from(list(INSTRUMENTS)), st.decimals(D(1), D(500), places=4))
TRADE = st.tuples(
    st.sampled_from(list(INSTRUMENTS)),
    st.integers(-50, 50).filter(bool),
    st.decimals(D(1), D(500), places=2),
    st.sampled_from(BOOKS),
)
STEPS = st.lists(st.one_of(TICK, TRADE), max_size=60)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_streaming_equals_batch_equals_the_ledger(steps: list[tuple]) -> None:
    ledger, engine = Ledger(INSTRUMENTS), PnlEngine(INSTRUMENTS)
    engine.set_rate("EUR", 1.1)
    marks = {symbol: D(100) for symbol in INSTRUMENTS}
    for symbol in INSTRUMENTS:
        engine.mark(symbol, 100.0, event_time_ns=0, sequence=0)

    for n, step in enumerate(steps, start=1):
        if len(step) == 2:
            symbol, price = step
            marks[symbol] = price
            engine.mark(symbol, float(price), event_time_ns=n, sequence=n)
        else:
            symbol, quantity, price, book = step
            ledger.book(fill(n, symbol, quantity, str(price), book))
            engine.hold([ledger.position(book, symbol)])

    by_book, by_symbol = engine.totals()
    gross = engine.gross_exposure()
    engine.remark()
    batch_book, batch_symbol = engine.totals()
    bound = 1e-9 * max(gross, engine.gross_exposure(), 1.0)
    np.testing.assert_allclose(by_book, batch_book, rtol=0, atol=bound)
    np.testing.assert_allclose(by_symbol, batch_symbol, rtol=0, atol=bound)
    assert by_book.sum() == pytest.approx(by_symbol.sum(), abs=bound)
    accounts = [(symbol, position, sums) for _, symbol, position, sums in ledger.accounts()]
    booked = profit_at(accounts, marks, INSTRUMENTS, rates={"EUR": D("1.1")}, base="USD")
    # Each position's value is rounded to a cent in the books.
    assert float(booked) == pytest.approx(by_symbol.sum(), abs=0.011 * len(accounts) + 1e-9)


def test_many_positions_opened_one_by_one_keep_their_places() -> None:
    engine, ledger = PnlEngine(INSTRUMENTS), Ledger(INSTRUMENTS)
    for symbol in ("AAA", "BBB"):
        engine.mark(symbol, 100.0, event_time_ns=1, sequence=1)
    for n in range(60):
        book = Book("Fund", "Core", f"s{n}", "acc")
        ledger.book(fill(n, "AAA" if n % 3 else "BBB", n + 1, "90", book))
        engine.hold(
            ledger.positions()[-1:]
            if n == 0
            else [ledger.position(book, "AAA" if n % 3 else "BBB")]
        )

    taken = engine.snapshot(as_of_ns=2)

    assert {p.name: p.unrealised for p in taken.by_strategy} == {
        f"s{n}": 10.0 * (n + 1) for n in range(60)
    }
