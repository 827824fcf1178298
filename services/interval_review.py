"""The three interval methods beside each other, on the errors that a version made out of sample."""

from dataclasses import dataclass, replace
from itertools import product
from typing import cast

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from models.confidence import YearCoverage, coverage_by_year
from models.coverage import BAND
from models.intervals import METHODS, STEP, STEPS_OF_FEW, IntervalMethod, Method
from services import model_documents as documents
from services import model_tables as tables
from services.ports import ModelRegistry

# Those that are tried beside each other.
STEPS = (0.005, 0.01, 0.02, 0.04, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodReview:
    """How one method would have done.

    Attributes
    ----------
    in_force : bool
        The method that the version's kind uses.
    coverage : float
        Share of outcomes held, over all years.
    mean_width : float
        Of the intervals, in the unit of the target.
    outside : tuple of YearCoverage
        Calendar years outside 88% to 92%.
    """

    method: str
    in_force: bool
    coverage: float
    mean_width: float
    years: int
    all_years: tuple[int, ...]
    outside: tuple[YearCoverage, ...]


def review_intervals(
    registry: ModelRegistry, name: str, version: str | int | None = None
) -> tuple[MethodReview, ...]:
    """Return how each method would have bounded the version's errors; the newest judged one's.

    EnbPI starts without its ensemble here: the models of the first fold are not kept.

    Raises
    ------
    MissingDataError
        If no version with predictions out of sample and intervals stands.
    """
    judged = _judged(registry, name, version)
    return tuple(
        _review(replace(judged.method, method=each), judged, in_force=each == judged.in_force)
        for each in METHODS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReview:
    """How one step of the level would have done before and from a year.

    Attributes
    ----------
    method : str
        The way to cut the interval.
    step : float or None
        None weighs many steps (dynamically tuned adaptive conformal inference).
    before, after : tuple of int and int
        Calendar years outside 88% to 92%, and years in all.
    """

    method: str
    step: float | None
    mean_width: float
    before: tuple[int, int]
    after: tuple[int, int]


def review_steps(
    registry: ModelRegistry, name: str, *, year: int, version: str | int | None = None
) -> tuple[StepReview, ...]:
    """Return how each step would have held the version's errors before `year` and from it on.

    A step that is chosen on the years before is evidence on those after. The kinds of one or two
    series chose their method so too: all three stand there.

    Raises
    ------
    MissingDataError
        If no version with predictions out of sample and intervals stands.
    """
    judged = _judged(registry, name, version)
    methods = METHODS if name in STEPS_OF_FEW else (cast("Method", judged.in_force),)
    found = []
    for method, step in product(methods, (*STEPS, None)):
        tried = replace(judged.method, method=method, step=step)
        review = _review(tried, judged, in_force=False)
        outside = [y.year for y in review.outside]
        early = [y for y in review.all_years if y < year]
        found.append(
            StepReview(
                method=method,
                step=step,
                mean_width=review.mean_width,
                before=(sum(y < year for y in outside), len(early)),
                after=(sum(y >= year for y in outside), review.years - len(early)),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """The errors of a version out of sample, in units of their scale, and how it bounds them."""

    method: IntervalMethod
    in_force: str
    errors: FloatArray
    unit: FloatArray
    sessions: DateArray


def _judged(registry: ModelRegistry, name: str, version: str | int | None) -> _Judged:
    if version is None:
        judged = [v for v in registry.versions(name) if documents.PREDICTIONS in v.sha256]
        if not judged:
            raise MissingDataError(
                f"no version of {name!r} has predictions out of sample: train it"
            )
        found = judged[-1]
    else:
        found = registry.resolve(name, version)
    if documents.PREDICTIONS not in found.sha256:
        raise MissingDataError(f"{found.label} keeps no predictions: name a trained version")
    stored = documents.read_evaluation(registry.read(found, documents.EVALUATION))
    if not stored.coverage:
        raise MissingDataError(f"{found.label} foretells a rate: its interval holds no outcome")
    table = tables.prediction_grids(registry.read(found, documents.PREDICTIONS))
    unit = table.values[documents.SCALE]
    return _Judged(
        method=IntervalMethod(delay=stored.interval_delay, step=STEPS_OF_FEW.get(name, STEP)),
        in_force=stored.interval_method,
        errors=(table.outcome - table.values[found.estimator]) / unit,
        unit=unit,
        sessions=table.sessions,
    )


def _review(method: IntervalMethod, judged: _Judged, *, in_force: bool) -> MethodReview:
    errors = judged.errors
    below, above = method.bounds(errors)
    known = np.isfinite(errors) & np.isfinite(above)
    inside = np.where(known, (errors <= above) & (errors >= -below), np.nan)
    years = judged.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    by_year = coverage_by_year(inside, years)
    low, high = BAND
    return MethodReview(
        method=method.method,
        in_force=in_force,
        coverage=float(np.nanmean(inside)),
        mean_width=float(np.nanmean(np.where(known, (above + below) * judged.unit, np.nan))),
        years=len(by_year),
        all_years=tuple(year.year for year in by_year),
        outside=tuple(year for year in by_year if not low <= year.share <= high),
    )
