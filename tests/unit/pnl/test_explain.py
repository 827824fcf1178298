"""Tests of `pnl.explain` and `pnl.shortfall`: by hand, by law, by refusal."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument, InstrumentKind, OptionRight, OptionTerms
from basics.trading import Book, Fill
from pnl.currency_books import CurrencyBooksBuilder
from pnl.daily import DailyBooksBuilder
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
from pnl.explain import PARTS, ExplainedSession, Explainer
from pnl.ledger import Ledger, capital_of
from pnl.shortfall import fill_slippage, implementation_shortfall
from pnl.valuation import worth_by_currency

D = Decimal
BOOK = Book("Fund", "Core", "momentum", "acc")
START = date(2022, 1, 3)
OPTION = OptionTerms(underlying="AAA", strike=D(50), expiry=START, right=OptionRight.CALL)
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA"),
    "EEE": Instrument(symbol="EEE", currency="EUR"),
    "FUT": Instrument(symbol="FUT", kind=InstrumentKind.FUTURE, multiplier=D(50)),
    "OPT": Instrument(symbol="OPT", kind=InstrumentKind.OPTION, multiplier=D(100), option=OPTION),
}
RATES = [{"EUR": D("1.10")}, {"EUR": D("1.20")}, {"EUR": D("1.15")}]


def fill(n: str, symbol: str, quantity: str, price: str, **prices: str) -> Fill:
    return Fill(
        venue="SIM", exec_id=n, cl_ord_id="o", book=BOOK, symbol=symbol, quantity=D(quantity),
        price=D(price), fee=D("1"), currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime(2022, 1, 3, tzinfo=UTC),
        **{name: D(value) for name, value in prices.items()},
    )  # fmt: skip


def explain(
    days: Sequence[tuple[Sequence[LedgerEvent], Mapping[str, str]]],
) -> tuple[list[ExplainedSession], list[Decimal]]:
    """Explain each day, and return beside it the profit that the daily books show."""
    ledger, explainer, builder = Ledger(INSTRUMENTS), Explainer(), DailyBooksBuilder()
    found = []
    for i, (events, texts) in enumerate(days):
        marks = {symbol: D(text) for symbol, text in texts.items()}
        booked = [(e, entry) for e in events if (entry := ledger.book(e)) is not None]
        session = START + timedelta(i)
        found.append(explainer.close(session, ledger, booked, marks, RATES[i % 3]))
        builder.close(session, ledger, marks, RATES[i % 3])
    daily = builder.build()
    return found, [daily.money(amount) for amount in daily.pnl.sum(axis=0)]


def parts(session: ExplainedSession) -> dict[str, Decimal]:
    return {name: amount for name, amount in session.parts.items() if amount}


def test_a_trade_is_split_from_decision_to_close_by_hand() -> None:
    trade = fill("1", "AAA", "100", "10.30", decision_price="10.00", arrival_price="10.05",
                 mid_price="10.25")  # fmt: skip
    (first, second), _ = explain([([trade], {"AAA": "11"}), ([], {"AAA": "10.5"})])

    assert parts(first) == {
        "new_trades": D(100), "delay": D(-5), "impact": D(-20), "spread": D(-5), "fees": D(-1),
    }  # fmt: skip
    assert parts(second) == {"price": D(-50)}


def test_what_is_not_known_of_a_trade_counts_for_the_later_step() -> None:
    slippage = fill_slippage(fill("1", "AAA", "-10", "9.9", arrival_price="10"))

    assert (slippage.delay, slippage.impact, slippage.spread) == (D(0), D("1.0"), D(0))


def test_dividends_borrow_interest_and_adjustments_have_their_names() -> None:
    def cash(n: str, kind: CashKind, amount: str, symbol: str | None = None) -> CashMovement:
        return CashMovement(
            event_id=n, book=BOOK, day=START, kind=kind, amount=D(amount), symbol=symbol
        )

    events = [
        Dividend(event_id="d", book=BOOK, symbol="AAA", day=START, per_unit=D("0.5"),
                 withholding=D("0.2")),
        cash("b", CashKind.BORROW, "-3", "AAA"),
        cash("i", CashKind.INTEREST, "7"),
        cash("c", CashKind.CAPITAL, "1000"),
        Adjustment(event_id="a", book=BOOK, day=START, amount=D(-2), currency="USD",
                   reason="wire fee", author="ann", approver="bob"),
    ]  # fmt: skip
    (_, second), _ = explain(
        [([fill("1", "AAA", "100", "10")], {"AAA": "10"}), (events, {"AAA": "10"})]
    )

    assert parts(second) == {"carry": D(47), "borrow": D(-3), "adjustments": D(-2)}


def test_a_split_changes_nothing_but_the_fraction_paid_out() -> None:
    split = Split(event_id="x", book=BOOK, symbol="AAA", day=START, new=3, old=2,
                  fraction_price=D(8))  # fmt: skip
    (_, second), _ = explain(
        [([fill("1", "AAA", "5", "12")], {"AAA": "12"}), ([split], {"AAA": "9"})]
    )

    # 7.5 units from 8 to 9, half a unit paid out at 8 and so not at 9.
    assert parts(second) == {"price": D("7.50"), "corporate_actions": D("-0.50")}


def test_a_foreign_position_earns_price_at_the_closing_rate_and_fx_on_what_it_was_worth() -> None:
    exchange = CurrencyExchange(
        event_id="fx", book=BOOK, day=START,
        sold=D(1100), sold_currency="USD", bought=D(1000), bought_currency="EUR",
    )  # fmt: skip
    (_, second), booked = explain(
        [([exchange, fill("1", "EEE", "10", "50")], {"EEE": "50"}), ([], {"EEE": "60"})]
    )

    # 10 x 10 at 1.20; fx on EUR 999 in all (1000 less the fee of 1) x 0.10.
    assert parts(second) == {"price": D(120), "fx": D("99.90")}
    assert booked[1] == D("219.90")


def test_each_currency_stands_on_its_own_before_any_conversion() -> None:
    exchange = CurrencyExchange(
        event_id="fx", book=BOOK, day=START,
        sold=D(1100), sold_currency="USD", bought=D(1000), bought_currency="EUR",
    )  # fmt: skip
    (first, second), _ = explain(
        [([exchange, fill("1", "EEE", "10", "50")], {"EEE": "51"}), ([], {"EEE": "60"})]
    )

    # A thousand euros came in; ten units bought at 50 close at 51, after a fee of 1.
    assert first.local == {
        "EUR": {"fx": D(1000), "new_trades": D(10), "fees": D(-1)},
        "USD": {"fx": D(-1100)},
    }
    assert second.local == {"EUR": {"price": D(90)}, "USD": {}}


def test_an_option_that_expires_worthless_loses_its_value_by_price() -> None:
    lapse = Settlement(event_id="s", book=BOOK, symbol="OPT", day=START, price=D(0), final=True)
    (_, second), _ = explain([([fill("1", "OPT", "1", "3")], {"OPT": "4"}), ([lapse], {})])

    assert parts(second) == {"price": D(-400)}


def test_an_exercise_turns_the_option_into_its_underlying() -> None:
    exercise = Exercise(event_id="e", book=BOOK, symbol="OPT", day=START, quantity=D(1))
    (_, second), _ = explain(
        [([fill("1", "OPT", "1", "3")], {"OPT": "4"}), ([exercise], {"AAA": "56"})]
    )

    # The option's 400 are gone; 100 units at 50 are worth 56.
    assert parts(second) == {"price": D(-400), "new_trades": D(600)}


def test_a_cancelled_fill_is_a_correction_at_todays_close() -> None:
    cancel = FillCancel(event_id="h", book=BOOK, day=START, venue="SIM", exec_id="1", reason="bust")
    (first, second), _ = explain(
        [([fill("1", "AAA", "10", "10")], {"AAA": "12"}), ([cancel], {"AAA": "13"})]
    )

    # Yesterday's 20 less the fee of 1 are undone; today's 10 never were.
    assert parts(first) == {"new_trades": D(20), "fees": D(-1)}
    assert parts(second) == {"price": D(10), "corrections": D(-29)}


def test_a_position_without_a_mark_is_named() -> None:
    with pytest.raises(MissingDataError, match="no mark for AAA"):
        explain([([fill("1", "AAA", "10", "10")], {})])


QUANTITY = st.sampled_from(["-30", "-7", "3", "10", "25"])
PRICE = st.decimals(D(1), D(500), places=2).map(str)


KINDS = ["fill", "fill", "dividend", "split", "settle", "amend", "pay"]


def draw_event(draw: st.DrawFn, name: str, standing: list[Fill]) -> LedgerEvent | None:
    match draw(st.sampled_from(KINDS)):
        case "fill":
            symbol = draw(st.sampled_from(["AAA", "EEE", "FUT"]))
            prices = {"decision_price": draw(PRICE), "mid_price": draw(PRICE)}
            standing.append(fill(name, symbol, draw(QUANTITY), draw(PRICE), **prices))
            return standing[-1]
        case "dividend":
            return Dividend(
                event_id=name,
                book=BOOK,
                symbol="EEE",
                day=START,
                per_unit=D("0.37"),
                currency="EUR",
            )
        case "split":
            return Split(
                event_id=name, book=BOOK, symbol="AAA", day=START, new=3, old=2,
                fraction_price=D("11.11"),
            )  # fmt: skip
        case "settle":
            price = D(draw(PRICE))
            return Settlement(event_id=name, book=BOOK, symbol="FUT", day=START, price=price)
        case "pay":
            return CashMovement(
                event_id=name, book=BOOK, day=START, currency="EUR", kind=CashKind.CAPITAL,
                amount=D(draw(PRICE)),
            )  # fmt: skip
    return draw_amendment(draw, name, standing)


def draw_amendment(draw: st.DrawFn, name: str, standing: list[Fill]) -> LedgerEvent | None:
    if not standing:
        return None
    old = standing.pop(0)
    if draw(st.booleans()):
        return FillCancel(
            event_id=name, book=BOOK, day=START, venue="SIM", exec_id=old.exec_id, reason="bust"
        )
    better = fill(old.exec_id, old.symbol, draw(QUANTITY), draw(PRICE))
    return FillCorrection(event_id=name, day=START, fill=better, reason="terms")


@st.composite
def days(draw: st.DrawFn) -> list[tuple[list[LedgerEvent], dict[str, str]]]:
    standing: list[Fill] = []
    found = []
    for i in range(draw(st.integers(1, 5))):
        drawn = [draw_event(draw, f"{i}-{n}", standing) for n in range(draw(st.integers(0, 5)))]
        marks = {symbol: draw(PRICE) for symbol in ("AAA", "EEE", "FUT")}
        found.append(([event for event in drawn if event is not None], marks))
    return found


@settings(max_examples=80, deadline=None)
@given(days())
def test_parts_sum_to_the_booked_profit_and_rounding_stays_within_cents(
    history: list[tuple[list[LedgerEvent], dict[str, str]]],
) -> None:
    explained, booked = explain(history)

    assert [session.total for session in explained] == booked
    for session, (events, _) in zip(explained, history, strict=True):
        assert set(session.parts) == set(PARTS)
        # At most about a cent for each event and part of each of four positions; a correction
        # rounds once more for every event behind it.
        bound = D("0.015") * (4 * len(PARTS) + 4 * sum(len(e) for e, _ in history) + len(events))
        assert abs(session.parts["rounding"]) <= bound


@settings(max_examples=60, deadline=None)
@given(days())
def test_parts_of_each_currency_sum_to_the_change_of_what_is_held_in_it(
    history: list[tuple[list[LedgerEvent], dict[str, str]]],
) -> None:
    ledger, explainer, by_currency = Ledger(INSTRUMENTS), Explainer(), CurrencyBooksBuilder()
    builder = DailyBooksBuilder()
    held: dict[str, D] = {}
    for i, (events, texts) in enumerate(history):
        marks = {symbol: D(text) for symbol, text in texts.items()}
        booked = [(e, entry) for e in events if (entry := ledger.book(e)) is not None]
        session = START + timedelta(i)
        found = explainer.close(session, ledger, booked, marks, RATES[i % 3])
        by_currency.close(session, ledger, booked, marks, RATES[i % 3])
        builder.close(session, ledger, marks, RATES[i % 3])
        now: dict[str, D] = {}
        for _, symbol, position, balances in ledger.accounts():
            instrument = None if symbol is None else INSTRUMENTS[symbol]
            for name, amount in worth_by_currency(position, balances, marks, instrument).items():
                now[name] = now.get(name, D(0)) + amount
        paid: dict[str, D] = {}
        for own in capital_of(booked).values():
            for name, amount in own.items():
                paid[name] = paid.get(name, D(0)) + amount
        for name in {*now, *held, *found.local}:
            change = now.get(name, D(0)) - held.get(name, D(0)) - paid.get(name, D(0))
            assert sum(found.local.get(name, {}).values(), D(0)) == change
        held = now
    books, daily = by_currency.build(), builder.build()
    assert books.pnl.sum(axis=0).tolist() == daily.pnl.sum(axis=0).tolist()
    assert books.equity.sum(axis=0).tolist() == daily.equity.tolist()
    assert books.flows.sum(axis=0).tolist() == daily.flows.tolist()


def test_implementation_shortfall_by_hand() -> None:
    # Decided to buy 100 at 10.00; arrived at 10.10; 60 filled at 10.30 around a mid of 10.25.
    filled = fill("1", "AAA", "60", "10.30", arrival_price="10.10", mid_price="10.25")

    cost = implementation_shortfall(
        [filled], quantity=D(100), decision_price=D(10), end_price=D("10.50")
    )

    assert cost.slippage.delay == D("6.00")
    assert cost.slippage.impact == D("9.00")
    assert cost.slippage.spread == D("3.00")
    assert cost.opportunity == D("20.00")
    assert cost.fees == D(1)
    # Paper: 100 x 0.50; real: 60 x (10.50 - 10.30) - 1.
    assert cost.total == D(50) - (60 * D("0.20") - 1)


def test_more_filled_than_ordered_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="60 was filled of an order for 50"):
        implementation_shortfall(
            [fill("1", "AAA", "60", "10")], quantity=D(50), decision_price=D(10), end_price=D(10)
        )
