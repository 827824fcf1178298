"""What each part of a market's move costs a book revalued in full, and what the parts do together.

One part at a time: the book is revalued with that part moved and everything else as it stands, so
no order of steps is chosen. A book with options or with foreign prices is not linear, so the
parts alone do not sum to the loss of all at once: the rest is a part of its own, `together`.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from basics.arrays import FloatArray
from basics.instruments import InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from risk.revaluation import HeldInstrument, revalue_book

TOGETHER = "together"
EQUITY, CRYPTO, VOLATILITY = "equity", "crypto", "volatility"
_NOTHING = 1e-9  # Of the largest part.

# What moves: the field of `MarketMoves`, the name in it, the node of a curve.
_Place = tuple[str, str, int]


def losses_by_move(
    priced: Sequence[HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    *,
    pairs: Mapping[str, str],
    loss: float,
) -> dict[str, float]:
    """Split the loss of one scenario by what moved, largest first; the parts sum to it.

    Parts: equity prices, coins, each currency's rate, each curve by key tenor, volatility. A
    position that the scenario, or a part of it, cannot price is in no part of that revaluation.

    Parameters
    ----------
    moves : MarketMoves
        One scenario.
    pairs : mapping of symbol to currency
        The instruments that are a currency's price: they move with its rate.
    loss : float
        Of the whole scenario.
    """
    kinds = {p.instrument.symbol: p.instrument.kind for p in priced}
    groups: dict[str, list[_Place]] = {}
    for name, place in _places(snapshot, moves, kinds, pairs):
        groups.setdefault(name, []).append(place)
    if not groups:
        return {}
    alone = -revalue_book(priced, snapshot, _one_at_a_time(moves, groups)).pnl.sum(axis=0)
    parts = dict(zip(groups, alone.tolist(), strict=True))
    parts[TOGETHER] = loss - sum(parts.values())
    size = max(abs(loss), *(abs(part) for part in parts.values()))
    said = [(name, part) for name, part in parts.items() if abs(part) > _NOTHING * size]
    return dict(sorted(said, key=lambda pair: -pair[1]))


def _places(
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    kinds: Mapping[str, InstrumentKind],
    pairs: Mapping[str, str],
) -> Iterator[tuple[str, _Place]]:
    for name in moves.prices:
        if name in pairs:
            yield _rate(pairs[name]), ("prices", name, 0)
        else:
            is_coin = kinds.get(name) is InstrumentKind.CRYPTO
            yield CRYPTO if is_coin else EQUITY, ("prices", name, 0)
    for currency in moves.fx:
        yield _rate(currency), ("fx", currency, 0)
    for currency, curve in snapshot.curves.items():
        if currency in moves.curves:
            for node, years in enumerate(curve.years):
                yield f"{currency} rates {years:g}y", ("curves", currency, node)
    for name in moves.volatilities:
        yield VOLATILITY, ("volatilities", name, 0)


def _rate(currency: str) -> str:
    return f"{currency} exchange rate"


def _one_at_a_time(moves: MarketMoves, groups: Mapping[str, Sequence[_Place]]) -> MarketMoves:
    """Return a scenario for each group, in which it moves alone."""
    n = len(groups)
    found: dict[str, dict[str, FloatArray]] = {
        "prices": {name: np.zeros(n) for name in moves.prices},
        "fx": {name: np.zeros(n) for name in moves.fx},
        "curves": {name: np.zeros((len(rows), n)) for name, rows in moves.curves.items()},
        "volatilities": {name: np.zeros(n) for name in moves.volatilities},
    }
    for column, places in enumerate(groups.values()):
        for kind, name, node in places:
            values = getattr(moves, kind)[name]
            if kind == "curves":
                found[kind][name][node, column] = values[node, 0]
            else:
                found[kind][name][column] = values[0]
    return MarketMoves(n_scenarios=n, **found)
