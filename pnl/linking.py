"""Effects of single periods linked over time, so that they sum to the span's excess return.

Effects of a period sum to Rp_t - Rb_t; compounding makes the span's Rp - Rb another number. Each
method scales a period's effects so that the sums meet it: Carino (1999) by logarithms, Menchero
(2000) by the smallest correction, GRAP (1997) by the portfolio's growth before and the
benchmark's after, Frongello (2002) by carrying forward, which comes to the same sums as GRAP.
`geometric` measures the ratio (1 + Rp) / (1 + Rb) - 1 instead, whose parts multiply.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from pnl.brinson import BrinsonEffects


class Linking(StrEnum):
    """How effects of periods are put together."""

    CARINO = "carino"
    MENCHERO = "menchero"
    GRAP = "grap"
    FRONGELLO = "frongello"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricEffects:
    """(1 + allocation)(1 + selection) = (1 + Rp) / (1 + Rb) over the span."""

    allocation: float
    selection: float
    excess: float


def link(
    effects: FloatArray, portfolio: FloatArray, benchmark: FloatArray, *, method: Linking
) -> FloatArray:
    """Return each effect over the whole span, (n_effects,); they sum to Rp - Rb.

    Parameters
    ----------
    effects : ndarray of shape (n_periods, n_effects)
        Rows sum to `portfolio - benchmark`.
    portfolio, benchmark : ndarray of shape (n_periods,)
        Simple returns, above -1.

    Raises
    ------
    InvalidInputError
        If a row does not sum to the period's excess return, or a return is not above -1.
    MissingDataError
        If there is no period.
    """
    _check(effects, portfolio, benchmark)
    if method is Linking.FRONGELLO:
        return _frongello(effects, portfolio, benchmark)
    factor = {
        Linking.CARINO: _carino,
        Linking.MENCHERO: _menchero,
        Linking.GRAP: _grap,
    }[method](portfolio, benchmark)
    linked: FloatArray = factor @ effects
    return linked


def geometric(effects: BrinsonEffects) -> GeometricEffects:
    """Link allocation (all levels) and selection with interaction geometrically.

    Per period the semi-notional return Rs = Rb + allocation separates the two:
    (1 + Rs) / (1 + Rb) and (1 + Rp) / (1 + Rs) (Burnie, Knowles and Teder 1998).
    """
    columns = [level.allocation.sum(axis=1) for level in effects.levels]
    semi = effects.benchmark + np.sum(columns, axis=0)
    for name, series in (("benchmark", effects.benchmark), ("semi-notional", semi)):
        if (series <= -1.0).any():
            raise InvalidInputError(f"the {name} loses everything: no ratio to it exists")
    allocation = float(np.prod((1.0 + semi) / (1.0 + effects.benchmark)) - 1.0)
    selection = float(np.prod((1.0 + effects.portfolio) / (1.0 + semi)) - 1.0)
    return GeometricEffects(
        allocation=allocation,
        selection=selection,
        excess=(1.0 + allocation) * (1.0 + selection) - 1.0,
    )


def _check(effects: FloatArray, portfolio: FloatArray, benchmark: FloatArray) -> None:
    if not len(portfolio):
        raise MissingDataError("there is no period to link: widen the range")
    if effects.ndim != 2 or not len(effects) == len(portfolio) == len(benchmark):
        raise InvalidInputError(
            f"effects {effects.shape} do not fit {len(portfolio)} and {len(benchmark)} periods"
        )
    if not ((portfolio > -1.0).all() and (benchmark > -1.0).all()):
        raise InvalidInputError("a return of -100% or less cannot be linked: end the span before")
    off = np.abs(effects.sum(axis=1) - (portfolio - benchmark))
    if not (off <= 1e-9).all():
        at = int(np.argmax(~(off <= 1e-9)))
        raise InvalidInputError(f"the effects of period {at} miss its excess return by {off[at]}")


def _log_ratio(portfolio: FloatArray, benchmark: FloatArray) -> FloatArray:
    """Return (ln(1+Rp) - ln(1+Rb)) / (Rp - Rb), at equality its limit 1 / (1 + Rp)."""
    excess = portfolio - benchmark
    # log1p of the relative excess keeps the digits that a difference of logs would lose.
    relative = excess / (1.0 + benchmark)
    small = np.abs(relative) < 1e-12
    safe = np.where(small, 1.0, relative)
    ratio: FloatArray = np.where(small, 1.0, np.log1p(safe) / safe) / (1.0 + benchmark)
    return ratio


def _carino(portfolio: FloatArray, benchmark: FloatArray) -> FloatArray:
    whole = np.prod(1.0 + portfolio) - 1.0, np.prod(1.0 + benchmark) - 1.0
    scaled: FloatArray = _log_ratio(portfolio, benchmark) / _log_ratio(
        np.array(whole[0]), np.array(whole[1])
    )
    return scaled


def _menchero(portfolio: FloatArray, benchmark: FloatArray) -> FloatArray:
    n = len(portfolio)
    own, other = np.prod(1.0 + portfolio), np.prod(1.0 + benchmark)
    spread = own ** (1.0 / n) - other ** (1.0 / n)
    even = own ** ((n - 1) / n)
    scale = even if abs(own - other) < 1e-12 else (own - other) / (n * spread)
    excess = portfolio - benchmark
    squares = float(excess @ excess)
    if squares == 0.0:
        return np.full(n, float(scale))
    correction = (own - other - scale * excess.sum()) / squares
    factors: FloatArray = scale + correction * excess
    return factors


def _grap(portfolio: FloatArray, benchmark: FloatArray) -> FloatArray:
    before = np.concatenate([[1.0], np.cumprod(1.0 + portfolio)[:-1]])
    after = np.concatenate([np.cumprod((1.0 + benchmark)[:0:-1])[::-1], [1.0]])
    factors: FloatArray = before * after
    return factors


def _frongello(effects: FloatArray, portfolio: FloatArray, benchmark: FloatArray) -> FloatArray:
    carried = np.zeros(effects.shape[1])
    growth = 1.0
    for effect, own, other in zip(effects, portfolio, benchmark, strict=True):
        carried = carried * (1.0 + other) + effect * growth
        growth *= 1.0 + own
    return carried
