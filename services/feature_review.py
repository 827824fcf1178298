"""What a feature is and what it was worth: formula, coverage, information coefficient by year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from features.definitions import Feature, FeatureSet
from features.evaluation import evaluate, plan
from features.expressions import field
from features.labels import forward_return
from features.live_state import live_state_of_all
from features.operators import cross_rank
from market.panel import Panel
from services.feature_store import FeatureStore

# A rank correlation over fewer symbols says nothing.
MIN_SYMBOLS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class YearOfSkill:
    """The rank IC of one calendar year.

    Attributes
    ----------
    sessions : int
        Sessions with at least five symbols that have feature and label.
    ic_mean, ic_std : float
        Mean and standard deviation (ddof 1) over sessions of Spearman's correlation across
        symbols between the feature and the forward return; NaN without enough sessions.
    """

    year: int
    sessions: int
    ic_mean: float
    ic_std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReview:
    """A feature as `quantdesk features describe` shows it.

    Attributes
    ----------
    fields, beside : tuple of str
        Fields of the bars that it reads; what it reads of calendar, series and reference data.
    live : str
        What a live update rests on: see `features.live_state`.
    coverage : float
        Share of the bars past the lookback of their symbol's first bar that have a value.
    simulated : tuple of str
        Simulated fields that it reads: with any, its IC is no evidence.
    years : tuple of YearOfSkill
    """

    name: str
    feature_set: str
    content_hash: str
    formula: str
    meaning: str
    fields: tuple[str, ...]
    beside: tuple[str, ...]
    lookback: int
    live: str
    dataset: str
    horizon: int
    coverage: float
    simulated: tuple[str, ...]
    ic_mean: float
    icir: float
    years: tuple[YearOfSkill, ...]


def review_feature(
    store: FeatureStore, features: FeatureSet, name: str, *, dataset: str, horizon: int = 5
) -> FeatureReview:
    """Review the feature `name` of the set over `dataset`.

    Raises
    ------
    MissingDataError
        If the feature, the dataset or a field is missing.
    """
    feature = features[name]
    # What reads the calendar alone is shown where symbols have a close.
    shown = (feature,) if feature.fields else (feature, Feature("close", field("close")))
    alone = FeatureSet(features.name, features.version, shown, features.complete_windows)
    bars = store.bars(alone, dataset, also=("close",))
    values = alone.compute(bars, threads=store.threads)[name]
    labels = forward_return(bars, horizon=horizon)
    skill = rank_ic(values, labels.values)
    return FeatureReview(
        name=name,
        feature_set=features.label,
        content_hash=features.content_hash,
        formula=feature.formula,
        meaning=feature.meaning,
        fields=feature.fields,
        beside=feature.beside,
        lookback=feature.lookback,
        live=live_state_of_all([feature.expression]),
        dataset=dataset,
        horizon=horizon,
        coverage=_coverage(values, bars, feature.lookback),
        simulated=tuple(sorted(bars.simulated & set(feature.fields))),
        ic_mean=_mean(skill),
        icir=_mean(skill) / _std(skill) if _std(skill) > 0 else float("nan"),
        years=_by_year(skill, bars.sessions),
    )


def rank_ic(feature: FloatArray, label: FloatArray) -> FloatArray:
    """Return Spearman's correlation across symbols for each session.

    Parameters
    ----------
    feature, label : ndarray of shape (n_symbols, n_sessions)
        NaN for what is missing; a symbol counts where both are there.

    Returns
    -------
    ndarray of shape (n_sessions,)
        NaN below five symbols, or where one of the two does not vary.
    """
    both = ~np.isnan(feature) & ~np.isnan(label)
    pair = {"a": np.where(both, feature, np.nan), "b": np.where(both, label, np.nan)}
    ranks = evaluate(plan([cross_rank(field("a")), cross_rank(field("b"))]), pair)
    count = both.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = ranks - np.nansum(ranks, axis=1, keepdims=True) / count
        product = np.nansum(centred[0] * centred[1], axis=0)
        scale = np.sqrt(np.nansum(centred[0] ** 2, axis=0) * np.nansum(centred[1] ** 2, axis=0))
        # Ranks are multiples of 1/(2n): below this, all were tied.
        correlation: FloatArray = np.where(
            (count >= MIN_SYMBOLS) & (scale > 1e-9), product / scale, np.nan
        )
    return correlation


def _coverage(values: FloatArray, bars: Panel, lookback: int) -> float:
    there = np.logical_or.reduce([~np.isnan(field_) for field_ in bars.fields.values()])
    age = np.cumsum(there, axis=1)
    due = there & (age > lookback)
    return float(np.isfinite(values[due]).mean()) if due.any() else float("nan")


def _by_year(skill: FloatArray, sessions: np.ndarray[Any, Any]) -> tuple[YearOfSkill, ...]:
    years = sessions.astype("datetime64[Y]").astype(int) + 1970
    return tuple(
        YearOfSkill(
            year=int(year),
            sessions=int(np.isfinite(skill[years == year]).sum()),
            ic_mean=_mean(skill[years == year]),
            ic_std=_std(skill[years == year]),
        )
        for year in np.unique(years)
    )


def _mean(skill: FloatArray) -> float:
    known = skill[np.isfinite(skill)]
    return float(known.mean()) if len(known) else float("nan")


def _std(skill: FloatArray) -> float:
    known = skill[np.isfinite(skill)]
    return float(known.std(ddof=1)) if len(known) > 1 else float("nan")


def list_features(sets: Sequence[FeatureSet]) -> Sequence[Mapping[str, object]]:
    """Return one row for each feature of the sets."""
    return [
        {
            "set": each.label,
            "feature": feature.name,
            "lookback": feature.lookback,
            "live": live_state_of_all([feature.expression]),
            "fields": list(feature.fields),
            "meaning": feature.meaning,
            "formula": feature.formula,
        }
        for each in sets
        for feature in each.features
    ]
