"""Whose risk it is: the book's VaR and ES split by strategy, by sector and by factor.

A group is a part of the book (its exposure by symbol); the groups of one split sum to the book,
so their components (Euler) sum to its VaR and ES. Factors split the book's P&L by regression:
what no factor explains is the row `specific`, and the rows sum to the same totals.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.tail import tail_risk
from risk.decomposition import shortfall_components

SPECIFIC = "specific"
# Fewer common sessions than this say nothing about a factor's beta.
MIN_FACTOR_SESSIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRisk:
    """One part of the book and its share of the risk, in currency at one confidence.

    Attributes
    ----------
    by, name : str
        The split (strategy, sector or factor), and the part.
    exposure : float
        Net market value; of a factor, P&L per unit return of it.
    component_var, component_es : float
        Euler contributions: normal VaR and historical ES; each split sums to the total.
    marginal_var : float or None
        Growth of VaR per unit of gross exposure added to the part pro rata; of a factor, per unit
        of its exposure. None where there is no exposure.
    incremental_var : float
        How much historical VaR would fall without the part.
    """

    by: str
    name: str
    exposure: float
    component_var: float
    component_es: float
    marginal_var: float | None
    incremental_var: float


def group_risks(
    by: str,
    groups: Mapping[str, FloatArray],
    *,
    covariance: FloatArray,
    returns: FloatArray,
    confidence: float,
) -> tuple[GroupRisk, ...]:
    """Split the book that the groups make together, the largest component first.

    Parameters
    ----------
    groups : mapping of name to ndarray of shape (n_symbols,)
        Signed market values of each part.
    covariance : ndarray of shape (n_symbols, n_symbols)
    returns : ndarray of shape (n_symbols, n_sessions)

    Raises
    ------
    InvalidInputError
        If there is no group.
    """
    if not groups:
        raise InvalidInputError(f"a split by {by} needs at least one part")
    parts = np.stack(list(groups.values()))
    book = parts.sum(axis=0)
    marginal = _marginal(book, covariance, confidence)
    pnl = parts @ returns
    tails = shortfall_components(pnl, confidence=confidence)
    gross = np.abs(parts).sum(axis=1)
    components = parts @ marginal
    without = _without(pnl, confidence)
    rows = [
        GroupRisk(
            by=by,
            name=name,
            exposure=float(parts[row].sum()),
            component_var=float(components[row]),
            component_es=float(tails[row]),
            marginal_var=float(components[row] / gross[row]) if gross[row] > 0 else None,
            incremental_var=without[row],
        )
        for row, name in enumerate(groups)
    ]
    return _largest_first(rows)


def factor_risks(
    pnl: FloatArray, factors: Mapping[str, FloatArray], *, value_at_risk: float, confidence: float
) -> tuple[GroupRisk, ...]:
    """Split the book's risk by the factors that its P&L moves with, by least squares.

    Variance splits exactly into each factor's Euler share and that of the residual; the shares
    are of `value_at_risk`, the book's normal VaR. The regression's constant is in `specific`.

    Parameters
    ----------
    pnl : ndarray of shape (n_sessions,)
        What today's book would have made.
    factors : mapping of name to ndarray of shape (n_sessions,)
        Returns on the same sessions, NaN where unknown.

    Raises
    ------
    MissingDataError
        If fewer than MIN_FACTOR_SESSIONS sessions have every factor, or the factors do not
        vary apart from each other.
    """
    moves = np.stack(list(factors.values()))
    known = np.isfinite(moves).all(axis=0)
    if known.sum() < MIN_FACTOR_SESSIONS:
        raise MissingDataError(
            f"{int(known.sum())} sessions have every factor: {MIN_FACTOR_SESSIONS} are needed"
        )
    moves, made = moves[:, known], pnl[known]
    centred = moves - moves.mean(axis=1, keepdims=True)
    exposures, _, rank, _ = np.linalg.lstsq(centred.T, made - made.mean(), rcond=1e-10)
    if rank < len(moves):
        raise MissingDataError("the factors do not vary apart from each other: leave one out")
    parts = np.vstack([exposures[:, None] * moves, made - exposures @ moves])
    shares = _variance_shares(parts)
    tails = shortfall_components(parts, confidence=confidence)
    without = _without(parts, confidence)
    sizes = [*exposures.tolist(), 0.0]
    rows = [
        GroupRisk(
            by="factor",
            name=name,
            exposure=sizes[row],
            component_var=float(shares[row] * value_at_risk),
            component_es=float(tails[row]),
            marginal_var=float(shares[row] * value_at_risk / sizes[row]) if sizes[row] else None,
            incremental_var=without[row],
        )
        for row, name in enumerate([*factors, SPECIFIC])
    ]
    return _largest_first(rows)


def _marginal(book: FloatArray, covariance: FloatArray, confidence: float) -> FloatArray:
    pull = covariance @ book
    variance = float(book @ pull)
    if variance <= 0.0:
        return np.zeros(len(book))
    scaled: FloatArray = pull * (NormalDist().inv_cdf(confidence) / math.sqrt(variance))
    return scaled


def _variance_shares(parts: FloatArray) -> FloatArray:
    """Return each part's covariance with the whole over the whole's variance; they sum to 1."""
    total = parts.sum(axis=0)
    centred = total - total.mean()
    variance = float(centred @ centred)
    if variance <= 0.0:
        return np.zeros(len(parts))
    shares: FloatArray = (parts - parts.mean(axis=1, keepdims=True)) @ centred / variance
    return shares


def _without(parts: FloatArray, confidence: float) -> list[float]:
    total = parts.sum(axis=0)
    whole = tail_risk(total, confidence=confidence).value_at_risk
    return [whole - tail_risk(total - part, confidence=confidence).value_at_risk for part in parts]


def _largest_first(rows: list[GroupRisk]) -> tuple[GroupRisk, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.component_var, row.name)))
