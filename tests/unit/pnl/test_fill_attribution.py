"""Tests of `pnl.fill_attribution` and `pnl.attribution_test`."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument, InstrumentKind, OptionRight, OptionTerms
from basics.trading import Book, Fill, Lineage
from pnl.attribution_test import Zone, attribution_test
from pnl.daily import DailyBooksBuilder
from pnl.events import (
    CashKind,
    CashMovement,
    Dividend,
    Exercise,
    FillCorrection,
    LedgerEvent,
    Split,
)
from pnl.fill_attribution import FILL_KEYS, ClosingPrices, by_fill
from pnl.ledger import Ledger
from pnl.standing_fills import standing_fills

D = Decimal
BOOK = Book("Fund", "Core", "momentum", "acc")
DAY = date(2022, 1, 3)
INSTRUMENTS = {"AAA": Instrument(symbol="AAA"), "BBB": Instrument(symbol="BBB")}
PAID = CashMovement(event_id="p", book=BOOK, day=DAY, kind=CashKind.CAPITAL, amount=D(10_000))


def fill(n: int, symbol: str, quantity: int, price: str, *, version: str | None = "1") -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id=f"order-{n}", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), fee=D("0.50"),
        executed_at=datetime(2022, 1, 3, 14 + n % 3, tzinfo=UTC),
        lineage=Lineage(model_version=version, arm="champion"),
    )  # fmt: skip


def split_by(events: list[LedgerEvent], marks: dict[str, Decimal], by: str):  # type: ignore[no-untyped-def]
    ledger, builder = Ledger(INSTRUMENTS), DailyBooksBuilder()
    ledger.book_all(events)
    builder.close(DAY, ledger, marks)
    return by_fill(builder.build(), events, ClosingPrices(marks), INSTRUMENTS, by=by)


def test_two_model_versions_share_a_position_by_hand() -> None:
    events = [
        PAID,
        fill(1, "AAA", 10, "100", version="1"),
        fill(2, "AAA", -4, "110", version="2"),
        fill(3, "BBB", 5, "20", version=None),
    ]
    split = split_by(events, {"AAA": D(105), "BBB": D(21)}, "model_version")

    # Version 1 bought 10 at 100, now 105; version 2 sold 4 at 110, now 105.
    assert {p.name: p.pnl for p in split.parts} == {
        "1": D("49.50"), "2": D("19.50"), "(unknown)": D("4.50"),
    }  # fmt: skip
    assert split.residual == 0
    assert split.total == D("73.50")


def test_dividends_belong_to_no_fill() -> None:
    dividend = Dividend(event_id="d", book=BOOK, symbol="AAA", day=DAY, per_unit=D(1))
    split = split_by([PAID, fill(1, "AAA", 10, "100"), dividend], {"AAA": D(100)}, "side")

    assert [(p.name, p.pnl) for p in split.parts] == [("buy", D("-0.50"))]
    assert split.residual == D(10)


def test_a_fill_before_a_split_is_measured_in_new_units() -> None:
    change = Split(event_id="x", book=BOOK, symbol="AAA", day=DAY, new=2, old=1)
    split = split_by([PAID, fill(1, "AAA", 10, "100"), change], {"AAA": D(51)}, "order")

    assert [(p.name, p.pnl) for p in split.parts] == [("order-1", D("19.50"))]


def test_a_fill_corrected_after_a_split_is_split_as_the_books_split_it() -> None:
    bought, change = (
        fill(1, "AAA", 10, "100"),
        Split(event_id="x", book=BOOK, symbol="AAA", day=DAY, new=2, old=1),
    )
    right = FillCorrection(
        event_id="c", day=DAY, fill=fill(1, "AAA", 10, "90"), reason="wrong price"
    )

    split = split_by([PAID, bought, change, right], {"AAA": D(51)}, "order")

    # 20 at 45 after the split, marked at 51, less the fee.
    assert [(p.name, p.pnl) for p in split.parts] == [("order-1", D("119.50"))]
    assert split.residual == 0


def test_a_part_of_an_option_that_is_exercised_goes_on_as_its_underlying() -> None:
    terms = OptionTerms(underlying="AAA", strike=D(100), expiry=DAY, right=OptionRight.PUT)
    put = Instrument(symbol="PUT", kind=InstrumentKind.OPTION, multiplier=D(100), option=terms)
    instruments = {**INSTRUMENTS, "PUT": put}
    events: list[LedgerEvent] = [
        PAID,
        fill(1, "PUT", 4, "5"),
        fill(2, "PUT", -1, "6"),
        Exercise(event_id="e", book=BOOK, symbol="PUT", day=DAY, quantity=D(2)),
    ]

    standing = standing_fills(events, instruments)

    # Two of three contracts sell 200 shares at 100: four thirds of them for what was bought.
    open_contracts = [one for one in standing if one.fill.symbol == "PUT" and not one.closed_at]
    delivered = [one for one in standing if one.fill.symbol == "AAA"]
    assert sum(one.quantity for one in open_contracts if one.closed_at is None) == pytest.approx(1)
    assert sum(one.quantity for one in delivered) == pytest.approx(-200)
    assert {one.price for one in delivered} == {D(100)}
    assert sum(one.fill.fee for one in standing) == D("1.00")
    with pytest.raises(MissingDataError, match="no terms of 'PUT'"):
        standing_fills(events, INSTRUMENTS)


def test_a_fraction_paid_out_by_a_split_leaves_the_fills_in_proportion() -> None:
    change = Split(
        event_id="x", book=BOOK, symbol="AAA", day=DAY, new=3, old=2, fraction_price=D(70)
    )
    split = split_by(
        [PAID, fill(1, "AAA", 3, "90"), fill(2, "AAA", 2, "105"), change], {"AAA": D(80)}, "order"
    )

    # 4.5 at 60 and 3 at 70; half a share of 7.5 is paid at 70, the rest marked at 80.
    assert {p.name: p.pnl for p in split.parts} == {
        "order-1": D("86.50"), "order-2": D("27.50"),
    }  # fmt: skip
    assert split.residual == 0


TRADES = st.lists(
    st.tuples(
        st.sampled_from(["AAA", "BBB"]),
        st.integers(-20, 20).filter(bool),
        st.decimals(D(1), D(200), places=2),
        st.sampled_from(["1", "2", None]),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(TRADES, st.sampled_from(list(FILL_KEYS)))
def test_fills_alone_sum_to_the_booked_profit(
    trades: list[tuple[str, int, Decimal, str | None]], by: str
) -> None:
    events: list[LedgerEvent] = [PAID]
    events += [fill(n, s, q, str(p), version=v) for n, (s, q, p, v) in enumerate(trades)]

    split = split_by(events, {"AAA": D("99.99"), "BBB": D("50.01")}, by)

    # Prices and marks have two decimals, so there are no cents to round.
    assert split.residual == 0
    assert sum((part.pnl for part in split.parts), D(0)) == split.total


NEXT = date(2022, 1, 4)


@settings(max_examples=30, deadline=None)
@given(TRADES, st.integers(0, 20), st.sampled_from(list(FILL_KEYS)))
def test_two_ranges_sum_to_the_whole(
    trades: list[tuple[str, int, Decimal, str | None]], early: int, by: str
) -> None:
    fills = [fill(n, s, q, str(p), version=v) for n, (s, q, p, v) in enumerate(trades)]
    before: list[LedgerEvent] = [PAID, *fills[:early]]
    opening, closing = (
        {"AAA": D("99.99"), "BBB": D("50.01")},
        {"AAA": D("97.10"), "BBB": D("52.2")},
    )
    ledger, builder = Ledger(INSTRUMENTS), DailyBooksBuilder()
    for day, events, marks in ((DAY, before, opening), (NEXT, fills[early:], closing)):
        for event in events:
            ledger.book(event, day=day)
        builder.close(day, ledger, marks)
    daily = builder.build()

    at_open, at_close = ClosingPrices(opening), ClosingPrices(closing)
    first = by_fill(daily.between(DAY, DAY), before, at_open, INSTRUMENTS, by=by)
    second = by_fill(
        daily.between(NEXT, NEXT), [*before, *fills[early:]], at_close, INSTRUMENTS,
        by=by, before=before, opening=at_open,
    )  # fmt: skip
    whole = by_fill(daily, [*before, *fills[early:]], at_close, INSTRUMENTS, by=by)

    assert first.residual == second.residual == whole.residual == 0
    names = {part.name for split in (first, second, whole) for part in split.parts}
    for name in names:
        pnl = [
            sum((p.pnl for p in split.parts if p.name == name), D(0))
            for split in (first, second, whole)
        ]
        assert pnl[0] + pnl[1] == pnl[2]


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="cannot attribute by 'colour'"):
        split_by([PAID], {}, "colour")


def test_a_risk_model_that_sees_the_same_profit_is_green() -> None:
    generator = np.random.default_rng(1)
    hypothetical = generator.normal(0, 100, 250)

    outcome = attribution_test(hypothetical + generator.normal(0, 10, 250), hypothetical)

    assert outcome.spearman > 0.95
    assert outcome.zone is Zone.GREEN


def test_a_risk_model_that_sees_half_the_moves_fails_by_distribution_alone() -> None:
    hypothetical = np.random.default_rng(1).normal(0, 100, 250)

    outcome = attribution_test(0.5 * hypothetical, hypothetical)

    assert outcome.spearman == pytest.approx(1.0)
    assert (outcome.spearman_zone, outcome.kolmogorov_smirnov_zone) == (Zone.GREEN, Zone.RED)
    assert outcome.zone is Zone.RED


def test_the_distance_of_two_shifted_series_is_known() -> None:
    # 100 points against the same shifted by 10 of their ranks: a tenth of the mass moves.
    ranks = np.arange(100.0)

    outcome = attribution_test(ranks + 10.5, ranks)

    assert outcome.kolmogorov_smirnov == pytest.approx(0.11)
    assert outcome.kolmogorov_smirnov_zone is Zone.AMBER


def test_too_few_days_and_a_flat_series_are_named() -> None:
    with pytest.raises(MissingDataError, match="19 days are too few"):
        attribution_test(np.arange(19.0), np.arange(19.0))
    with pytest.raises(InvalidInputError, match="theoretical P&L does not vary"):
        attribution_test(np.zeros(30), np.arange(30.0))
