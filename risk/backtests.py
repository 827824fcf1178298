"""Evidence: each estimator forecast every past day, and what then happened.

The forecast for a day uses the book as it stood at the close before, priced on the sessions
before; it is held against the book's realised P&L of the day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.evidence_bootstrap import model_confidence_set
from measures.shortfall_tests import (
    LawForecasts,
    NullRanks,
    ShortfallTests,
    null_ranks,
    shortfall_tests,
)
from measures.tail import tail_risks
from measures.tail_scores import fissler_ziegel_loss, pinball_loss
from measures.var_backtests import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    christoffersen,
    conditional_coverage,
    dynamic_quantile,
    exceedances,
    kupiec,
    traffic_light,
)
from risk.estimators import Estimator, check_history
from risk.laws import FITTED_LAWS, LAW_OUTCOMES, SCENARIO_LAWS

MIN_BACKTEST_DAYS = 20
# Value at risk and expected shortfall, each of shape (n_confidences, n_days).
_Tails = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How an estimator did at one confidence over the days tested.

    Attributes
    ----------
    expected, exceedances : float, int
        Days beyond VaR that were to be expected, and that came.
    kupiec_p, independence_p, coverage_p, dynamic_quantile_p : float or None
        P-values of the forecast being right; None where a test has too few days.
    z1, z2, z3 : float or None
        Acerbi-Szekely; negative when ES was too small. Z3 needs a tail of a whole day.
    z1_p, z2_p, z3_p : float or None
        How often each falls as low when the forecast law is right, by simulation; None where
        a book in cash forecasts no loss, and for Z1 where no day exceeded VaR.
    pinball, fissler_ziegel : float
        Mean losses of the forecasts, lower is better; comparable between estimators at one
        confidence on the same days.
    """

    estimator: str
    confidence: float
    n_days: int
    exceedances: int
    expected: float
    kupiec_p: float
    independence_p: float
    coverage_p: float
    dynamic_quantile_p: float | None
    zone: str
    frtb_multiplier: float
    z1: float | None
    z2: float | None
    z3: float | None
    z2_p: float | None
    pinball: float
    fissler_ziegel: float
    z1_p: float | None = None
    z3_p: float | None = None


@dataclass(frozen=True, slots=True)
class BacktestRun:
    """One estimator's forecasts and daily Fissler-Ziegel losses, and their tests.

    Arrays have shape (n_confidences, n_days).
    """

    estimator: str
    value_at_risk: FloatArray
    expected_shortfall: FloatArray
    scores: FloatArray
    tests: tuple[Backtest, ...]


def backtest(
    rows: FloatArray,
    realised: FloatArray,
    *,
    estimators: Mapping[str, Estimator],
    confidences: Sequence[float],
    rng: np.random.Generator,
    laws: Iterable[tuple[str, FloatArray]] = (),
) -> tuple[BacktestRun, ...]:
    """Backtest every estimator on the same days.

    Parameters
    ----------
    rows : ndarray of shape (n_days, window)
        What each day's book would have made on the sessions before (`windowed_book_pnl`).
    realised : ndarray of shape (n_days,)
        What the book made on the day.
    laws : iterable of (name, ndarray of shape (n_days, n_scenarios)), optional
        More estimators, by the law that each forecasts for every day; taken one at a time.

    Raises
    ------
    MissingDataError
        If there are fewer than MIN_BACKTEST_DAYS days or the window is too short.
    """
    if len(realised) < MIN_BACKTEST_DAYS:
        raise MissingDataError(
            f"{len(realised)} days are too few to backtest: {MIN_BACKTEST_DAYS} are needed"
        )
    check_history(rows, confidences)
    nulls: dict[int, NullRanks] = {}

    def run_of(name: str, law: FloatArray, tails: _Tails | None = None) -> BacktestRun:
        size = law.shape[1]
        if size not in nulls:
            nulls[size] = null_ranks(
                len(realised), size, rng=rng, lowest_confidence=min(confidences)
            )
        read = tail_risks(law, confidences=confidences) if tails is None else tails
        return _run_of_law(name, law, read, realised, confidences, nulls[size])

    runs = []
    for name, estimate in estimators.items():
        if name in SCENARIO_LAWS:
            runs.append(run_of(name, SCENARIO_LAWS[name](rows)))
        elif name in FITTED_LAWS:
            law = FITTED_LAWS[name](rows, LAW_OUTCOMES)
            runs.append(run_of(name, law, estimate(rows, confidences)))
        else:
            runs.append(_run(name, realised, *estimate(rows, confidences), confidences))
    runs += [run_of(name, law) for name, law in laws]
    return tuple(runs)


