"""Tests of `pnl.ledger`: by hand, by law over random histories, and by refusal."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import ConflictError, InvalidInputError, MissingDataError, RefusedError
from basics.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    OptionTerms,
)
from basics.trading import Book, Fill
from pnl.events import (
    Adjustment,
    CashKind,
    CashMovement,
    CurrencyExchange,
    Dividend,
    Exercise,
    FillCancel,
    FillCorrection,
    LedgerEvent,
    Settlement,
    Split,
)
from pnl.ledger import Ledger
from pnl.lots import CostMethod, Lot
from pnl.postings import Account, Entry, trial_balance

D = Decimal
BOOK = Book("Fund", "Core", "momentum", "acc-1")
DAY = date(2022, 3, 1)
OPTION = OptionTerms(
    underlying="AAA", strike=D(50), expiry=date(2022, 6, 17), right=OptionRight.CALL
)
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA"),
    "BBB": Instrument(symbol="BBB", currency="EUR"),
    "FUT": Instrument(symbol="FUT", kind=InstrumentKind.FUTURE, multiplier=D(50)),
    "OPT": Instrument(symbol="OPT", kind=InstrumentKind.OPTION, multiplier=D(100), option=OPTION),
}


def fill(exec_id: str, quantity: str, price: str, *, symbol: str = "AAA", fee: str = "0") -> Fill:
    return Fill(
        venue="SIM",
        exec_id=exec_id,
        cl_ord_id=f"order-{exec_id}",
        book=BOOK,
        symbol=symbol,
        quantity=D(quantity),
        price=D(price),
        fee=D(fee),
        currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime(2022, 3, 1, 15, tzinfo=UTC),
    )


def ledger_of(events: Sequence[LedgerEvent], method: CostMethod = CostMethod.FIFO) -> Ledger:
    ledger = Ledger(INSTRUMENTS, method=method)
    ledger.book_all(events)
    return ledger


def amounts(entry: Entry | None) -> dict[str, Decimal]:
    assert entry is not None
    return {posting.account.value: posting.amount for posting in entry.postings}


BUY_BUY_SELL = [fill("1", "100", "10"), fill("2", "100", "12"), fill("3", "-150", "15")]


@pytest.mark.parametrize(
    ("method", "realised", "cost_left"),
    [
        # FIFO sells 100 at 10 and 50 at 12: 2250 - 1600; 50 at 12 are left.
        (CostMethod.FIFO, "650", "600"),
        # LIFO sells 100 at 12 and 50 at 10: 2250 - 1700; 50 at 10 are left.
        (CostMethod.LIFO, "550", "500"),
        # Average cost is 11: 2250 - 1650; 50 at 11 are left.
        (CostMethod.AVERAGE, "600", "550"),
    ],
)
def test_a_sale_realises_by_the_method_of_cost(
    method: CostMethod, realised: str, cost_left: str
) -> None:
    position = ledger_of(BUY_BUY_SELL, method).position(BOOK, "AAA")

    assert position.quantity == 50
    assert position.realised == D(realised)
    assert position.cost == D(cost_left)


def test_a_purchase_posts_cash_inventory_and_fee() -> None:
    entry = Ledger(INSTRUMENTS).book(fill("1", "100", "10.00", fee="1.25"))

    assert amounts(entry) == {"cash": D("-1001.25"), "inventory": D(1000), "fees": D("1.25")}


def test_a_short_gains_when_it_is_covered_lower() -> None:
    ledger = ledger_of([fill("1", "-100", "20"), fill("2", "100", "15")])

    position = ledger.position(BOOK, "AAA")

    assert (position.quantity, position.cost, position.realised) == (0, 0, D(500))
    assert ledger.cash() == {"USD": D(500)}


def test_a_trade_across_zero_closes_the_old_side_and_opens_the_new() -> None:
    ledger = ledger_of([fill("1", "100", "10")])

    entry = ledger.book(fill("2", "-250", "12"))

    # 100 sold for 1200 that cost 1000; 150 sold short for 1800.
    assert amounts(entry) == {"cash": D(3000), "inventory": D(-2800), "realised": D(-200)}
    assert ledger.position(BOOK, "AAA").lots == (Lot(D(-150), D(-1800)),)


def test_parts_of_a_lot_leave_no_cent_behind() -> None:
    events = [fill("1", "3", "3.3333"), *(fill(f"s{i}", "-1", "4") for i in range(3))]
    ledger = Ledger(INSTRUMENTS)
    entries = ledger.book_all(events)

    # 3 units cost 10.00: taken as 3.33, then half of 6.67 half to even, then the rest.
    taken = [-amounts(entry)["inventory"] for entry in entries[1:]]
    assert taken == [D("3.33"), D("3.34"), D("3.33")]
    assert ledger.position(BOOK, "AAA").cost == 0


def test_a_future_moves_only_its_gain_in_cash() -> None:
    ledger = ledger_of([fill("1", "2", "4000", symbol="FUT", fee="4")])
    assert ledger.cash() == {"USD": D(-4)}

    ledger.book(Settlement(event_id="s1", book=BOOK, symbol="FUT", day=DAY, price=D(4010)))
    assert ledger.cash() == {"USD": D(-4 + 2 * 50 * 10)}

    ledger.book(fill("2", "-2", "3990", symbol="FUT"))
    # From the settlement at 4010, not from the entry: -20 points x 50 x 2.
    assert ledger.cash() == {"USD": D(-4 + 1000 - 2000)}
    assert ledger.position(BOOK, "FUT").realised == D(-1000)


def test_a_dividend_pays_the_long_net_of_tax_and_charges_the_short() -> None:
    dividend = Dividend(
        event_id="d1", book=BOOK, symbol="AAA", day=DAY, per_unit=D("0.50"), withholding=D("0.15")
    )

    long = ledger_of([fill("1", "100", "10")]).book(dividend)
    short = ledger_of([fill("1", "-100", "10")]).book(dividend)

    assert amounts(long) == {"cash": D("42.50"), "dividends": D("-50.00"), "taxes": D("7.50")}
    assert amounts(short) == {"cash": D("-50.00"), "dividends": D("50.00")}


def test_a_split_keeps_cost_and_pays_out_the_fraction() -> None:
    ledger = ledger_of([fill("1", "25", "10")])

    split = Split(
        event_id="x", book=BOOK, symbol="AAA", day=DAY, new=1, old=2, fraction_price=D(20)
    )
    entry = ledger.book(split)

    # 12.5 units at 250: half a unit is paid out at 20, and cost 10.
    assert amounts(entry) == {"cash": D(10), "inventory": D(-10)}
    assert ledger.position(BOOK, "AAA").quantity == 12
    assert ledger.position(BOOK, "AAA").average_price == D(20)


def test_a_split_that_leaves_a_fraction_needs_its_price_and_books_nothing_without() -> None:
    ledger = ledger_of([fill("1", "25", "10")])

    with pytest.raises(InvalidInputError, match="give fraction_price"):
        ledger.book(Split(event_id="x", book=BOOK, symbol="AAA", day=DAY, new=1, old=2))

    assert ledger.position(BOOK, "AAA").quantity == 25
    assert "x" not in ledger


def test_an_exercised_call_turns_into_the_underlying_at_the_strike() -> None:
    ledger = ledger_of([fill("1", "2", "3.00", symbol="OPT")])

    ledger.book(Exercise(event_id="e", book=BOOK, symbol="OPT", day=DAY, quantity=D(2)))

    assert ledger.position(BOOK, "OPT").realised == D(-600)
    assert ledger.position(BOOK, "AAA").lots == (Lot(D(200), D(10000)),)


def test_an_assigned_call_delivers_the_underlying() -> None:
    ledger = ledger_of([fill("1", "-1", "3.00", symbol="OPT")])

    ledger.book(Exercise(event_id="e", book=BOOK, symbol="OPT", day=DAY, quantity=D(1)))

    assert ledger.position(BOOK, "OPT").realised == D(300)
    assert ledger.position(BOOK, "AAA").lots == (Lot(D(-100), D(-5000)),)


def test_an_option_that_lapses_loses_its_premium() -> None:
    ledger = ledger_of([fill("1", "1", "3.00", symbol="OPT")])

    ledger.book(Settlement(event_id="s", book=BOOK, symbol="OPT", day=DAY, price=D(0), final=True))

    assert ledger.position(BOOK, "OPT").quantity == 0
    assert ledger.position(BOOK, "OPT").realised == D(-300)


def test_more_contracts_than_held_cannot_be_exercised() -> None:
    ledger = ledger_of([fill("1", "1", "3.00", symbol="OPT")])

    with pytest.raises(ConflictError, match="exercises 2 of 1 held"):
        ledger.book(Exercise(event_id="e", book=BOOK, symbol="OPT", day=DAY, quantity=D(2)))


def test_an_exchange_of_currencies_balances_in_each() -> None:
    exchange = CurrencyExchange(
        event_id="fx", book=BOOK, day=DAY,
        sold=D(1100), sold_currency="USD", bought=D(1000), bought_currency="EUR",
    )  # fmt: skip
    ledger = Ledger(INSTRUMENTS)
    entry = ledger.book(exchange)

    assert entry is not None
    assert trial_balance([entry]).by_currency == {"USD": 0, "EUR": 0}
    assert ledger.cash() == {"EUR": D(1000), "USD": D(-1100)}


def test_the_same_fill_is_booked_once() -> None:
    ledger = ledger_of([fill("1", "100", "10")])

    assert ledger.book(fill("1", "100", "10")) is None
    assert ledger.position(BOOK, "AAA").quantity == 100


def test_a_fill_that_comes_again_with_other_terms_is_refused() -> None:
    ledger = ledger_of([fill("1", "100", "10")])

    with pytest.raises(ConflictError, match="send a correction"):
        ledger.book(fill("1", "100", "11"))


def test_a_cancelled_fill_takes_back_what_later_trades_realised_on_it() -> None:
    ledger = ledger_of(BUY_BUY_SELL)

    cancel = FillCancel(
        event_id="h1", book=BOOK, day=DAY, venue="SIM", exec_id="1", reason="venue bust"
    )
    entry = ledger.book(cancel)

    # Without the first purchase the sale of 150 closes 100 bought at 12 and shorts 50 at 15.
    position = ledger.position(BOOK, "AAA")
    assert (position.quantity, position.realised, position.cost) == (-50, D(300), D(-750))
    assert amounts(entry) == {
        "cash": D(1000), "inventory": D(-750 - 600), "realised": D(650 - 300),
    }  # fmt: skip


def test_a_corrected_fill_equals_a_history_that_was_right_at_once() -> None:
    corrected = fill("1", "100", "9.50", fee="2")
    ledger = ledger_of(BUY_BUY_SELL)
    ledger.book(FillCorrection(event_id="g1", day=DAY, fill=corrected, reason="price"))

    right = ledger_of([corrected, *BUY_BUY_SELL[1:]])

    assert ledger.positions() == right.positions()
    assert ledger.balances() == right.balances()
    assert list(ledger.fills()) == [corrected, *BUY_BUY_SELL[1:]]


def test_a_correction_of_an_unknown_fill_is_refused() -> None:
    with pytest.raises(ConflictError, match="is not booked"):
        Ledger(INSTRUMENTS).book(
            FillCorrection(event_id="g", day=DAY, fill=fill("9", "1", "1"), reason="")
        )


def test_an_adjustment_needs_a_second_person() -> None:
    with pytest.raises(RefusedError, match="needs a second person"):
        Adjustment(
            event_id="a", book=BOOK, day=DAY, amount=D(5), currency="USD",
            reason="fee refund", author="ann", approver="ann",
        )  # fmt: skip


def test_an_unknown_instrument_is_named() -> None:
    unknown = fill("1", "1", "1")
    ledger = Ledger({})

    with pytest.raises(MissingDataError, match="unknown instrument 'AAA'"):
        ledger.book(unknown)
    assert ledger.sequence == 0


def test_a_negative_price_is_refused_except_for_a_future() -> None:
    ledger = Ledger(INSTRUMENTS)

    with pytest.raises(InvalidInputError, match="price of -1 is negative"):
        ledger.book(fill("1", "1", "-1"))
    assert ledger.book(fill("2", "1", "-37.63", symbol="FUT")) is not None


def test_a_fill_in_another_currency_than_its_instrument_is_refused() -> None:
    wrong = fill("1", "1", "1", symbol="BBB")

    with pytest.raises(InvalidInputError, match="trades in USD, not EUR"):
        Ledger({"BBB": Instrument(symbol="BBB")}).book(wrong)


QUANTITIES = st.sampled_from([D(-30), D(-7), D("-0.5"), D("0.5"), D(3), D(10), D(25)])
PRICES = st.decimals(D("0.01"), D(500), places=2)


@st.composite
def histories(draw: st.DrawFn) -> list[LedgerEvent]:
    """Random trades, dividends, splits, payments, corrections and cancels."""
    events: list[LedgerEvent] = []
    open_fills: dict[str, Fill] = {}
    for i in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["fill"] * 6 + ["dividend", "split", "cash", "amend"]))
        match kind:
            case "fill":
                symbol = draw(st.sampled_from(["AAA", "BBB", "FUT"]))
                one = fill(
                    str(i), str(draw(QUANTITIES)), str(draw(PRICES)), symbol=symbol, fee="0.35"
                )
                open_fills[one.exec_id] = one
                events.append(one)
            case "dividend":
                events.append(
                    Dividend(event_id=f"d{i}", book=BOOK, symbol="AAA", day=DAY, per_unit=D("0.37"))
                )
            case "split":
                events.append(
                    Split(event_id=f"x{i}", book=BOOK, symbol="AAA", day=DAY, new=3, old=2,
                          fraction_price=D("11.11"))
                )  # fmt: skip
            case "cash":
                events.append(
                    CashMovement(event_id=f"c{i}", book=BOOK, day=DAY, kind=CashKind.CAPITAL,
                                 amount=draw(PRICES))
                )  # fmt: skip
            case "amend" if open_fills:
                one = open_fills.pop(draw(st.sampled_from(sorted(open_fills))))
                if draw(st.booleans()):
                    events.append(FillCancel(event_id=f"h{i}", book=BOOK, day=DAY, venue="SIM",
                                             exec_id=one.exec_id, reason=one.symbol))  # fmt: skip
                else:
                    better = fill(
                        one.exec_id, str(draw(QUANTITIES)), str(draw(PRICES)), symbol=one.symbol
                    )
                    events.append(
                        FillCorrection(event_id=f"g{i}", day=DAY, fill=better, reason="terms")
                    )
    return events


def about_the_future(event: LedgerEvent) -> bool:
    if isinstance(event, FillCancel):
        return event.reason == "FUT"
    traded = event.fill if isinstance(event, FillCorrection) else event
    return getattr(traded, "symbol", None) == "FUT"


@settings(max_examples=60, deadline=None)
@given(histories(), st.sampled_from(list(CostMethod)))
def test_every_entry_balances_and_entries_sum_to_the_books(
    events: list[LedgerEvent], method: CostMethod
) -> None:
    ledger = Ledger(INSTRUMENTS, method=method)
    entries = ledger.book_all(events)

    assert all(trial_balance([entry]).balances for entry in entries)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    posted = trial_balance(entries).amounts
    assert {k: v for k, v in posted.items() if v} == {
        k: v for k, v in ledger.balances().items() if v
    }


@settings(max_examples=60, deadline=None)
@given(histories(), st.sampled_from(list(CostMethod)))
def test_books_folded_again_from_the_fills_in_effect_equal_the_incremental_ones(
    events: list[LedgerEvent], method: CostMethod
) -> None:
    incremental = Ledger(INSTRUMENTS, method=method)
    incremental.book_all(events)
    standing = {f.exec_id: f for f in incremental.fills()}

    rebuilt = Ledger(INSTRUMENTS, method=method)
    for event in events:
        if isinstance(event, Fill):
            if event.exec_id in standing:
                rebuilt.book(standing[event.exec_id])
        elif not isinstance(event, FillCorrection | FillCancel):
            rebuilt.book(event)

    assert rebuilt.positions() == incremental.positions()
    assert {k: v for k, v in rebuilt.balances().items() if v} == {
        k: v for k, v in incremental.balances().items() if v
    }


@settings(max_examples=60, deadline=None)
@given(histories(), st.sampled_from(list(CostMethod)))
def test_booking_everything_twice_changes_nothing(
    events: list[LedgerEvent], method: CostMethod
) -> None:
    ledger = Ledger(INSTRUMENTS, method=method)
    ledger.book_all(events)
    before = ledger.positions(flat=True), ledger.balances(), ledger.sequence

    assert ledger.book_all(events) == []
    assert (ledger.positions(flat=True), ledger.balances(), ledger.sequence) == before


@settings(max_examples=60, deadline=None)
@given(histories())
def test_the_method_of_cost_moves_profit_in_time_but_never_cash(events: list[LedgerEvent]) -> None:
    # A future's cash is its realised gain, which follows the method: it is left out.
    paid_in_full = [event for event in events if not about_the_future(event)]
    books = [Ledger(INSTRUMENTS, method=method) for method in CostMethod]
    for ledger in books:
        ledger.book_all(paid_in_full)

    assert books[0].cash() == books[1].cash() == books[2].cash()
    totals = [
        sum((position.realised - position.cost for position in b.positions(flat=True)), D(0))
        for b in books
    ]
    assert totals[0] == totals[1] == totals[2]


def test_inventory_is_the_cost_of_open_positions() -> None:
    ledger = ledger_of([*BUY_BUY_SELL, fill("4", "-9", "33.33", symbol="BBB")])

    balances = ledger.balances()

    assert balances[(Account.INVENTORY, "USD")] == ledger.position(BOOK, "AAA").cost
    assert balances[(Account.INVENTORY, "EUR")] == ledger.position(BOOK, "BBB").cost
