"""Tests of `oms.matching.book`: price, then time; nothing made, nothing lost."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from basics.trading import Side
from oms.matching import BookOrder, LimitOrderBook, Match

D = Decimal


def order(name: str, side: Side, price: int, quantity: int, owner: str = "") -> BookOrder:
    return BookOrder(
        order_id=name, owner=owner or name, side=side, price=D(price), quantity=D(quantity)
    )


def bids_at(*quantities: int) -> LimitOrderBook:
    """Return a book with bids b0, b1 … at 10, first come first."""
    book = LimitOrderBook()
    for number, quantity in enumerate(quantities):
        book.add(order(f"b{number}", Side.BUY, 10, quantity))
    return book


def test_better_price_trades_first_and_then_who_came_first() -> None:
    book = bids_at(5, 5)
    book.add(order("best", Side.BUY, 11, 2))

    entry = book.add(order("s", Side.SELL, 10, 9))

    assert entry.matches == (
        Match("s", "best", D(11), D(2)),
        Match("s", "b0", D(10), D(5)),
        Match("s", "b1", D(10), D(2)),
    )
    assert entry.resting == 0
    assert book.depth(Side.BUY) == ((D(10), D(3)),)


def test_taker_gets_the_resting_price_and_rests_with_what_is_left() -> None:
    book = bids_at(5)

    entry = book.add(order("s", Side.SELL, 8, 7))

    assert [match.price for match in entry.matches] == [D(10)]
    assert (entry.resting, book.best_ask, book.best_bid) == (D(2), D(8), None)


def test_order_out_of_reach_rests() -> None:
    book = bids_at(5)

    assert book.add(order("s", Side.SELL, 11, 3)).matches == ()
    assert (book.best_bid, book.best_ask) == (D(10), D(11))


def test_place_in_the_queue_moves_up_as_those_ahead_trade_or_leave() -> None:
    book = bids_at(5, 7, 3)
    assert book.queue_ahead("b2") == 12

    book.add(order("s", Side.SELL, 10, 2))
    assert book.queue_ahead("b2") == 10
    book.cancel("b1")
    assert book.queue_ahead("b2") == 3


def test_lower_quantity_keeps_the_place_and_a_higher_one_cannot() -> None:
    book = bids_at(5, 7)

    book.reduce("b0", quantity=D(1))

    assert book.queue_ahead("b1") == 1
    with pytest.raises(InvalidInputError, match="does not lower 1; cancel and add instead"):
        book.reduce("b0", quantity=D(9))


def test_order_never_meets_its_own_owner() -> None:
    book = LimitOrderBook()
    book.add(order("other", Side.BUY, 11, 1, owner="them"))
    book.add(order("mine", Side.BUY, 10, 5, owner="us"))

    entry = book.add(order("s", Side.SELL, 10, 4, owner="us"))

    assert entry.matches == (Match("s", "other", D(11), D(1)),)
    assert (entry.resting, entry.cut) == (D(0), D(3))
    assert book.order("mine").quantity == 5


ORDERS = st.lists(
    st.tuples(st.sampled_from([Side.BUY, Side.SELL]), st.integers(8, 12), st.integers(1, 9)),
    max_size=30,
)


@settings(max_examples=80)
@given(ORDERS)
def test_book_never_crosses_and_every_unit_is_accounted_for(
    asked: list[tuple[Side, int, int]],
) -> None:
    book, left = LimitOrderBook(), {}
    for number, (side, price, quantity) in enumerate(asked):
        name = str(number)
        left[name] = D(quantity)
        for match in book.add(order(name, side, price, quantity)).matches:
            left[match.taker] -= match.quantity
            left[match.maker] -= match.quantity

        assert book.best_bid is None or book.best_ask is None or book.best_bid < book.best_ask
    resting = sum(
        quantity for side in (Side.BUY, Side.SELL) for _, quantity in book.depth(side, levels=99)
    )
    assert resting == sum(left.values())
    assert all(quantity >= 0 for quantity in left.values())


@settings(max_examples=40)
@given(ORDERS)
def test_cancelling_everything_empties_the_book(asked: list[tuple[Side, int, int]]) -> None:
    book = LimitOrderBook()
    resting = {
        str(number)
        for number, (side, price, quantity) in enumerate(asked)
        if book.add(order(str(number), side, price, quantity)).resting
    }
    for name in sorted(resting):
        try:
            book.cancel(name)
        except MissingDataError:
            continue  # A later order took it.

    assert (book.best_bid, book.best_ask) == (None, None)
    assert book.depth(Side.BUY) == book.depth(Side.SELL) == ()


def test_same_name_twice_and_bad_orders_are_refused() -> None:
    book = bids_at(5)

    with pytest.raises(ConflictError, match="b0 rests in the book already"):
        book.add(order("b0", Side.BUY, 9, 1))
    with pytest.raises(InvalidInputError, match="quantity must be positive, got 0"):
        order("x", Side.BUY, 10, 0)
    with pytest.raises(MissingDataError, match="no order nobody"):
        book.cancel("nobody")
