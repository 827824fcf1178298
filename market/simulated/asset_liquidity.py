"""How much of each simulated instrument trades in a day: written down, not observed.

No volume of the simulated market exists, so these are levels chosen by hand, of the size that the
kind of instrument which each one imitates trades at: a large company's shares, an issue of
government debt off the run (the bonds are priced on their currency's own zero curve, without a
spread), a near index future, a major currency pair. They decide how many days a sale takes and
are evidence of nothing.
"""

from collections.abc import Mapping

from basics.errors import MissingDataError

SOURCE = (
    "levels written down for each instrument of the simulated market "
    "(market/simulated/asset_liquidity.py), not observed"
)
# Dollars a day, by symbol or by the stem of a series of contracts, in the exposure that a position
# is measured by: the notional of a future, delta times the underlying of an option.
DAILY_NOTIONAL: Mapping[str, float] = {
    "SIM-EQ-US": 4.0e7,
    "SIM-EQ-SHORT": 1.5e7,
    "SIM-EQ-EU": 2.5e7,
    "SIM-EQ-JP": 2.0e7,
    "SIM-ETF-US": 1.2e8,
    "SIM-EURUSD": 5.0e9,
    "SIM-COIN": 6.0e6,
    "SIM-BOND-US": 1.5e8,
    "SIM-BOND-EU": 6.0e7,
    "SIM-BOND-JP": 4.0e7,
    "SIM-NOTE-US": 2.0e8,
    "SIM-FUT": 8.0e8,
    "SIM-CALL": 4.0e6,
    "SIM-PUT": 3.0e6,
}
# Of one currency against the dollar, for cash that must be exchanged.
EXCHANGED: Mapping[str, float] = {"EUR": 5.0e9, "JPY": 3.0e9}


def daily_notional(symbol: str) -> float:
    """Return the dollars of an instrument that trade in a day.

    Raises
    ------
    MissingDataError
        If nothing is written down for it.
    """
    known = DAILY_NOTIONAL.get(symbol)
    if known is None:  # A contract is named by its stem and its expiry.
        known = DAILY_NOTIONAL.get(symbol.rpartition("-")[0])
    if known is None:
        raise MissingDataError(
            f"nothing says how much of {symbol} trades in a day: add it to DAILY_NOTIONAL of "
            "market/simulated/asset_liquidity.py"
        )
    return known
