"""Today's tail numbers beside the evidence of the estimators that made them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from market.panel import Panel
from measures.tail import QuantileRule, tail_risks
from risk.backtests import (
    MIN_BACKTEST_DAYS,
    BacktestRun,
    backtest,
    best_scored,
    confidence_set,
)
from risk.estimators import EMPIRICAL, ESTIMATORS, MIN_OBSERVATIONS
from risk.joint import LAWS, Draws, backtest_laws, joint_law, sampling_error
from risk.pricing import windowed_book_pnl
from risk.profile import ForecastChart, TailEstimate

CONFIDENCES = (0.95, 0.975, 0.99)
HEADLINE = 0.99
LONG_HORIZON = 10
MAX_CONSTANT_BOOK_DAYS = 500
# Sessions between two estimates of the market behind the joint laws in a backtest: a month.
JOINT_REFIT = 21
_RULE = QuantileRule.ACERBI_TASCHE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Every estimator's forecasts of the same days.

    Attributes
    ----------
    basis : str
        What was tested, for the reader.
    best : tuple of frozenset of str
        At each confidence, the estimators that cannot be told from the best.
    """

    basis: str
    sessions: DateArray
    realised: FloatArray
    runs: tuple[BacktestRun, ...]
    best: tuple[frozenset[str], ...] = ()


NO_EVIDENCE = Evidence(
    basis="no backtest: the history is too short, or none was asked for",
    sessions=np.array([], dtype="datetime64[D]"),
    realised=np.array([]),
    runs=(),
)


def book_history_evidence(
    prices: Panel,
    exposures: Panel,
    equity: FloatArray,
    *,
    lookback: int,
    rng: np.random.Generator,
    draws: Draws | None = None,
) -> Evidence:
    """Backtest on the book as it really stood, against the change of its equity.

    Parameters
    ----------
    exposures : Panel
        Field `exposure` at each close of the book's life; the last column is today's.
    equity : ndarray of shape (n_sessions,)
        Net asset value at the same closes.
    draws : Draws or None
        Of the joint laws; without them only `ESTIMATORS` are tested.
    """
    symbols = [s for s in exposures.symbols if s in set(prices.symbols)]
    rows = [prices.symbols.index(s) for s in symbols]
    held = exposures["exposure"][[exposures.symbols.index(s) for s in symbols]]
    at = np.searchsorted(prices.sessions, exposures.sessions)
    if at[-1] >= len(prices.sessions) or (prices.sessions[at] != exposures.sessions).any():
        raise MissingDataError("a session of the book has no prices: import the bars of its life")
    # Days of one continuous stretch, each with its window before it.
    n_days = len(at) - 1
    window = min(lookback, int(at[0]))
    if window < MIN_OBSERVATIONS or n_days < 2:
        return NO_EVIDENCE
    returns = daily_returns(prices["close"][rows])[:, : at[-1]]
    book_days = np.nan_to_num(held[:, :-1])
    pnl_rows = windowed_book_pnl(book_days, returns, window=window)
    realised = np.diff(equity)
    return evidence_of(
        f"the book's own history: {n_days} sessions, realised P&L after costs, "
        f"each forecast from the {window} sessions before",
        exposures.sessions[1:],
        pnl_rows,
        realised,
        rng,
        laws=_laws(book_days, returns, draws, window),
    )


