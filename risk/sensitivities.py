"""Greeks, rate and currency sensitivities of a multi-asset book, and how well greeks stand in.

Every figure is of the position, in the base currency at today's rate. A position that cannot be
priced has no row here: `risk.revaluation` lists it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from basics.arrays import FloatArray
from basics.instruments import ExerciseStyle, InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from measures.bonds import bond_measures
from measures.option_greeks import option_greeks
from measures.tail import tail_risk
from risk.instruments import Approximation, BondRisk, CurrencyRisk, InstrumentRisk, OptionRisk
from risk.option_book import option_terms
from risk.revaluation import (
    HeldInstrument,
    Revaluation,
    bond_flows,
    delta_gamma_vega_pnl,
)

POINT, DAY, BASIS_POINT = 0.01, 1.0 / 365.0, 1e-4


def instrument_risk(
    held: Mapping[str, HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    book: Revaluation,
    *,
    confidences: Sequence[float],
) -> InstrumentRisk:
    """Measure the positions that `book` could price.

    Parameters
    ----------
    held : mapping of symbol to HeldInstrument
        Positions and foreign cash.
    confidences : sequence of float
        At which full revaluation and greeks are held against each other.
    """
    priced = [held[symbol] for symbol in book.symbols]
    options = tuple(
        option_risk(position, snapshot)
        for position in priced
        if position.instrument.kind is InstrumentKind.OPTION
    )
    bonds = tuple(
        bond_risk(position, snapshot)
        for position in priced
        if position.instrument.kind is InstrumentKind.BOND
    )
    nodes = next(iter(snapshot.curves.values())).years if snapshot.curves else np.zeros(0)
    return InstrumentRisk(
        curve_years=tuple(nodes.tolist()),
        options=options,
        bonds=bonds,
        currencies=_currencies(priced, snapshot, book),
        approximations=_approximations(priced, snapshot, moves, book, confidences),
    )


def option_risk(position: HeldInstrument, snapshot: MarketSnapshot) -> OptionRisk:
    """Return price and greeks of one option position."""
    instrument, option = position.instrument, position.instrument.option
    assert option is not None
    terms = option_terms(instrument, snapshot)
    greeks = option_greeks(terms)
    size = position.quantity * float(instrument.multiplier)
    money = size * snapshot.rate_of(instrument.currency)
    delta = float(greeks.delta[0])
    return OptionRisk(
        symbol=instrument.symbol,
        underlying=option.underlying,
        right=option.right.value,
        style=option.style.value,
        formula=str(terms.formula) if option.style is ExerciseStyle.AMERICAN else "",
        quantity=position.quantity,
        price=float(greeks.price[0]),
        volatility=float(terms.volatility[0]),
        value=money * float(greeks.price[0]),
        delta=size * delta,
        delta_value=money * delta * float(terms.spot[0]),
        gamma=size * float(greeks.gamma[0]),
        vega=money * float(greeks.vega[0]) * POINT,
        theta=money * float(greeks.theta[0]) * DAY,
        rho=money * float(greeks.rho[0]) * BASIS_POINT,
    )


def bond_risk(position: HeldInstrument, snapshot: MarketSnapshot) -> BondRisk:
    """Return price, duration, convexity and DV01 of one bond position."""
    instrument = position.instrument
    curve = snapshot.curve_for(instrument.symbol, instrument.currency)
    found = bond_measures(bond_flows(instrument, snapshot), curve)
    money = position.quantity * float(instrument.multiplier)
    money *= snapshot.rate_of(instrument.currency)
    by_node = money * found.key_rate_dv01
    return BondRisk(
        symbol=instrument.symbol,
        currency=instrument.currency,
        quantity=position.quantity,
        price=found.price,
        value=money * found.price,
        duration=found.duration,
        convexity=found.convexity,
        dv01=float(by_node.sum()),
        key_rate_dv01=tuple(by_node.tolist()),
    )


def exposures_of(
    held: Mapping[str, HeldInstrument], snapshot: MarketSnapshot, book: Revaluation
) -> FloatArray:
    """Return how much of the market each priced position moves with, of shape (n_positions,).

    Its value; the notional of a future; of an option its delta times the underlying's price.
    """
    sizes = []
    for symbol, value in zip(book.symbols, book.values.tolist(), strict=True):
        position = held[symbol]
        kind = position.instrument.kind
        if kind is InstrumentKind.FUTURE:
            price = snapshot.prices[symbol] * snapshot.rate_of(position.instrument.currency)
            sizes.append(position.quantity * float(position.instrument.multiplier) * price)
        elif kind is InstrumentKind.OPTION:
            sizes.append(option_risk(position, snapshot).delta_value)
        else:
            sizes.append(value)
    return np.array(sizes, dtype=np.float64)


def _currencies(
    priced: Sequence[HeldInstrument], snapshot: MarketSnapshot, book: Revaluation
) -> tuple[CurrencyRisk, ...]:
    sums: dict[str, float] = {}
    for position, value in zip(priced, book.values.tolist(), strict=True):
        currency = position.instrument.currency
        sums[currency] = sums.get(currency, 0.0) + value
    return tuple(
        CurrencyRisk(currency=name, rate=snapshot.rate_of(name), net_value=value)
        for name, value in sorted(sums.items())
    )


def _approximations(
    priced: Sequence[HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    book: Revaluation,
    confidences: Sequence[float],
) -> tuple[Approximation, ...]:
    rows = [
        row for row, p in enumerate(priced) if p.instrument.kind is InstrumentKind.OPTION
    ]  # fmt: skip
    if not rows:
        return ()
    full = book.pnl[rows].sum(axis=0)
    quick = np.sum([delta_gamma_vega_pnl(priced[row], snapshot, moves) for row in rows], axis=0)
    whole = book.pnl.sum(axis=0)
    found = []
    for of, revalued, greeks in (
        ("options", full, quick),
        ("book", whole, whole - full + quick),
    ):
        for confidence in confidences:
            a = tail_risk(revalued, confidence=confidence)
            b = tail_risk(greeks, confidence=confidence)
            found.append(
                Approximation(
                    of=of,
                    confidence=confidence,
                    revalued_var=a.value_at_risk,
                    revalued_es=a.expected_shortfall,
                    greeks_var=b.value_at_risk,
                    greeks_es=b.expected_shortfall,
                )
            )
    return tuple(found)
