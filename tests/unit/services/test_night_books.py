"""Tests of `services.night_books`: the portfolio's book is the sum of its strategies'."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Book
from pnl.daily import DailyBooks
from services.night_books import books_until, night_books

SESSIONS = np.array(["2022-12-27", "2022-12-28"], dtype="datetime64[D]")


def book_of(strategy: str) -> Book:
    return Book(fund="fund", portfolio="core", strategy=strategy, account="ACC-1")


def daily_books() -> DailyBooks:
    cents = 100
    return DailyBooks(
        currency="USD",
        digits=2,
        sessions=SESSIONS,
        keys=((book_of("alpha"), "A"), (book_of("beta"), "A"), (book_of("beta"), "B")),
        pnl=np.array([[10, -4], [0, 2], [-1, 0]]) * cents,
        fees=np.zeros((3, 2), dtype=np.int64),
        market_value=np.array([[50, 60], [-20, -10], [0, 5]]) * cents,
        flows=np.array([300, 0]) * cents,
        equity=np.array([309, 307]) * cents,
    )


def test_each_strategy_has_a_book_beside_the_portfolio_s() -> None:
    books = night_books(
        daily_books(),
        ("A", "B", "C"),
        portfolio="core",
        capital={"beta": Decimal(200), "alpha": Decimal(100)},
    )

    assert books.names == ("core", "core/alpha", "core/beta")
    np.testing.assert_allclose(books.exposures, [[50, 5, 0], [60, 0, 0], [-10, 5, 0]])
    # Alpha has 100 + 10 - 4, beta 200 - 1 + 2.
    np.testing.assert_allclose(books.equity, [307, 106, 201])
    # alpha fell from 110 to 106; beta ends at its highest; core fell from 309 to 307.
    np.testing.assert_allclose(books.drawdown, [2 / 309, 4 / 110, 0.0], atol=1e-12)


def test_a_book_without_capital_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no capital is given for beta"):
        night_books(daily_books(), ("A", "B"), portfolio="core", capital={"alpha": Decimal(1)})


def test_books_until_a_session_know_nothing_later() -> None:
    whole = daily_books()
    cut = books_until(whole, date(2022, 12, 27))
    assert cut.sessions.tolist() == [date(2022, 12, 27)]
    assert cut.equity.tolist() == [30900]
    assert cut.market_value.shape == cut.pnl.shape == cut.fees.shape == (3, 1)
    same = books_until(whole, date(2022, 12, 28))
    assert (same.market_value == whole.market_value).all()
    with pytest.raises(MissingDataError, match="no session 2022-12-26: they run from 2022-12-27"):
        books_until(whole, date(2022, 12, 26))
