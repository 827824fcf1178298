"""Tests of `market.simulated.session` and `market.depth`: exact bars, books that rebuild, gaps."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from market.depth import Book, Gap, Level, Message, find_gaps, top_of_book
from market.simulated.session import DailyBar, simulate_session
from market.ticks import depth_dataset, quotes_dataset, trades_dataset

OPEN, CLOSE = datetime(2022, 5, 2, 13, 30, tzinfo=UTC), datetime(2022, 5, 2, 20, tzinfo=UTC)


def bar(open_: float, high: float, low: float, close: float, volume: int) -> DailyBar:
    return DailyBar(
        symbol="A",
        session=date(2022, 5, 2),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        open_time=OPEN,
        close_time=CLOSE,
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.5, 900), min_size=4, max_size=4),
    st.integers(4, 10_000_000),
    st.integers(0, 2**32),
)
def test_the_trades_reproduce_the_bar_exactly(prices: list[float], volume: int, seed: int) -> None:
    low, one, two, high = sorted(prices)
    day = bar(one, high, low, two, volume)

    trades = simulate_session(day, np.random.default_rng(seed), trades=300).trades

    price = trades.sort("event_time", "sequence")["price"]
    assert (price[0], price[-1], price.max(), price.min()) == (one, two, high, low)
    assert trades["size"].sum() == volume
    assert trades["size"].min() >= 1  # type: ignore[operator]
    assert trades["event_time"].is_between(OPEN, CLOSE).all()
    assert trades["event_time"].is_sorted()


@pytest.mark.parametrize(
    ("prices", "volume"),
    [((5.0, 5.0, 5.0, 5.0), 1), ((5.0, 6.0, 5.0, 6.0), 2), ((6.0, 6.0, 4.0, 6.0), 3)],
)
def test_degenerate_bars_are_reproduced_with_the_fewest_trades(
    prices: tuple[float, float, float, float], volume: int
) -> None:
    trades = simulate_session(bar(*prices, volume), np.random.default_rng(1)).trades

    assert trades["price"][0] == prices[0]
    assert trades["price"][-1] == prices[3]
    assert (trades["price"].max(), trades["price"].min()) == (prices[1], prices[2])
    assert trades["size"].sum() == volume


DAY = bar(100.0, 102.0, 99.0, 101.0, 1_000_000)


def test_every_trade_is_at_the_quote_before_it() -> None:
    session = simulate_session(DAY, np.random.default_rng(2))

    pairs = session.trades.join(session.quotes, on="sequence", suffix="_quote")
    at = pl.when(pl.col("side") > 0).then("ask").otherwise("bid")
    assert pairs.filter(pl.col("price") != at).is_empty()
    assert (session.quotes["bid"] < session.quotes["ask"]).all()
    assert (pairs["event_time_quote"] < pairs["event_time"]).all()


def test_volume_is_a_u_over_the_day() -> None:
    trades = simulate_session(DAY, np.random.default_rng(3), trades=20_000).trades
    minutes = (trades["event_time"] - OPEN).dt.total_minutes()
    shares = [trades.filter(minutes // 65 == part)["size"].sum() for part in range(6)]

    assert min(shares[0], shares[-1]) > 1.5 * max(shares[2], shares[3])


def test_the_book_rebuilt_from_depth_shows_the_quotes() -> None:
    session = simulate_session(DAY, np.random.default_rng(4), trades=500)

    top = top_of_book(session.depth)

    assert top["known"].all()
    assert top["bid"].to_list() == pytest.approx(session.quotes["bid"].to_list(), abs=1e-9)
    assert top["ask"].to_list() == pytest.approx(session.quotes["ask"].to_list(), abs=1e-9)
    assert top["bid_size"].to_list() == session.quotes["bid_size"].to_list()


def test_the_same_seed_draws_the_same_session_and_the_datasets_say_simulated() -> None:
    one, two = (simulate_session(DAY, np.random.default_rng(5), trades=50) for _ in range(2))

    assert one.depth.equals(two.depth)
    for make, rows in (
        (trades_dataset, one.trades), (quotes_dataset, one.quotes), (depth_dataset, one.depth),
    ):  # fmt: skip
        dataset = make("x", calendar="XNYS", simulated=True, source="drawn")
        assert dataset.simulated == set(dataset.fields)
        assert dataset.conform(rows).height == rows.height


def test_a_lost_message_leaves_the_book_unknown_until_a_snapshot() -> None:
    session = simulate_session(DAY, np.random.default_rng(6), trades=20)
    broken = session.depth.filter(~pl.col("update_id").is_between(8, 9))

    top = top_of_book(broken)

    assert find_gaps(broken) == (Gap(8, 9),)
    assert top.filter("known")["update_id"].max() == 7
    assert top.filter(~pl.col("known"))["bid"].null_count() == 11


def test_a_book_by_hand() -> None:
    book = Book()
    book.apply(
        Message(5, (Level(1, 99.0, 10), Level(1, 98.0, 7), Level(-1, 101.0, 4)), snapshot=True)
    )
    book.apply(Message(6, (Level(1, 99.0, 0), Level(-1, 100.0, 2))))
    book.apply(Message(6, (Level(1, 99.5, 99),)))  # A repetition.

    assert (book.best_bid(), book.best_ask()) == ((98.0, 7), (100.0, 2))
    assert book.asks(5) == [(100.0, 2), (101.0, 4)]
    assert not book.apply(Message(9, (Level(1, 98.5, 1),)))
    assert (book.gaps, book.best_bid()) == ([Gap(7, 8)], None)
    assert book.apply(Message(20, (Level(1, 97.0, 1),), snapshot=True))
    assert book.best_bid() == (97.0, 1)
    book.apply(Message(21, (Level(-1, 96.0, 1),)))
    assert book.crossed


def test_an_impossible_level_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="message 1 has an impossible level"):
        Book().apply(Message(1, (Level(1, float("nan"), 1),), snapshot=True))


@pytest.mark.parametrize(
    ("prices", "volume", "complaint"),
    [
        ((5.0, 4.0, 3.0, 3.5), 10, "is no bar"),
        ((5.0, 6.0, 0.0, 5.5), 10, "must be positive"),
        ((5.0, 6.0, 4.0, 5.5), 3, "cannot trade at 4 different corners"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(
    prices: tuple[float, float, float, float], volume: int, complaint: str
) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        bar(*prices, volume)
