"""Profit by risk factor: an estimate, with standard errors and what it leaves unexplained.

The day's return is regressed on the day's factor returns; a factor's part of the profit is its
exposure times the factor's return on the capital of the day, summed. What the factors do not
explain (alpha and chance together) is the residual, shown, so that parts and residual sum to the
booked total to the cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.money import to_decimal
from measures.regression import newey_west_lags, ordinary_least_squares
from measures.rolling_regression import rolling_ridge
from pnl.attribution import Attribution, AttributionPart
from pnl.daily import DailyBooks


def by_factor(daily: DailyBooks, factors: Mapping[str, FloatArray]) -> Attribution:
    """Split profit by factor with one exposure for the whole span.

    Parameters
    ----------
    factors : mapping of str to ndarray of shape (n_sessions,)
        Returns (or changes) of each factor on the sessions of `daily`; NaN where unknown.
        Sessions with an unknown factor, or before any capital, stay in the residual.

    Raises
    ------
    InvalidInputError
        If a factor has another length or factors are linearly dependent.
    MissingDataError
        If too few sessions have all factors.
    """
    names, values = aligned_factors(daily, factors)
    known, capital = _usable(daily, names, values)
    returns = daily.returns()[known]
    fit = ordinary_least_squares(returns, values[known], lags=newey_west_lags(int(known.sum())))
    earned = (values[known] * capital[known, None]).sum(axis=0)
    notes = [f"R squared {fit.r_squared:.3f} over {int(known.sum())} sessions"]
    if not known.all():
        notes.append(f"{int((~known).sum())} sessions without all factors stay in the residual")
    return factor_attribution(
        daily,
        names=names,
        parts=fit.coefficients * earned,
        errors=fit.standard_errors * np.abs(earned),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorTiming:
    """One factor's profit: tilt (mean exposure held throughout) and timing (changes of it).

    Attributes
    ----------
    mean_exposure : float
        Mean return of the book per unit of the factor's, over the sessions used.
    standard_error : float
        Of tilt and timing together, in the base currency: what the window's errors add up to
        if they all err the same way, which overlapping windows nearly do.
    """

    name: str
    mean_exposure: float
    tilt: Decimal
    timing: Decimal
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingFactorAttribution:
    """Profit = common (tilt + timing of every factor) + specific, to the cent.

    Attributes
    ----------
    window, shrinkage : int, float
        Of the rolling regression.
    """

    currency: str
    window: int
    shrinkage: float
    factors: tuple[FactorTiming, ...]
    specific: Decimal
    total: Decimal

    @property
    def common(self) -> Decimal:
        """What the factors explain."""
        return sum((factor.tilt + factor.timing for factor in self.factors), Decimal(0))


def by_rolling_factor(
    daily: DailyBooks,
    factors: Mapping[str, FloatArray],
    *,
    window: int = 63,
    shrinkage: float = 0.25,
) -> RollingFactorAttribution:
    """Split profit by factor with exposures that change over time.

    Exposures come from a rolling ridge regression pulled towards the whole span
    (`measures.rolling_regression`). This looks back: the first window's exposures stand for the
    sessions before it is full.

    Raises
    ------
    InvalidInputError, MissingDataError
        As `by_factor`; and if `window` or `shrinkage` is out of range.
    """
    names, values = aligned_factors(daily, factors)
    known, capital = _usable(daily, names, values)
    moves = values[known]
    fit = rolling_ridge(
        daily.returns()[known], moves, window=window, shrinkage=shrinkage,
        lags=newey_west_lags(int(known.sum())),
    )  # fmt: skip
    earned = moves * capital[known, None]
    mean = fit.coefficients.mean(axis=0)
    tilts = mean * earned.sum(axis=0)
    timings = ((fit.coefficients - mean) * earned).sum(axis=0)
    errors = np.abs((fit.standard_errors * earned).sum(axis=0))
    parts = tuple(
        FactorTiming(
            name=name,
            mean_exposure=float(mean[i]),
            tilt=to_decimal(float(tilts[i]), digits=daily.digits),
            timing=to_decimal(float(timings[i]), digits=daily.digits),
            standard_error=float(errors[i]),
        )
        for i, name in enumerate(names)
    )
    total = daily.money(daily.pnl.sum())
    return RollingFactorAttribution(
        currency=daily.currency,
        window=window,
        shrinkage=shrinkage,
        factors=parts,
        specific=total - sum((part.tilt + part.timing for part in parts), Decimal(0)),
        total=total,
    )


def by_factor_timing(
    daily: DailyBooks,
    factors: Mapping[str, FloatArray],
    *,
    window: int = 63,
    shrinkage: float = 0.25,
) -> Attribution:
    """Return `by_rolling_factor` as a split: tilt and timing of each factor, the rest specific.

    Raises
    ------
    InvalidInputError, MissingDataError
        As `by_rolling_factor`; and if fewer sessions than a window have every factor.
    """
    names, values = aligned_factors(daily, factors)
    known, _ = _usable(daily, names, values)
    if known.sum() < window:
        raise MissingDataError(
            f"{int(known.sum())} sessions have every factor, a rolling window needs {window}: "
            "widen the range"
        )
    found = by_rolling_factor(daily, factors, window=window, shrinkage=shrinkage)
    parts = []
    for one in found.factors:
        for what, pnl in (("tilt", one.tilt), ("timing", one.timing)):
            name, error = f"{one.name}: {what}", one.standard_error
            parts.append(AttributionPart(name=name, pnl=pnl, standard_error=error))
    return Attribution(
        by="factor_timing",
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        parts=tuple(parts),
        residual=found.specific,
        total=found.total,
        exact=False,
        notes=(
            f"common (tilt and timing) {found.common:,}, specific (the residual) "
            f"{found.specific:,}",
            f"exposures over {window} sessions, shrunk by {shrinkage:g} to the whole range; a "
            "standard error is of tilt and timing together",
        ),
    )


def _usable(
    daily: DailyBooks, names: tuple[str, ...], values: FloatArray
) -> tuple[BoolArray, FloatArray]:
    """Return which sessions have every factor and capital, and the capital."""
    capital = daily.opening_capital()
    known: BoolArray = np.isfinite(values).all(axis=1) & (capital > 0)
    if known.sum() <= len(names) + 1:
        counts = np.isfinite(values).sum(axis=0).tolist()
        short = ", ".join(f"{name} {n}" for name, n in zip(names, counts, strict=True))
        raise MissingDataError(
            f"{int(known.sum())} sessions have every factor, too few to regress on {len(names)} "
            f"(known of {len(daily.sessions)}: {short}): widen the range"
        )
    return known, capital


def aligned_factors(
    daily: DailyBooks, factors: Mapping[str, FloatArray]
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the factors' names and values of shape (n_sessions, n_factors)."""
    if not factors:
        raise InvalidInputError("no factor was given: name at least one")
    for name, values in factors.items():
        if values.shape != daily.sessions.shape:
            raise InvalidInputError(
                f"factor {name} has shape {values.shape}, the books have {daily.sessions.shape}"
            )
    return tuple(factors), np.column_stack([factors[name] for name in factors])


def factor_attribution(
    daily: DailyBooks,
    *,
    names: tuple[str, ...],
    parts: FloatArray,
    errors: FloatArray,
    notes: tuple[str, ...],
) -> Attribution:
    """Round estimated parts to money; the residual takes the rest of the booked total."""
    total = daily.money(daily.pnl.sum())
    amounts = [to_decimal(float(part), digits=daily.digits) for part in parts]
    return Attribution(
        by="factor",
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        parts=tuple(
            AttributionPart(name=name, pnl=amount, standard_error=float(error))
            for name, amount, error in zip(names, amounts, errors, strict=True)
        ),
        residual=total - sum(amounts, Decimal(0)),
        total=total,
        exact=False,
        notes=notes,
    )
