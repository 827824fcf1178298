"""The three interval methods beside each other, on the errors that a version made out of sample."""

from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from models.confidence import YearCoverage, coverage_by_year
from models.coverage import BAND
from models.intervals import METHODS, IntervalMethod
from services import model_documents as documents
from services.ports import ModelRegistry


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
    table = documents.prediction_grids(registry.read(found, documents.PREDICTIONS))
    errors = table.outcome - table.values[found.estimator]
    unit = table.values[documents.SCALE]
    method = IntervalMethod(delay=stored.interval_delay)
    return tuple(
        _review(replace(method, method=each), errors / unit, unit, table.sessions,
                in_force=each == stored.interval_method)
        for each in METHODS
    )  # fmt: skip


def _review(
    method: IntervalMethod,
    errors: FloatArray,
    unit: FloatArray,
    sessions: DateArray,
    *,
    in_force: bool,
) -> MethodReview:
    below, above = method.bounds(errors)
    known = np.isfinite(errors) & np.isfinite(above)
    inside = np.where(known, (errors <= above) & (errors >= -below), np.nan)
    years = sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    by_year = coverage_by_year(inside, years)
    low, high = BAND
    return MethodReview(
        method=method.method,
        in_force=in_force,
        coverage=float(np.nanmean(inside)),
        mean_width=float(np.nanmean(np.where(known, (above + below) * unit, np.nan))),
        years=len(by_year),
        outside=tuple(year for year in by_year if not low <= year.share <= high),
    )
