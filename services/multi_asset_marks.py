"""Marks by hand in the market that risk is measured on: what profit is valued at, risk is too.

A mark takes the place of the price of what is priced by one (options on it included). A bond is
priced on its curve and an option on a volatility: of these the mark moves the spread or the
volatility that it implies, so that the position is worth the mark today and moves from there. A
mark that no spread or volatility gives leaves the position at its simulated price, and says so.
"""

from collections.abc import Mapping
from dataclasses import replace

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument, InstrumentKind
from market.multi_asset import MarketSnapshot
from measures.implied import implied_volatility, zero_spread
from risk.option_book import option_terms
from risk.revaluation import bond_flows


def marked_snapshot(
    snapshot: MarketSnapshot, instruments: Mapping[str, Instrument], marks: Mapping[str, float]
) -> tuple[MarketSnapshot, tuple[str, ...]]:
    """Return the market with the marks in it, and a sentence on each.

    Parameters
    ----------
    marks : mapping of symbol to price
        In the instrument's own currency, of the snapshot's day.
    """
    prices = {s: mark for s, mark in marks.items() if s in snapshot.prices}
    notes = [
        f"{symbol} stands at {mark:g}, marked by hand, in place of the market's "
        f"{snapshot.prices[symbol]:g}; what is priced on it moves with it."
        for symbol, mark in prices.items()
    ]
    # First the prices: an option's volatility is implied on the underlying as it is marked.
    found = replace(snapshot, prices={**snapshot.prices, **prices})
    for symbol in sorted(marks.keys() - prices.keys()):
        if symbol not in instruments:
            continue
        try:
            found, said = _implied(found, instruments[symbol], marks[symbol])
        except (InvalidInputError, MissingDataError) as error:
            said = (
                f"{symbol} is marked by hand at {marks[symbol]:g}, but its risk stands on the "
                f"price of the market: {error}."
            )
        notes.append(said)
    return found, tuple(notes)


def _implied(
    snapshot: MarketSnapshot, instrument: Instrument, mark: float
) -> tuple[MarketSnapshot, str]:
    symbol = instrument.symbol
    if instrument.kind is InstrumentKind.BOND:
        curve = snapshot.curve_of(instrument.currency)
        spread = zero_spread(bond_flows(instrument, snapshot), curve, mark)
        said = f"a spread of {spread * 1e4:.1f} basis points over its curve"
        return replace(snapshot, spreads={**snapshot.spreads, symbol: spread}), _said(
            symbol, mark, said
        )
    volatility = implied_volatility(option_terms(instrument, snapshot), mark)
    said = f"a volatility of {volatility:.1%} in place of {snapshot.volatilities[symbol]:.1%}"
    return replace(snapshot, volatilities={**snapshot.volatilities, symbol: volatility}), _said(
        symbol, mark, said
    )


def _said(symbol: str, mark: float, implied: str) -> str:
    return f"{symbol} is worth {mark:g}, marked by hand: {implied}, in every scenario."
