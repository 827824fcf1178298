"""Ticks inside a session of the SIMULATED multi-asset market: from each close to the next.

A Brownian bridge in logarithms for each instrument and exchange rate, of the volatility that a day
of that size suggests; what cannot be written in logarithms moves along a straight line. It ends
at the session's closes. Nothing in it was observed.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from market.simulated.multi_asset import SimulatedAssets

OPENS, CLOSES = time(14, 30), time(21)
_LEAST_DAY = 0.002  # Of a day without a move: even then prices breathe.


def bridge_ticks(
    market: SimulatedAssets, session: date, rng: np.random.Generator, *, trades: int
) -> pl.DataFrame:
    """Return `symbol`, `event_time` and `price` of a session, in order of time.

    Parameters
    ----------
    trades : int
        Of each symbol; a currency's name is the symbol of its rate.

    Raises
    ------
    MissingDataError
        If the market has no such session with one before it.
    """
    at = int(np.searchsorted(market.sessions, np.datetime64(session, "D")))
    if not 0 < at < len(market.sessions) or market.sessions[at].item() != session:
        raise MissingDataError(f"{session} is no session of the simulated market with one before")
    opens = datetime.combine(session, OPENS, tzinfo=UTC)
    span = datetime.combine(session, CLOSES, tzinfo=UTC) - opens
    tables = []
    for symbol, (before, after) in _ends(market, at).items():
        places = np.sort(rng.random(trades))
        places[-1] = 1.0
        tables.append(
            pl.DataFrame(
                {
                    "symbol": [symbol] * trades,
                    "event_time": [opens + timedelta(seconds=p * span.total_seconds())
                                   for p in places.tolist()],
                    "price": _path(before, after, places, rng),
                }
            )
        )  # fmt: skip
    return pl.concat(tables).sort("event_time", "symbol")


def _ends(market: SimulatedAssets, at: int) -> Mapping[str, tuple[float, float]]:
    """Return the closes around the session of everything that has both."""
    found: dict[str, tuple[float, float]] = {}
    for panel in (market.closes, market.rates):
        pairs = panel["close"][:, at - 1 : at + 1].tolist()
        found |= {
            symbol: (before, after)
            for symbol, (before, after) in zip(panel.symbols, pairs, strict=True)
            if np.isfinite(before) and np.isfinite(after)
        }
    return found


def _path(before: float, after: float, places: FloatArray, rng: np.random.Generator) -> FloatArray:
    if before <= 0 or after <= 0:
        straight: FloatArray = before + (after - before) * places
        return straight
    start, end = np.log(before), np.log(after)
    daily = max(abs(end - start), _LEAST_DAY)
    steps = np.diff(places, prepend=0.0)
    walk = np.cumsum(np.sqrt(steps) * rng.standard_normal(len(places)))
    bridge = daily * (walk - places * walk[-1])
    path: FloatArray = np.exp(start + (end - start) * places + bridge)
    return path
