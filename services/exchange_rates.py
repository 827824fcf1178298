"""Exchange rates that a user imported: a dataset of the lake, a row a currency and session.

A rate is units of the base currency (US dollars) for one of the currency. The rate of a session
is the one of its own day, as known now: nobody fills a gap, the valuation names it.
"""

import numpy as np

from basics.arrays import DateArray
from basics.errors import MissingDataError
from market.panel import Panel
from services.market_data import MarketData

FX_RATES = "fx_rates"
HOW_TO_IMPORT = "import exchange rates (`quantdesk data import FILE --kind rates`)"


def rates_on(market: MarketData, sessions: DateArray) -> Panel | None:
    """Return the imported rates on `sessions`, NaN where there is none; None if none is in it."""
    if not len(sessions) or not market.lake.has(FX_RATES):
        return None
    span = sessions[0].item(), sessions[-1].item()
    try:
        found = market.panel(FX_RATES, fields=("close",), start=span[0], end=span[1])
    except MissingDataError:
        return None
    at = np.searchsorted(found.sessions, sessions).clip(max=len(found.sessions) - 1)
    there = found.sessions[at] == sessions
    values = np.where(there, found["close"][:, at], np.nan)
    return Panel(found.symbols, sessions, {"close": values}, found.simulated)
