"""Tests of `strategy.rebalance`."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from basics.trading import Side
from strategy.rebalance import Trade, rebalance, sales

D = Decimal
EQUITY = D(100_000)
PRICES = {"AAA": D("100"), "BBB": D("30")}


def trades(targets: dict[str, float], **state: object) -> list[tuple[str, Side, int]]:
    defaults: dict[str, object] = {"positions": {}, "prices": PRICES, "equity": EQUITY}
    return [
        (trade.symbol, trade.side, int(trade.quantity))
        for trade in rebalance(targets, **(defaults | state))
    ]


def test_targets_become_whole_lots_by_hand() -> None:
    # 10 % of 100,000 at 30 is 333.33 units; sells come first.
    assert trades({"BBB": 0.10, "AAA": -0.05}) == [
        ("AAA", Side.SELL_SHORT, 50),
        ("BBB", Side.BUY, 333),
    ]
    assert trades({"BBB": 0.10}, lots={"BBB": D(100)}) == [("BBB", Side.BUY, 300)]


def test_holding_within_the_band_is_left_alone() -> None:
    held = {"AAA": D(95)}  # 9.5 % of equity.

    assert trades({"AAA": 0.10}, positions=held, band=0.005) == []
    assert trades({"AAA": 0.10}, positions=held, band=0.0049) == [("AAA", Side.BUY, 5)]


def test_what_leaves_the_target_is_sold_whatever_the_band() -> None:
    assert trades({}, positions={"AAA": D(1)}, band=0.5) == [("AAA", Side.SELL, 1)]
    assert trades({}, positions={"AAA": D(-1)}, band=0.5) == [("AAA", Side.BUY, 1)]


def test_sale_across_zero_is_split_into_a_sale_and_a_short_sale() -> None:
    assert trades({"AAA": -0.10}, positions={"AAA": D(40)}) == [
        ("AAA", Side.SELL, 40),
        ("AAA", Side.SELL_SHORT, 100),
    ]
    assert sales("AAA", quantity=D(5), held=D(-3)) == (
        Trade(symbol="AAA", side=Side.SELL_SHORT, quantity=D(5)),
    )


def test_symbol_without_a_price_is_not_traded() -> None:
    assert trades({"CCC": 0.5}, positions={"DDD": D(1)}) == []


@settings(max_examples=60)
@given(st.floats(-1, 1), st.integers(-2000, 2000), st.floats(0, 0.2), st.integers(1, 7))
def test_trades_end_within_a_lot_of_the_target_or_inside_the_band(
    weight: float, held: int, band: float, lot: int
) -> None:
    result = rebalance(
        {"AAA": weight},
        positions={"AAA": D(held)},
        prices=PRICES,
        equity=EQUITY,
        lots={"AAA": D(lot)},
        band=band,
    )

    end = held + sum(trade.side.sign * trade.quantity for trade in result)
    assert all(trade.quantity > 0 for trade in result)
    if result:
        assert abs(float(end) * 100 - weight * 100_000) <= lot * 100 + 1e-3
        assert end % lot == 0
    elif weight:
        distance = abs(weight * 100_000 - held * 100)
        assert distance <= max(band * 100_000, lot * 100) + 1e-3


def test_equity_that_is_gone_cannot_size_trades() -> None:
    with pytest.raises(InvalidInputError, match="equity must be positive to size trades, got 0"):
        trades({"AAA": 0.1}, equity=D(0))


def test_negative_band_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="band must not be negative"):
        trades({"AAA": 0.1}, band=-0.1)
