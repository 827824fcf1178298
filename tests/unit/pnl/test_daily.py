"""Tests of `pnl.daily`, `pnl.attribution` and `pnl.factors`: by hand, by law, by refusal."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from measures.regression import ordinary_least_squares
from measures.rolling_regression import rolling_ridge
from pnl.attribution import by_period, by_sector, by_strategy, by_symbol
from pnl.daily import DailyBooks, DailyBooksBuilder
from pnl.events import CashKind, CashMovement, LedgerEvent
from pnl.factors import by_factor, by_factor_timing, by_rolling_factor
from pnl.ledger import Ledger

D = Decimal
ONE = Book("Fund", "Core", "momentum", "acc")
TWO = Book("Fund", "Core", "value", "acc")
START = date(2022, 1, 3)  # A Monday.
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA"),
    "BBB": Instrument(symbol="BBB"),
    "EEE": Instrument(symbol="EEE", currency="EUR"),
}


def fill(day: int, symbol: str, quantity: int, price: str, *, book: Book = ONE, n: int = 0) -> Fill:
    return Fill(
        venue="SIM",
        exec_id=f"{day}-{symbol}-{book.strategy}-{n}",
        cl_ord_id="o",
        book=book,
        symbol=symbol,
        quantity=D(quantity),
        price=D(price),
        fee=D("1"),
        currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime.combine(START + timedelta(day), datetime.min.time(), tzinfo=UTC),
    )


def pay(day: int, amount: int, *, currency: str = "USD") -> CashMovement:
    return CashMovement(
        event_id=f"pay-{day}-{currency}", book=ONE, day=START + timedelta(day),
        kind=CashKind.CAPITAL, amount=D(amount), currency=currency,
    )  # fmt: skip


def books_of(
    days: Sequence[tuple[Sequence[LedgerEvent], Mapping[str, str]]],
    rates: Sequence[Mapping[str, Decimal]] | None = None,
) -> DailyBooks:
    ledger, builder = Ledger(INSTRUMENTS), DailyBooksBuilder()
    for i, (events, marks) in enumerate(days):
        ledger.book_all(events)
        prices = {symbol: D(mark) for symbol, mark in marks.items()}
        builder.close(START + timedelta(i), ledger, prices, rates[i] if rates else None)
    return builder.build()


TWO_DAYS = [
    ([pay(0, 10_000), fill(0, "AAA", 10, "100"), fill(0, "BBB", -5, "40", book=TWO)],
     {"AAA": "102", "BBB": "41"}),
    ([fill(1, "AAA", -4, "110")], {"AAA": "108", "BBB": "38"}),
]  # fmt: skip


def test_two_days_by_hand() -> None:
    daily = books_of(TWO_DAYS)

    # AAA: 10 x 2 - 1 fee; then 4 x 8 + 6 x 6 - 1. BBB short 5: -5 - 1; then 5 x 3.
    assert daily.keys == ((ONE, None), (ONE, "AAA"), (TWO, "BBB"))
    assert daily.pnl.tolist() == [[0, 0], [1900, 6700], [-600, 1500]]
    assert daily.flows.tolist() == [1_000_000, 0]
    assert daily.equity.tolist() == [1_001_300, 1_009_500]
    assert daily.fees.tolist() == [[0, 0], [100, 100], [100, 0]]


def test_a_return_is_profit_over_capital_before_the_session_and_payments_in() -> None:
    returns = books_of(TWO_DAYS).returns()

    assert returns.tolist() == pytest.approx([13 / 10_000, 82 / 10_013])


def test_a_later_payment_in_is_neither_profit_nor_return() -> None:
    flat = {"AAA": "102"}
    daily = books_of([([pay(0, 100)], flat), ([pay(1, 900)], flat), ([], flat)])

    assert daily.pnl.sum() == 0
    assert daily.returns().tolist() == [0.0, 0.0, 0.0]
    assert daily.equity.tolist() == [10_000, 100_000, 100_000]


def test_a_foreign_position_earns_its_price_and_its_currency() -> None:
    days = [([pay(0, 1000), fill(0, "EEE", 10, "50")], {"EEE": "50"}), ([], {"EEE": "60"})]

    daily = books_of(days, rates=[{"EUR": D("1.10")}, {"EUR": D("1.20")}])

    # Day two: 10 x 60 x 1.20 - 10 x 50 x 1.10 held, less the EUR 501 borrowed to buy it.
    change = 720 - 550 - 501 * (D("1.20") - D("1.10"))
    assert daily.money(daily.pnl[:, 1].sum()) == change


def test_payments_in_are_converted_at_the_rate_of_their_day() -> None:
    days: list[tuple[list[LedgerEvent], dict[str, str]]] = [
        ([pay(0, 1000, currency="EUR")], {}),
        ([], {}),
    ]

    daily = books_of(days, rates=[{"EUR": D("1.10")}, {"EUR": D("1.20")}])

    assert daily.flows.tolist() == [110_000, 0]
    assert daily.pnl.sum(axis=0).tolist() == [0, 10_000]


def test_a_held_symbol_without_a_mark_is_named() -> None:
    with pytest.raises(MissingDataError, match="no mark for AAA, which is held"):
        books_of([([fill(0, "AAA", 1, "10")], {})])


def test_a_currency_without_a_rate_is_named() -> None:
    with pytest.raises(MissingDataError, match="no rate from EUR to USD"):
        books_of([([fill(0, "EEE", 1, "10")], {"EEE": "10"})])


def test_a_negative_mark_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="mark of -3 is negative"):
        books_of([([fill(0, "AAA", 1, "10")], {"AAA": "-3"})])


def test_profit_on_no_capital_has_no_return() -> None:
    daily = books_of([([fill(0, "AAA", 1, "10")], {"AAA": "12"})])

    with pytest.raises(InvalidInputError, match="book the capital paid in first"):
        daily.returns()


def test_attribution_by_symbol_strategy_and_sector_by_hand() -> None:
    daily = books_of(TWO_DAYS)

    parts = {part.name: part.pnl for part in by_symbol(daily).parts}
    assert parts == {"AAA": D("86.00"), "BBB": D("9.00"), "(cash)": D("0.00")}
    assert [(p.name, p.pnl) for p in by_strategy(daily).parts] == [
        ("momentum", D("86.00")),
        ("value", D("9.00")),
    ]
    sectors = {part.name: part.pnl for part in by_sector(daily, {"AAA": "Energy"}).parts}
    assert sectors == {"Energy": D(86), "(no sector)": D(9), "(cash)": D(0)}


def test_weeks_start_on_monday() -> None:
    daily = books_of([([pay(0, 100)] if i == 0 else [], {}) for i in range(9)])

    assert [part.name for part in by_period(daily, "week").parts] == ["2022-01-03", "2022-01-10"]


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="unknown period 'hour'"):
        by_period(books_of(TWO_DAYS), "hour")


@st.composite
def trading_days(draw: st.DrawFn) -> DailyBooks:
    days: list[tuple[list[LedgerEvent], dict[str, str]]] = []
    for i in range(draw(st.integers(1, 8))):
        events: list[LedgerEvent] = [pay(i, draw(st.integers(-500, 5000)))]
        for n in range(draw(st.integers(0, 4))):
            symbol = draw(st.sampled_from(["AAA", "BBB"]))
            price = draw(st.decimals(D(1), D(300), places=2))
            quantity = draw(st.integers(-20, 20).filter(bool))
            book = draw(st.sampled_from([ONE, TWO]))
            events.append(fill(i, symbol, quantity, str(price), book=book, n=n))
        marks = {s: str(draw(st.decimals(D(1), D(300), places=4))) for s in ("AAA", "BBB")}
        days.append((events, marks))
    return books_of(days)


@settings(max_examples=50, deadline=None)
@given(trading_days())
def test_every_split_of_the_books_sums_to_the_change_of_equity_to_the_cent(
    daily: DailyBooks,
) -> None:
    earned = daily.money(daily.equity[-1] - daily.flows.sum())

    for split in (by_symbol(daily), by_strategy(daily), by_period(daily, "week")):
        assert split.total == earned
        assert split.residual == 0
        assert sum((part.pnl for part in split.parts), D(0)) == earned


def with_returns(returns: np.ndarray) -> DailyBooks:
    """Books of one position whose returns are `returns`, on a capital of a million."""
    equity = np.round(1e8 * np.cumprod(1.0 + returns)).astype(np.int64)
    pnl = np.diff(equity, prepend=100_000_000)
    flows = np.zeros(len(returns), dtype=np.int64)
    flows[0] = 100_000_000
    return DailyBooks(
        currency="USD",
        digits=2,
        sessions=np.datetime64("2020-01-01") + np.arange(len(returns)),
        keys=((ONE, "AAA"),),
        pnl=pnl[None],
        fees=np.zeros_like(pnl)[None],
        market_value=equity[None],
        flows=flows,
        equity=equity,
    )


def test_factor_parts_find_the_exposure_and_the_residual_closes_the_sum() -> None:
    generator = np.random.default_rng(1)
    market, value = 0.01 * generator.standard_normal((2, 750))
    noise = 0.001 * generator.standard_normal(750)
    daily = with_returns(1.2 * market - 0.5 * value + noise)

    split = by_factor(daily, {"market": market, "value": value})

    capital = daily.opening_capital()
    assert not split.exact
    expected = [1.2 * float(market @ capital), -0.5 * float(value @ capital)]
    for part, truth in zip(split.parts, expected, strict=True):
        assert part.standard_error is not None
        assert abs(float(part.pnl) - truth) < 4 * part.standard_error
    assert sum((part.pnl for part in split.parts), split.residual) == split.total


def test_sessions_without_a_factor_stay_in_the_residual() -> None:
    market = 0.01 * np.random.default_rng(2).standard_normal(100)
    daily = with_returns(market.copy())
    market[:40] = np.nan

    split = by_factor(daily, {"market": market})

    assert split.notes[1] == "40 sessions without all factors stay in the residual"
    assert float(split.residual) == pytest.approx(float(daily.pnl[:, :40].sum()) / 100, abs=0.05)


def test_factors_that_repeat_each_other_are_refused() -> None:
    market = 0.01 * np.random.default_rng(3).standard_normal(100)

    with pytest.raises(InvalidInputError, match="linearly dependent"):
        by_factor(with_returns(market), {"one": market, "two": 2 * market})


def test_too_few_sessions_with_factors_are_refused() -> None:
    market = np.full(50, np.nan)
    market[:2] = 0.01

    with pytest.raises(MissingDataError, match=r"too few to regress on 1 .known of 50: market 2"):
        by_factor(with_returns(np.full(50, 0.001)), {"market": market})


def test_a_steady_exposure_is_all_tilt() -> None:
    market = 0.01 * np.random.default_rng(6).standard_normal(500)

    split = by_rolling_factor(with_returns(0.8 * market), {"market": market})

    (part,) = split.factors
    assert part.mean_exposure == pytest.approx(0.8, abs=1e-6)
    assert abs(part.timing) < 1
    # The whole is the factor's but for cents, which each session's equity is rounded to.
    assert abs(split.specific) < 5
    assert split.common + split.specific == split.total


def test_an_exposure_raised_in_good_times_earns_by_timing() -> None:
    generator = np.random.default_rng(7)
    market = 0.01 * generator.standard_normal(600) + np.repeat([0.004, -0.004], 300)
    exposure = np.repeat([1.5, 0.5], 300)

    split = by_rolling_factor(
        with_returns(exposure * market), {"market": market}, window=21, shrinkage=0.0
    )

    (part,) = split.factors
    capital = with_returns(exposure * market).opening_capital()
    expected = float(((exposure - 1.0) * market) @ capital)
    assert float(part.timing) == pytest.approx(expected, rel=0.1)


def test_tilt_timing_and_the_specific_rest_sum_to_the_profit() -> None:
    generator = np.random.default_rng(9)
    factors = {name: 0.01 * generator.standard_normal(200) for name in ("market", "rates")}
    daily = with_returns(0.5 * factors["market"] + 0.003 * generator.standard_normal(200))

    split = by_factor_timing(daily, factors)

    rolling = by_rolling_factor(daily, factors)
    assert [part.name for part in split.parts] == [
        "market: tilt", "market: timing", "rates: tilt", "rates: timing",
    ]  # fmt: skip
    assert split.residual == rolling.specific
    assert sum((part.pnl for part in split.parts), split.residual) == split.total
    assert all((part.standard_error or 0) > 0 for part in split.parts)
    with pytest.raises(MissingDataError, match="50 sessions have every factor, a rolling window"):
        by_factor_timing(
            daily.between(None, daily.sessions[49].item()),
            {name: values[:50] for name, values in factors.items()},
        )


def test_shrinkage_moves_from_each_windows_estimate_to_the_whole() -> None:
    generator = np.random.default_rng(8)
    x = generator.standard_normal((200, 2))
    y = x @ np.array([1.0, -1.0]) + generator.standard_normal(200)

    free = rolling_ridge(y, x, window=50, shrinkage=0.0)
    bound = rolling_ridge(y, x, window=50, shrinkage=1e9)

    last = ordinary_least_squares(y[-50:], x[-50:])
    np.testing.assert_allclose(free.coefficients[-1], last.coefficients, rtol=1e-9)
    np.testing.assert_allclose(bound.coefficients[-1], bound.whole.coefficients, rtol=1e-6)


def test_a_window_beyond_the_data_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"window must lie in \(2, 10\], got 11"):
        rolling_ridge(np.arange(10.0), np.arange(10.0)[:, None] ** 2, window=11, shrinkage=0.0)


def test_least_squares_by_hand_and_its_white_errors() -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = np.array([1.0, 2.0, 4.0, 5.0])

    fit = ordinary_least_squares(y, x)

    # Slope 1.4, intercept 0.9; residuals 0.1, -0.3, 0.3, -0.1 weighted by (x - 1.5)^2 / 25.
    assert (fit.intercept, fit.coefficients[0]) == pytest.approx((0.9, 1.4))
    meat = 2 * (1.5**2 * 0.1**2 + 0.5**2 * 0.3**2)
    assert fit.standard_errors[0] == pytest.approx((meat / 25 * 4 / 2) ** 0.5)
