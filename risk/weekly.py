"""The weekly long run: every estimator on many books, with the ES tests too slow for a night.

All of `risk.estimators` and the joint laws of `risk.joint`, for books held constant. Each is
estimated every REFIT sessions from the window before (the market once for all books of a chunk),
and held until the next estimate; the filters alone run on from day to day. Every method
is read as laws (outcomes over the day's scale), so that Acerbi and Szekely's Z1 to Z3 have
p-values for each. A book that cannot be measured is a failure beside the others' rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError, QuantDeskError
from measures.extreme_value import ThresholdRow, threshold_diagnostics
from measures.shortfall_tests import LawForecasts, NullRanks, null_ranks, shortfall_tests
from measures.tail import tail_risks
from measures.volatility import ewma_variance, garch
from risk.backtests import (
    BacktestRun,
    best_scored,
    confidence_set,
    daily_scores,
    judge,
    with_law,
)
from risk.estimators import ESTIMATORS, EWMA_DECAY, MIN_OBSERVATIONS
from risk.joint import LAWS, Draws, joint_law
from risk.laws import FITTED_LAWS, LAW_OUTCOMES
from risk.nightly import NightBooks, NightFailure, NightMarket
from risk.tested import MethodEvidence

CONFIDENCES = (0.95, 0.975, 0.99)
WINDOW, DAYS, REFIT = 1_000, 500, 21
N_SCENARIOS = 4_096
_SINGLE: np.dtype[Any] = np.dtype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyTerms:
    """How the run is made.

    Attributes
    ----------
    window, days, refit : int
        Sessions behind an estimate, sessions tested, sessions between two estimates.
    seed : int
        Of the joint draws and of the simulated p-values.
    """

    window: int = WINDOW
    days: int = DAYS
    refit: int = REFIT
    n_scenarios: int = N_SCENARIOS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.window < MIN_OBSERVATIONS or self.days < self.refit or self.refit < 1:
            raise InvalidInputError(
                f"window {self.window} must reach {MIN_OBSERVATIONS}, and days {self.days} the "
                f"{self.refit} sessions between two estimates, at least 1"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyRow:
    """What the long run found of one book.

    Attributes
    ----------
    thresholds : tuple of ThresholdRow
        Pareto fits of the last window at several thresholds.
    """

    name: str
    n_days: int
    methods: tuple[MethodEvidence, ...]
    thresholds: tuple[ThresholdRow, ...]


@dataclass(frozen=True, slots=True)
class _Laws:
    """A method's laws of every book.

    Attributes
    ----------
    laws : ndarray of shape (n_laws, n_books, n_scenarios)
        Ascending; the last law is of tomorrow.
    value_at_risk, shortfall : ndarray of shape (n_confidences, n_laws, n_books)
        Over the day's scale.
    scale : ndarray of shape (n_books, n_days + 1)
        The last column is tomorrow's.
    """

    method: str
    laws: FloatArray
    value_at_risk: FloatArray
    shortfall: FloatArray
    scale: FloatArray


def measure_weekly(
    books: NightBooks, market: NightMarket, *, terms: WeeklyTerms
) -> tuple[tuple[WeeklyRow, ...], tuple[NightFailure, ...]]:
    """Run every slow estimator on every book; rows and failures side by side.

    Raises
    ------
    MissingDataError
        If the market's history is shorter than the window and the days to test.
    """
    needed = terms.window + terms.days
    if market.returns.shape[1] < needed:
        raise MissingDataError(
            f"{market.returns.shape[1]} sessions of returns: a window of {terms.window} and "
            f"{terms.days} days to test need {needed}"
        )
    reasons = [books.reason_to_fail(row) for row in range(len(books.names))]
    failures = [
        NightFailure(name, reason)
        for name, reason in zip(books.names, reasons, strict=True)
        if reason is not None
    ]
    sound = [row for row, reason in enumerate(reasons) if reason is None]
    if not sound:
        return (), tuple(failures)
    returns = market.returns[:, -needed:]
    pnl = books.exposures[sound] @ returns
    runs: list[list[tuple[BacktestRun, FloatArray]]] = [[] for _ in sound]
    rng = np.random.default_rng(terms.seed)
    nulls: dict[int, NullRanks] = {}
    for found in _methods(books.exposures[sound], pnl, returns, terms):
        size = found.laws.shape[2]
        if size not in nulls:
            nulls[size] = null_ranks(terms.days, size, rng=rng)
        for at, book_runs in enumerate(runs):
            book_runs.append(_run(found, at, pnl[at, terms.window :], terms, nulls[size]))
    rows = []
    for at, row in enumerate(sound):
        try:
            rows.append(_row(books.names[row], runs[at], pnl[at], terms))
        except QuantDeskError as error:
            failures.append(NightFailure(books.names[row], str(error)))
    return tuple(rows), tuple(failures)


def _methods(
    exposures: FloatArray, pnl: FloatArray, returns: FloatArray, terms: WeeklyTerms
) -> Iterator[_Laws]:
    """Yield each method's laws, one method at a time in memory."""
    yield _historical(pnl, terms)
    yield _filtered("filtered_ewma", pnl, terms, _ewma_filter)
    yield _filtered("filtered_garch", pnl, terms, _garch_filter)
    for method in FITTED_LAWS:
        yield _fitted(method, pnl, terms)
    draws = Draws(seed=terms.seed, n_scenarios=terms.n_scenarios)
    for method in LAWS:
        starts = _starts(terms)
        laws = np.empty((len(starts), len(pnl), terms.n_scenarios), dtype=_SINGLE)
        for at, day in enumerate(starts):
            history = returns[:, day : day + terms.window]
            laws[at] = joint_law(method, exposures, history, draws)
        laws.sort(axis=2)
        yield _read(method, laws, np.ones((len(pnl), terms.days + 1)))


