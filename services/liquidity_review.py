"""How much of each symbol can be traded, and what that costs, from its daily bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.errors import MissingDataError
from market.liquidity import (
    ALMGREN_2005,
    amihud,
    average_daily_volume,
    corwin_schultz,
    days_to_liquidate,
    roll_spread,
)
from services.market_data import MarketData

FIELDS = ("high", "low", "close", "volume")
PARTICIPATION = 0.1  # Share of the day's volume that an unhurried order takes.


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolLiquidity:
    """The liquidity of one symbol; fractions of price unless said otherwise, NaN where unknown.

    Attributes
    ----------
    adv_shares, adv_value : float
        Average daily volume in shares and in money.
    roll, corwin_schultz : float
        Estimated spreads: Roll (1984), mean of Corwin and Schultz (2012) over the window.
    amihud : float
        Mean |return| per unit of money traded.
    impact : float
        Expected cost of the order within one day, spread included, as a fraction of its value.
    days_to_liquidate : float
        Days the order takes at a tenth of average volume.
    """

    symbol: str
    adv_shares: float
    adv_value: float
    roll: float
    corwin_schultz: float
    amihud: float
    impact: float
    days_to_liquidate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityReview:
    """The liquidity of a dataset at its last session.

    Attributes
    ----------
    simulated : tuple of str
        Fields read that are drawn from a seed: what rests on them was not observed.
    """

    dataset: str
    session: date
    window: int
    order_value: float
    simulated: tuple[str, ...]
    rows: tuple[SymbolLiquidity, ...]


def review_liquidity(
    market: MarketData,
    dataset: str,
    *,
    symbols: Sequence[str] | None = None,
    window: int = 60,
    order_value: float = 1e6,
) -> LiquidityReview:
    """Measure liquidity over the last `window` sessions.

    Raises
    ------
    MissingDataError
        If there are fewer sessions than `window` needs, or a field is missing.
    """
    panel = market.panel(dataset, fields=FIELDS, symbols=symbols)
    needed = window + 2  # A window of returns, and the return before each of them.
    if len(panel.sessions) < needed:
        raise MissingDataError(
            f"{dataset} has {len(panel.sessions)} sessions: a window of {window} needs {needed}"
        )
    high, low, close, volume = (panel[name][:, -needed:] for name in FIELDS)
    last = close[:, -1]
    adv = average_daily_volume(volume, window=window)[:, -1]
    volatility = np.nanstd(np.diff(np.log(close), axis=1)[:, -window:], axis=1, ddof=1)
    quantity = order_value / last
    sound = np.isfinite(quantity) & (adv > 0) & (volatility > 0)
    impact = np.full(len(last), np.nan)
    parts = ALMGREN_2005.parts(
        quantity[sound], volume=adv[sound], volatility=volatility[sound], days=1.0
    )
    impact[sound] = parts.total
    table = (
        adv,
        adv * last,
        roll_spread(close, window=window)[:, -1],
        np.nanmean(corwin_schultz(high, low, close)[:, -window:], axis=1),
        amihud(close, volume, window=window)[:, -1],
        impact,
        np.where(sound, days_to_liquidate(quantity, adv, participation=PARTICIPATION), np.nan),
    )
    session: date = panel.sessions[-1].item()
    return LiquidityReview(
        dataset=dataset,
        session=session,
        window=window,
        order_value=order_value,
        simulated=tuple(sorted(panel.simulated & set(FIELDS))),
        rows=tuple(
            SymbolLiquidity(
                symbol=symbol,
                adv_shares=float(table[0][i]),
                adv_value=float(table[1][i]),
                roll=float(table[2][i]),
                corwin_schultz=float(table[3][i]),
                amihud=float(table[4][i]),
                impact=float(table[5][i]),
                days_to_liquidate=float(table[6][i]),
            )
            for i, symbol in enumerate(panel.symbols)
        ),
    )
