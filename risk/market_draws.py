"""Scenarios of a multi-asset market: drawn jointly from its history, or made by a shock.

Both give `MarketMoves`, so that `risk.revaluation` prices either like the history itself.
"""

from collections.abc import Mapping

import numpy as np

from basics.arrays import FloatArray
from market.multi_asset import MarketMoves, MarketSnapshot
from measures.covariance import covariance_root, sample_covariance
from risk.exposure import betas
from risk.shocks import Shock

DEGREES = 5.0  # Of the joint Student t: daily returns are as heavy-tailed as that.
LEAST_MOVE = -0.95  # No price falls further in a drawn scenario.
EVERY = "*"


def joint_t_moves(moves: MarketMoves, *, n_scenarios: int, rng: np.random.Generator) -> MarketMoves:
    """Draw moves of every price, rate, node and volatility together, as a multivariate t.

    Zero mean, the sample covariance of the history, five degrees of freedom; all factors share
    the scenario's scale, so that they are extreme together. What has a gap in its history is not
    drawn: a position on it was left out before.
    """
    stacked, places = _stacked(moves)
    root = covariance_root(sample_covariance(stacked))
    normal = rng.standard_normal((len(stacked), n_scenarios))
    scale = np.sqrt((DEGREES - 2.0) / rng.chisquare(DEGREES, n_scenarios))
    drawn = (root @ normal) * scale
    found: dict[str, dict[str, FloatArray]] = {name: {} for name in places}
    for kind, rows in places.items():
        for name, where in rows.items():
            values = drawn[where] if kind == "curves" else np.maximum(drawn[where][0], LEAST_MOVE)
            found[kind][name] = values
    return MarketMoves(n_scenarios=n_scenarios, **found)


def shock_moves(
    shock: Shock,
    snapshot: MarketSnapshot,
    history: MarketMoves,
    *,
    market: FloatArray,
    pairs: Mapping[str, str],
) -> MarketMoves:
    """Return the one scenario that a shock makes of the market.

    Prices move by their beta to `market`, every curve by the change of rates, every volatility
    by its multiple, every currency by its own return or that of `*`.

    Parameters
    ----------
    market : ndarray of shape (n_scenarios,)
        The market's return in each scenario of `history`.
    pairs : mapping of symbol to currency
        The instruments that are a currency's price.
    """
    names = tuple(history.prices)
    rows = np.array([history.prices[name] for name in names]).reshape(len(names), len(market))
    slopes = betas(rows, market)
    own = shock.symbol_returns
    prices = {
        name: np.array([max(slope * shock.market_return + own.get(name, 0.0), -1.0)])
        for name, slope in zip(names, slopes, strict=True)
    }
    everywhere = shock.currency_returns.get(EVERY, 0.0)
    currencies = {name: shock.currency_returns.get(name, everywhere) for name in snapshot.fx}
    # A currency pair is an instrument too: it moves with its rate, not with the stock market.
    prices |= {name: np.array([currencies[pairs[name]]]) for name in names if name in pairs}
    return MarketMoves(
        n_scenarios=1,
        prices=prices,
        fx={name: np.array([change]) for name, change in currencies.items()},
        curves={
            name: np.full((len(curve.years), 1), shock.rate_change)
            for name, curve in snapshot.curves.items()
        },
        volatilities={
            name: np.array([shock.volatility_multiple - 1.0]) for name in history.volatilities
        },
    )


def compounded_moves(history: MarketMoves, part: slice) -> MarketMoves:
    """Return the one scenario in which everything does what it did over a stretch of history.

    Returns and relative changes compound, changes of zero rates add up.
    """

    def grown(values: FloatArray) -> FloatArray:
        return np.array([np.prod(1.0 + values[part]) - 1.0])

    return MarketMoves(
        n_scenarios=1,
        prices={name: grown(values) for name, values in history.prices.items()},
        fx={name: grown(values) for name, values in history.fx.items()},
        curves={n: v[:, part].sum(axis=1, keepdims=True) for n, v in history.curves.items()},
        volatilities={name: grown(values) for name, values in history.volatilities.items()},
    )


def likeliest_moves(history: MarketMoves, pnl: FloatArray, multiples: FloatArray) -> MarketMoves:
    """Return what the market is expected to do when the book loses multiples of its deviation.

    A joint normal of every move and the book's P&L: E[move | P&L = -m s] = -m Cov(move, P&L) / s.
    One scenario a multiple; no price falls further than in a drawn one.

    Parameters
    ----------
    pnl : ndarray of shape (n_scenarios,)
        Of the book in each scenario of `history`; not constant.
    """
    unit = (pnl - pnl.mean()) / pnl.std()
    found: dict[str, dict[str, FloatArray]] = {}
    for kind in ("prices", "fx", "curves", "volatilities"):
        found[kind] = {}
        for name, values in getattr(history, kind).items():
            pull = np.nan_to_num(values) @ unit / len(unit)
            moved = -np.multiply.outer(pull, multiples)
            found[kind][name] = moved if kind == "curves" else np.maximum(moved, LEAST_MOVE)
    return MarketMoves(n_scenarios=len(multiples), **found)


def _stacked(moves: MarketMoves) -> tuple[FloatArray, Mapping[str, dict[str, slice]]]:
    """Return every factor's history as a row, and where each name stands."""
    rows: list[FloatArray] = []
    places: dict[str, dict[str, slice]] = {}
    at = 0
    for kind in ("prices", "fx", "curves", "volatilities"):
        places[kind] = {}
        for name, values in getattr(moves, kind).items():
            block = np.atleast_2d(values)
            if not np.isfinite(block).all():
                continue
            rows.append(block)
            places[kind][name] = slice(at, at + len(block))
            at += len(block)
    return np.concatenate(rows), places
