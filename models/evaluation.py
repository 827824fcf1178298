"""How good predictions were, session by session.

All functions take grids of shape (n_symbols, n_sessions); a cell counts where both the
prediction and the outcome are finite. Results are NaN in sessions with too few such cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError
from measures.evidence import newey_west_mean

MIN_SYMBOLS = 3


def information_coefficient(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return Pearson's correlation over the symbols of each session, of shape (n_sessions,).

    NaN with fewer than three cells, or where either side is constant.
    """
    return _correlation(*_common(prediction, outcome))


def rank_information_coefficient(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return Spearman's correlation over the symbols of each session; ties share their rank."""
    p, o = _common(prediction, outcome)
    return _correlation(_ranks(p), _ranks(o))


def squared_error(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the mean squared error over the symbols of each session."""
    p, o = _common(prediction, outcome)
    return session_mean((p - o) ** 2)


def long_short_returns(
    prediction: FloatArray, outcome: FloatArray, *, every: int, cost_rate: float
) -> tuple[FloatArray, FloatArray]:
    """Return the net return of a self-financing portfolio, and its turnover.

    At every `every`-th session the weights are the prediction less its mean, scaled to a gross
    exposure of 1 (all zero where predictions do not differ). They earn the outcome until the
    next rebalance, so outcomes must be returns over `every` sessions for the periods not to
    overlap.

    Parameters
    ----------
    cost_rate : float
        Cost of trading one unit of weight, a fraction of the traded value.

    Returns
    -------
    tuple of ndarray, each of shape (n_periods,)
        Return on gross exposure net of costs; sum of absolute changes in weight.
    """
    picked = slice(None, None, every)
    p, o = _common(prediction[:, picked], outcome[:, picked])
    centred = np.nan_to_num(p - session_mean(p))
    # Equal predictions differ by rounding alone: they are no opinion.
    centred[np.abs(centred) < 1e-15] = 0.0
    gross = np.abs(centred).sum(axis=0)
    weights = np.divide(centred, gross, out=np.zeros_like(centred), where=gross > 0)
    turnover = np.abs(np.diff(weights, axis=1, prepend=0.0)).sum(axis=0)
    return (weights * np.nan_to_num(o)).sum(axis=0) - cost_rate * turnover, turnover


@dataclass(frozen=True, slots=True, kw_only=True)
class YearScore:
    """One calendar year of session scores.

    Attributes
    ----------
    rank_ic : float
        Mean rank correlation over the year's sessions.
    standard_error : float
        Newey-West, with the label's overlap as lags.
    """

    year: int
    rank_ic: float
    standard_error: float
    sessions: int


def yearly_rank_ic(
    rank_ic: FloatArray, sessions: DateArray, *, overlap: int
) -> tuple[YearScore, ...]:
    """Average the session scores by calendar year; years with under 20 scores are left out."""
    years = sessions.astype("datetime64[Y]").astype(int) + 1970
    scores = []
    for year in np.unique(years):
        values = rank_ic[(years == year) & np.isfinite(rank_ic)]
        if len(values) < 20:
            continue
        test = newey_west_mean(values, lags=overlap)
        scores.append(
            YearScore(
                year=int(year), rank_ic=test.mean,
                standard_error=test.standard_error, sessions=len(values),
            )
        )  # fmt: skip
    return tuple(scores)


def score_summary(
    prediction: FloatArray, outcome: FloatArray, *, overlap: int
) -> Mapping[str, float]:
    """Return the named figures of one model over all sessions.

    `icir` is the mean over the standard deviation (ddof 1) of the session scores, not
    annualised; `t` statistics are Newey-West. A model without opinion scores 0.
    """
    figures: dict[str, float] = {}
    for name, scores in (
        ("ic", information_coefficient(prediction, outcome)),
        ("rank_ic", rank_information_coefficient(prediction, outcome)),
    ):
        known = scores[np.isfinite(scores)]
        if len(known) < max(8, overlap + 2):
            figures |= {name: 0.0, f"{name}_t": 0.0, f"{name}ir": 0.0}
            continue
        test = newey_west_mean(known, lags=overlap)
        figures |= {name: test.mean, f"{name}_t": test.statistic}
        figures[f"{name}ir"] = float(known.mean() / known.std(ddof=1))
    errors = squared_error(prediction, outcome)
    figures["mse"] = float(np.nanmean(errors))
    return figures


def area_under_curve(score: FloatArray, label: FloatArray) -> float:
    """Return the probability that a taken side scores above one left; ties count half.

    Raises
    ------
    InvalidInputError
        If the labels hold one class only: there is nothing to tell apart.
    """
    from scipy.stats import rankdata

    positives = int((label == 1).sum())
    negatives = int((label == 0).sum())
    if not positives or not negatives:
        raise InvalidInputError(
            f"{positives} winners and {negatives} losers: one class only tells nothing apart"
        )
    ranks = rankdata(score)
    above = ranks[label == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def _common(prediction: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both with NaN wherever either is not finite."""
    known = np.isfinite(prediction) & np.isfinite(outcome)
    return np.where(known, prediction, np.nan), np.where(known, outcome, np.nan)


def session_mean(values: FloatArray) -> FloatArray:
    """Return the mean of each session over the known cells; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(values.shape[1], np.nan), where=count > 0)
    return np.asarray(mean, dtype=np.float64)


def _correlation(p: FloatArray, o: FloatArray) -> FloatArray:
    count = np.isfinite(p).sum(axis=0)
    p = np.nan_to_num(p - session_mean(p))
    o = np.nan_to_num(o - session_mean(o))
    spread = np.sqrt((p**2).sum(axis=0) * (o**2).sum(axis=0))
    usable = (count >= MIN_SYMBOLS) & (spread > 1e-18)
    together = (p * o).sum(axis=0)
    result = np.divide(together, spread, out=np.full(p.shape[1], np.nan), where=usable)
    return np.asarray(result, dtype=np.float64)


def _ranks(values: FloatArray) -> FloatArray:
    """Return the average rank of each cell within its session, NaN kept."""
    ranks = np.full_like(values, np.nan)
    for i, row in enumerate(values):
        below = (values < row).sum(axis=0)
        ties = (values == row).sum(axis=0)
        ranks[i] = np.where(np.isfinite(row), below + 0.5 * (ties + 1), np.nan)
    return ranks
