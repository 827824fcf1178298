"""Which stored portfolio is meant when none is named."""

from collections.abc import Sequence

from basics.errors import InvalidInputError

MULTI_ASSET = "multi-asset"  # The demo portfolio of every kind of instrument.

SIMULATED_INDICES = "three simulated indices: 60% USD, 25% EUR, 15% JPY"  # Its benchmark.
# Shown when named: what is left out means the desk's own portfolio, on observed prices.
ON_SIMULATED_MARKETS = frozenset({MULTI_ASSET})


def label_of(portfolio: str) -> str:
    """Return the name as it is shown: with a word on the market where that is simulated."""
    return f"{portfolio} (SIMULATED market)" if portfolio in ON_SIMULATED_MARKETS else portfolio


def chosen_portfolio(known: Sequence[str], asked: str | None) -> str:
    """Return the portfolio asked for, or the only one that trades on an observed market.

    Parameters
    ----------
    known : sequence of str
        The portfolios of which something is stored, and strategies of them (`core/model`), which
        are taken when named; at least one.

    Raises
    ------
    InvalidInputError
        If none was asked for and several could be meant.
    """
    if asked is not None:
        return asked
    whole = [name for name in known if "/" not in name] or list(known)
    real = [name for name in whole if name not in ON_SIMULATED_MARKETS] or whole
    if len(real) > 1:
        raise InvalidInputError(f"several portfolios are stored: name one of {', '.join(whole)}")
    return real[0]
