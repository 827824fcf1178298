"""Tests of `pnl.engine`: streaming equals batch, ticks are judged, sums agree with the ledger."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Fill, Lineage
from pnl.engine import PnlEngine
from pnl.events import FillCorrection, Settlement, Split
from pnl.ledger import Ledger
from pnl.standing_fills import standing_fills
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
    """Return fill `n`: two to an order and an hour, three versions, two arms."""
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id=f"o{n // 2}", book=book, symbol=symbol,
        fee=D("0.50"), quantity=D(quantity), price=D(price),
        currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime(2022, 1, 3, 14 + n // 2 % 7, tzinfo=UTC),
        lineage=Lineage(model_version=f"v{n % 3}", arm=f"arm {n % 2}"),
    )  # fmt: skip


def engine_of(*fills: Fill) -> PnlEngine:
    ledger = Ledger(INSTRUMENTS)
    ledger.book_all(fills)
    engine = PnlEngine(INSTRUMENTS)
    engine.hold(ledger.positions(flat=True))
    engine.trade(fills)
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
    # Bought: 10 x (120 - 100); sold: 4 x (110 - 120) and 5 x (40 - 38); each fee on its own fill.
    assert {part.name: (part.pnl, part.fees) for part in taken.by_fill["side"]} == {
        "buy": (199.5, 0.5),
        "sell": (-31.0, 1.0),
    }
    assert {part.name: part.pnl for part in taken.by_fill["order"]} == {"o0": 199.5, "o1": -31.0}
    assert taken.beside_fills == 0.0


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


def test_what_is_not_held_any_more_is_not_stale() -> None:
    engine = engine_of(fill(1, "AAA", 1, "100"), fill(2, "AAA", -1, "100"))
    engine.mark("AAA", 100.0, event_time_ns=0, sequence=1)

    taken = engine.snapshot(as_of_ns=10_000 * SECOND)

    assert taken.stale == ()
    assert [part.name for part in taken.by_symbol] == ["AAA"]  # What it earned stays.


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
            traded = fill(n, symbol, quantity, str(price), book)
            ledger.book(traded)
            engine.hold([ledger.position(book, symbol)])
            engine.trade([traded])

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


def in_one_go(fills: list[Fill], marks: dict[str, D]) -> PnlEngine:
    """Return an engine that was given the whole day at once."""
    engine = engine_of(*fills)
    engine.set_rate("EUR", 1.1)
    for symbol, price in marks.items():
        engine.mark(symbol, float(price), event_time_ns=1, sequence=1)
    return engine


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_every_attribution_tick_by_tick_equals_the_day_in_one_go(steps: list[tuple]) -> None:
    ledger, engine = Ledger(INSTRUMENTS), PnlEngine(INSTRUMENTS)
    engine.set_rate("EUR", 1.1)
    marks, fills = dict.fromkeys(INSTRUMENTS, D(100)), []
    for symbol in INSTRUMENTS:
        engine.mark(symbol, 100.0, event_time_ns=0, sequence=0)
    for n, step in enumerate(steps, start=1):
        if len(step) == 2:
            symbol, marks[symbol] = step
            engine.mark(symbol, float(marks[symbol]), event_time_ns=n, sequence=n)
        else:
            symbol, quantity, price, book = step
            fills.append(fill(n, symbol, quantity, str(price), book))
            ledger.book(fills[-1])
            engine.hold([ledger.position(book, symbol)])
            engine.trade(fills[-1:])
    streamed, (books, symbols) = engine.attributions(), engine.totals()

    whole = in_one_go(fills, marks)

    gross = max(engine.gross_exposure(), whole.gross_exposure(), 1.0)
    sums = whole.snapshot(as_of_ns=2)
    for by, parts in sums.by_fill.items():
        assert {p.name: p.pnl for p in parts} == pytest.approx(streamed[by], abs=1e-9 * gross)
        # Each key splits the whole: what the fills earned, and nothing else did.
        assert sum(p.pnl for p in parts) == pytest.approx(sums.total.pnl, abs=1e-7 * gross)
    by_symbol = {p.name: p.pnl for p in sums.by_symbol}
    for symbol, row in engine.number.items():
        assert by_symbol.get(symbol, 0.0) == pytest.approx(symbols[row], abs=1e-9 * gross)
    assert sums.total.pnl == pytest.approx(symbols.sum(), abs=1e-9 * gross)
    assert sum(p.pnl for p in sums.by_strategy) == pytest.approx(books.sum(), abs=1e-9 * gross)
    taken = engine.snapshot(as_of_ns=2)
    assert {p.name: p.pnl for p in taken.by_sector} == pytest.approx(
        {p.name: p.pnl for p in sums.by_sector}, abs=1e-9 * gross
    )
    for streamed_parts, parts in (
        (taken.by_strategy, sums.by_strategy),
        (taken.by_currency, sums.by_currency),
    ):
        assert {p.name: p.pnl for p in streamed_parts} == pytest.approx(
            {p.name: p.pnl for p in parts}, abs=1e-9 * gross
        )


def test_orders_asked_for_later_are_those_of_the_moment() -> None:
    engine = engine_of(fill(1, "AAA", 10, "100"))
    engine.mark("AAA", 110.0, event_time_ns=1, sequence=1)
    before = engine.snapshot(as_of_ns=2)

    engine.trade([fill(0, "AAA", 10, "100"), fill(2, "BBB", 1, "40")])  # Of o0 too, and of o1.
    engine.mark("AAA", 200.0, event_time_ns=3, sequence=2)
    engine.mark("BBB", 50.0, event_time_ns=3, sequence=1)
    after = engine.snapshot(as_of_ns=4)

    assert {p.name: (p.pnl, p.fees) for p in before.by_fill["order"]} == {"o0": (99.5, 0.5)}
    assert {p.name: (p.pnl, p.fees) for p in after.by_fill["order"]} == {
        "o0": (1999.0, 1.0),
        "o1": (9.5, 0.5),
    }
    assert engine.attributions()["order"] == {"o0": 1999.0, "o1": 9.5}


def test_no_array_that_a_tick_touches_grows_with_the_orders() -> None:
    few = engine_of(fill(1, "AAA", 1, "100"))
    many = engine_of(*(fill(n, "AAA", 1, "100") for n in range(1, 401)))

    assert len(many.attributions()["order"]) == 201
    # Three versions, two arms, one side and seven hours: what there is of each, and no more.
    rows = [int(engine._shares.table.held.sum()) for engine in (few, many)]
    assert rows == [4, 3 + 2 + 1 + 7]


def test_corrections_splits_and_settlements_are_credited_anew() -> None:
    bought, future = fill(1, "AAA", 10, "100"), fill(2, "FUT", 2, "50")
    day = datetime(2022, 1, 4, tzinfo=UTC).date()
    corrected = replace(fill(1, "AAA", 10, "90"), exec_id="1")
    events = [
        bought,
        future,
        FillCorrection(event_id="c", fill=corrected, day=day, reason="price"),
        Split(event_id="s", book=BOOKS[0], symbol="AAA", new=2, old=1, day=day),
        Settlement(
            event_id="f", book=BOOKS[0], symbol="FUT", price=D(60), final=True, day=day
        ),
    ]  # fmt: skip
    ledger, engine = Ledger(INSTRUMENTS), engine_of(bought, future)
    ledger.book_all(events)

    engine.hold(ledger.positions(flat=True))
    engine.retrade(standing_fills(events, INSTRUMENTS))
    engine.mark("AAA", 48.0, event_time_ns=1, sequence=1)
    engine.mark("FUT", 1.0, event_time_ns=1, sequence=1)

    taken = engine.snapshot(as_of_ns=2)
    # 20 at 45 after the split, marked at 48; two futures of 50 settled at 60, from 50.
    assert {p.name: p.pnl for p in taken.by_fill["order"]} == {"o0": 59.5, "o1": 999.5}
    assert taken.beside_fills == pytest.approx(0.0)


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
