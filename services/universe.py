"""The instruments that a dataset of prices lets the desk trade."""

from collections.abc import Iterable, Mapping

from basics.instruments import Instrument


def equities(
    symbols: Iterable[str], sectors: Mapping[str, str], currencies: Mapping[str, str] | None = None
) -> Mapping[str, Instrument]:
    """Return a stock for each symbol, with its sector where the table has one.

    Parameters
    ----------
    currencies : mapping of symbol to currency, optional
        In which a symbol is quoted; the others are in US dollars.
    """
    quoted = currencies or {}
    return {
        symbol: Instrument(
            symbol=symbol, sector=sectors.get(symbol), currency=quoted.get(symbol, "USD")
        )
        for symbol in sorted(symbols)
    }