def constant_book_evidence(
    exposures: FloatArray,
    returns: FloatArray,
    sessions: DateArray,
    *,
    lookback: int,
    rng: np.random.Generator,
    draws: Draws | None = None,
) -> Evidence:
    """Backtest today's book as if it had always been held (hypothetical P&L).

    Half of a short history is kept for the first forecast.
    """
    n = returns.shape[1]
    n_days = min(MAX_CONSTANT_BOOK_DAYS, n // 2)
    window = min(lookback, n - n_days)
    if window < MIN_OBSERVATIONS or n_days < 2:
        return NO_EVIDENCE
    pnl = exposures @ returns
    rows = np.lib.stride_tricks.sliding_window_view(pnl, window)[-n_days - 1 : -1]
    return evidence_of(
        f"today's book held constant: {n_days} sessions, hypothetical P&L before costs, "
        f"each forecast from the {window} sessions before",
        sessions[-n_days:],
        rows,
        pnl[-n_days:],
        rng,
        laws=_laws(np.repeat(exposures[:, None], n_days, axis=1), returns, draws, window),
    )


def _laws(
    book_days: FloatArray, returns: FloatArray, draws: Draws | None, window: int
) -> Iterator[tuple[str, FloatArray]]:
    """Yield each joint method's law of every day, one method at a time in memory."""
    if draws is None:
        return
    for name in LAWS:
        yield (
            name,
            backtest_laws(name, book_days, returns, draws, window=window, refit=JOINT_REFIT),
        )


def laws_today(
    exposures: FloatArray, returns: FloatArray, draws: Draws
) -> Mapping[str, FloatArray]:
    """Return each joint method's law of tomorrow's P&L, of shape (n_scenarios,)."""
    return {name: joint_law(name, exposures[None, :], returns, draws)[0] for name in LAWS}


def tail_table(
    pnl: FloatArray,
    *,
    equity: float,
    evidence: Evidence,
    laws: Mapping[str, FloatArray] | None = None,
) -> tuple[TailEstimate, ...]:
    """Estimate today's tail by every method, and mark the best scored at each confidence.

    Parameters
    ----------
    pnl : ndarray of shape (n_sessions,)
        What today's book would have made on each past session.
    laws : mapping of method to ndarray of shape (n_scenarios,), optional
        The joint laws of tomorrow.
    """
    best = {c: best_scored(evidence.runs, confidence=c) for c in CONFIDENCES if evidence.runs}
    found = {name: estimate(pnl[None, :], CONFIDENCES) for name, estimate in ESTIMATORS.items()}
    simulated = dict(laws or {})
    found |= {
        name: tail_risks(law[None, :], confidences=CONFIDENCES) for name, law in simulated.items()
    }
    table = [
        TailEstimate(
            method=method,
            confidence=confidence,
            horizon_days=1,
            value_at_risk=float(value[i, 0]),
            expected_shortfall=float(shortfall[i, 0]),
            var_fraction=float(value[i, 0]) / equity,
            es_fraction=float(shortfall[i, 0]) / equity,
            quantile_rule=_RULE if method in EMPIRICAL or method in simulated else "closed_form",
            best=best.get(confidence) == method,
            in_confidence_set=bool(evidence.best) and method in evidence.best[i],
            sampling_error=sampling_error(simulated[method], confidence=confidence)
            if method in simulated
            else None,
        )
        for method, (value, shortfall) in found.items()
        for i, confidence in enumerate(CONFIDENCES)
    ]
    return (*table, *_long_horizon(pnl, equity))


def forecast_chart(evidence: Evidence, *, method: str) -> ForecastChart | None:
    """Return the daily forecasts of one method at the headline confidence, for a chart."""
    run = next((r for r in evidence.runs if r.estimator == method), None)
    if run is None:
        return None
    at = CONFIDENCES.index(HEADLINE)
    return ForecastChart(
        method=method,
        confidence=HEADLINE,
        sessions=tuple(evidence.sessions.astype("datetime64[D]").tolist()),
        realised=tuple(evidence.realised.tolist()),
        value_at_risk=tuple(run.value_at_risk[at].tolist()),
        kupiec_p=run.tests[at].kupiec_p,
    )


def _long_horizon(pnl: FloatArray, equity: float) -> list[TailEstimate]:
    """Return the LONG_HORIZON tail by overlapping sums of a book held at constant exposure."""
    if len(pnl) < MIN_OBSERVATIONS + LONG_HORIZON:
        return []
    level = np.concatenate([[0.0], np.cumsum(pnl)])
    spans = level[LONG_HORIZON:] - level[:-LONG_HORIZON]
    value, shortfall = tail_risks(spans[None, :], confidences=CONFIDENCES)
    return [
        TailEstimate(
            method="historical_overlapping",
            confidence=confidence,
            horizon_days=LONG_HORIZON,
            value_at_risk=float(value[i, 0]),
            expected_shortfall=float(shortfall[i, 0]),
            var_fraction=float(value[i, 0]) / equity,
            es_fraction=float(shortfall[i, 0]) / equity,
            quantile_rule=_RULE,
        )
        for i, confidence in enumerate(CONFIDENCES)
    ]


def evidence_of(
    basis: str,
    sessions: DateArray,
    rows: FloatArray,
    realised: FloatArray,
    rng: np.random.Generator,
    *,
    laws: Iterator[tuple[str, FloatArray]],
) -> Evidence:
    """Backtest every estimator on the same days; no evidence where they are too few.

    Parameters
    ----------
    rows : ndarray of shape (n_days, window)
        What each day's book would have made on the sessions before.
    realised : ndarray of shape (n_days,)
    laws : iterator of (name, ndarray of shape (n_days, n_scenarios))
        Of estimators that forecast a whole law.
    """
    if len(realised) < MIN_BACKTEST_DAYS:
        return NO_EVIDENCE
    runs = backtest(
        rows, realised, estimators=ESTIMATORS, confidences=CONFIDENCES, rng=rng, laws=laws
    )
    sets = tuple(confidence_set(runs, at=i, rng=rng) for i in range(len(CONFIDENCES)))
    return Evidence(basis=basis, sessions=sessions, realised=realised, runs=runs, best=sets)


def daily_returns(close: FloatArray) -> FloatArray:
    """Return daily simple returns, 0 where a close is missing, of shape (n, n_sessions - 1)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        returns = close[:, 1:] / close[:, :-1] - 1.0
    return np.where(np.isfinite(returns), returns, 0.0)
