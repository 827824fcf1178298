"""The instruments that a dataset of prices lets the desk trade."""

from collections.abc import Iterable, Mapping

from basics.instruments import Instrument


def equities(symbols: Iterable[str], sectors: Mapping[str, str]) -> Mapping[str, Instrument]:
    """Return a stock in US dollars for each symbol, with its sector where the table has one."""
    return {
        symbol: Instrument(symbol=symbol, sector=sectors.get(symbol)) for symbol in sorted(symbols)
    }
