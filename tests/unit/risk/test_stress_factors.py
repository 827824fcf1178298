"""Tests of `risk.stress_factors`: each part of a market's move alone, and the rest together."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from basics.instruments import Instrument, InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from risk.revaluation import HeldInstrument, revalue_book
from risk.stress_factors import TOGETHER, losses_by_move

EURO = Instrument(symbol="EUR-EQ", currency="EUR")
COIN = Instrument(symbol="COIN", kind=InstrumentKind.CRYPTO, lot_size=Decimal("0.001"))
PAIR = Instrument(symbol="EURUSD", kind=InstrumentKind.FX)
HELD = [HeldInstrument(EURO, 10.0), HeldInstrument(COIN, 2.0), HeldInstrument(PAIR, 100.0)]
SNAPSHOT = MarketSnapshot(
    as_of=date(2022, 12, 28), base_currency="USD",
    prices={"EUR-EQ": 50.0, "COIN": 30.0, "EURUSD": 1.2}, fx={"EUR": 1.2},
)  # fmt: skip


def split(**moved: dict[str, np.ndarray]) -> tuple[float, dict[str, float]]:
    moves = MarketMoves(n_scenarios=1, **moved)
    loss = -float(revalue_book(HELD, SNAPSHOT, moves).pnl.sum())
    return loss, losses_by_move(HELD, SNAPSHOT, moves, pairs={"EURUSD": "EUR"}, loss=loss)


def test_a_foreign_share_by_hand() -> None:
    down = np.array([-0.1])
    loss, parts = split(
        prices={"EUR-EQ": np.array([-0.2]), "COIN": np.array([-0.5]), "EURUSD": down},
        fx={"EUR": down},
    )

    # 600 dollars of shares lose a fifth, and with the euro a tenth of what is left of them.
    assert parts["equity"] == pytest.approx(120.0)
    assert parts["crypto"] == pytest.approx(30.0)
    assert parts["EUR exchange rate"] == pytest.approx(60.0 + 12.0)
    assert parts[TOGETHER] == pytest.approx(-12.0)
    assert sum(parts.values()) == pytest.approx(loss)
    assert list(parts) == ["equity", "EUR exchange rate", "crypto", TOGETHER]


def test_what_moves_alone_has_no_rest_and_what_stands_still_is_not_said() -> None:
    loss, parts = split(prices={"EUR-EQ": np.array([0.3]), "COIN": np.zeros(1)})
    assert parts == {"equity": pytest.approx(loss)}
    assert split() == (0.0, {})