def _run(
    name: str,
    realised: FloatArray,
    value: FloatArray,
    shortfall: FloatArray,
    confidences: Sequence[float],
) -> BacktestRun:
    scores = np.stack(
        [
            daily_scores(realised, v, s, c)
            for v, s, c in zip(value, shortfall, confidences, strict=True)
        ]
    )
    tests = tuple(
        judge(name, realised, value[i], shortfall[i], confidence=c)
        for i, c in enumerate(confidences)
    )
    return BacktestRun(name, value, shortfall, scores, tests)


def _run_of_law(
    name: str,
    law: FloatArray,
    tails: _Tails,
    realised: FloatArray,
    confidences: Sequence[float],
    null: NullRanks,
) -> BacktestRun:
    """Judge an estimator whose forecast is a whole law, also by the tests that need one."""
    value, shortfall = tails
    run = _run(name, realised, value, shortfall, confidences)
    ordered = np.sort(law, axis=1)
    days = np.arange(len(realised))
    tests = tuple(
        test
        if test.z2 is None
        else with_law(
            test,
            shortfall_tests(
                realised,
                LawForecasts(
                    laws=ordered, law_of=days, value_at_risk=value[i], shortfall=shortfall[i]
                ),
                confidence=test.confidence,
                null=null,
            ),
        )
        for i, test in enumerate(run.tests)
    )
    return replace(run, tests=tests)


def with_law(test: Backtest, found: ShortfallTests) -> Backtest:
    """Return the backtest with what the tests on whole laws found."""
    return replace(test, z3=found.z3, z1_p=found.z1_p, z2_p=found.z2_p, z3_p=found.z3_p)


def judge(
    name: str,
    realised: FloatArray,
    value_at_risk: FloatArray,
    shortfall: FloatArray,
    *,
    confidence: float,
) -> Backtest:
    """Run every test on one estimator's forecasts."""
    hits = exceedances(realised, value_at_risk)
    n_hits, n_days = int(hits.sum()), len(hits)
    light = traffic_light(n_hits, n_days, confidence=confidence)
    # A book in cash forecasts zero: nothing to scale by, so the ES tests have no answer.
    scaled = bool((shortfall > 0).all())
    return Backtest(
        estimator=name,
        confidence=confidence,
        n_days=n_days,
        exceedances=n_hits,
        expected=round(n_days * (1 - confidence), 9),
        kupiec_p=kupiec(n_hits, n_days, confidence=confidence).p_value,
        independence_p=christoffersen(hits).p_value,
        coverage_p=conditional_coverage(hits, confidence=confidence).p_value,
        dynamic_quantile_p=dynamic_quantile(hits, value_at_risk, confidence=confidence).p_value,
        zone=light.zone,
        frtb_multiplier=light.multiplier,
        z1=acerbi_szekely_z1(realised, value_at_risk, shortfall) if scaled and n_hits else None,
        z2=acerbi_szekely_z2(realised, value_at_risk, shortfall, confidence=confidence)
        if scaled
        else None,
        z3=None,
        z2_p=None,
        pinball=float(pinball_loss(realised, value_at_risk, confidence=confidence).mean()),
        fissler_ziegel=float(daily_scores(realised, value_at_risk, shortfall, confidence).mean()),
    )


def daily_scores(
    realised: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray, confidence: float
) -> FloatArray:
    """Return daily Fissler-Ziegel losses; a day without a forecast loss scores 0."""
    scores = np.zeros(len(realised))
    sound = shortfall > 0
    if sound.any():
        scores[sound] = fissler_ziegel_loss(
            realised[sound], value_at_risk[sound], shortfall[sound], confidence=confidence
        )
    return scores


def confidence_set(
    runs: Sequence[BacktestRun], *, at: int, rng: np.random.Generator
) -> frozenset[str]:
    """Return the estimators that cannot be told from the best at the `at`-th confidence.

    Model confidence set of Hansen, Lunde and Nason (2011) at 10% on the daily losses, blocks of
    ten sessions on average.
    """
    losses = np.stack([run.scores[at] for run in runs])
    chosen = model_confidence_set(losses, block=10.0, generator=rng)
    return frozenset(runs[i].estimator for i in chosen.included)


def best_scored(runs: Sequence[BacktestRun], *, confidence: float) -> str:
    """Return the estimator with the lowest Fissler-Ziegel loss at `confidence`."""
    tests = [t for run in runs for t in run.tests if np.isclose(t.confidence, confidence)]
    if not tests:
        raise MissingDataError(f"no backtest at confidence {confidence}")
    return min(tests, key=lambda t: (t.fissler_ziegel, t.estimator)).estimator