def _starts(terms: WeeklyTerms) -> list[int]:
    """Return the first session of each estimate's window; the last is for tomorrow."""
    return [*range(0, terms.days, terms.refit), terms.days]


def _historical(pnl: FloatArray, terms: WeeklyTerms) -> _Laws:
    laws = np.stack([pnl[:, start : start + terms.window] for start in _starts(terms)])
    laws.sort(axis=2)
    return _read("historical", laws, np.ones((len(pnl), terms.days + 1)))


@dataclass(frozen=True, slots=True)
class _Filter:
    """A window's variances, and how a day's shock moves the next: level + a r^2 + b v."""

    variance: FloatArray
    alpha: FloatArray
    beta: FloatArray
    level: FloatArray


def _garch_filter(window: FloatArray) -> _Filter:
    fitted = garch(window)
    level = (window**2).mean(axis=1) * (1.0 - fitted.alpha - fitted.beta)
    return _Filter(fitted.variance, fitted.alpha, fitted.beta, level)


def _ewma_filter(window: FloatArray) -> _Filter:
    one = np.ones(len(window))
    variance = ewma_variance(window, decay=EWMA_DECAY)
    return _Filter(variance, (1.0 - EWMA_DECAY) * one, EWMA_DECAY * one, 0.0 * one)


def _filtered(
    method: str, pnl: FloatArray, terms: WeeklyTerms, fit: Callable[[FloatArray], _Filter]
) -> _Laws:
    """Rescale each window's shocks to each day's volatility, parameters held between refits."""
    n_books, starts = len(pnl), _starts(terms)
    laws = np.empty((len(starts), n_books, terms.window))
    scale = np.ones((n_books, terms.days + 1))
    for at, start in enumerate(starts):
        window = pnl[:, start : start + terms.window]
        found = fit(window)
        std = np.sqrt(found.variance)
        moved = std[:, :-1] > 0
        laws[at] = np.divide(window, std[:, :-1], out=np.zeros_like(window), where=moved)
        variance = found.variance[:, -1]
        stop = starts[at + 1] if at + 1 < len(starts) else terms.days + 1
        for day in range(start, stop):
            scale[:, day] = np.sqrt(variance)
            if day < terms.days:
                shock = pnl[:, terms.window + day] ** 2
                variance = found.level + found.alpha * shock + found.beta * variance
    laws.sort(axis=2)
    return _read(method, laws, np.where(scale > 0, scale, 1.0))


def _fitted(method: str, pnl: FloatArray, terms: WeeklyTerms) -> _Laws:
    """Read a fitted law at equal strata; VaR and ES are the estimator's own."""
    starts = _starts(terms)
    laws = np.empty((len(starts), len(pnl), LAW_OUTCOMES), dtype=_SINGLE)
    value = np.empty((len(CONFIDENCES), len(starts), len(pnl)))
    shortfall = np.empty_like(value)
    for at, start in enumerate(starts):
        window = pnl[:, start : start + terms.window]
        value[:, at], shortfall[:, at] = ESTIMATORS[method](window, CONFIDENCES)
        laws[at] = FITTED_LAWS[method](window, LAW_OUTCOMES)
    laws.sort(axis=2)
    return _Laws(method, laws, value, shortfall, np.ones((len(pnl), terms.days + 1)))


def _read(method: str, laws: FloatArray, scale: FloatArray) -> _Laws:
    n_laws, n_books, n_scenarios = laws.shape
    tails = tail_risks(laws.reshape(-1, n_scenarios), confidences=CONFIDENCES)
    value, shortfall = (tail.reshape(len(CONFIDENCES), n_laws, n_books) for tail in tails)
    return _Laws(method, laws, value, shortfall, scale)


def _run(
    found: _Laws, book: int, realised: FloatArray, terms: WeeklyTerms, null: NullRanks
) -> tuple[BacktestRun, FloatArray]:
    """Judge one method on one book; with tomorrow's VaR and ES, of shape (2, n_confidences)."""
    law_of: IntArray = np.arange(terms.days) // terms.refit
    scale = found.scale[book, :-1]
    value = found.value_at_risk[:, :, book][:, law_of] * scale
    shortfall = found.shortfall[:, :, book][:, law_of] * scale
    tests = []
    for c, confidence in enumerate(CONFIDENCES):
        test = judge(found.method, realised, value[c], shortfall[c], confidence=confidence)
        if test.z2 is not None:
            forecasts = LawForecasts(
                laws=found.laws[:-1, book],
                law_of=law_of,
                value_at_risk=found.value_at_risk[c, :-1, book],
                shortfall=found.shortfall[c, :-1, book],
            )
            whole = shortfall_tests(realised / scale, forecasts, confidence=confidence, null=null)
            test = with_law(test, whole)
        tests.append(test)
    scores = np.stack(
        [daily_scores(realised, value[c], shortfall[c], x) for c, x in enumerate(CONFIDENCES)]
    )
    last = found.scale[book, -1]
    tomorrow = np.stack([found.value_at_risk[:, -1, book], found.shortfall[:, -1, book]]) * last
    return BacktestRun(found.method, value, shortfall, scores, tuple(tests)), tomorrow


def _row(
    name: str,
    measured: list[tuple[BacktestRun, FloatArray]],
    pnl: FloatArray,
    terms: WeeklyTerms,
) -> WeeklyRow:
    runs = [run for run, _ in measured]
    rng = np.random.default_rng(terms.seed)
    methods = []
    for c, confidence in enumerate(CONFIDENCES):
        best = best_scored(runs, confidence=confidence)
        among = confidence_set(runs, at=c, rng=rng)
        methods += [
            MethodEvidence(
                method=run.estimator,
                confidence=confidence,
                value_at_risk=float(tomorrow[0, c]),
                expected_shortfall=float(tomorrow[1, c]),
                best=run.estimator == best,
                in_confidence_set=run.estimator in among,
                backtest=run.tests[c],
            )
            for run, tomorrow in measured
        ]
    return WeeklyRow(
        name=name,
        n_days=terms.days,
        methods=tuple(methods),
        thresholds=threshold_diagnostics(-pnl[-terms.window :]),
    )
