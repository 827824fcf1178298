"""Acerbi and Szekely's tests of expected shortfall against whole forecast laws, with p-values.

Each day has a law: equally likely outcomes, in order. Days may share a law (a forecast held
between two estimates), each day's own scale apart; the three statistics do not change when a day
and its law are scaled alike, so a day is its outcome over its scale, and all that a simulation
needs is the ranks at which outcomes fall. The ranks are drawn once and serve every book.
Statistics are negative when expected shortfall was too small; a p-value is how often a
statistic falls as low when the laws are right.
"""

import math
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError

SIMULATIONS = 1000
# Draws further from the tail than this many times its size are never beyond a sound VaR.
_CUT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRanks:
    """Ranks of simulated outcomes in their laws, those in the tail alone.

    Attributes
    ----------
    simulation, day, rank : ndarray of shape (n_tail_draws,)
        Which simulation, which day, and the rank of its outcome.
    lowest : ndarray of shape (n_simulations, n_lowest)
        The lowest ranks of each simulation over all its days, ascending.
    """

    n_simulations: int
    n_days: int
    n_scenarios: int
    simulation: IntArray
    day: IntArray
    rank: IntArray
    lowest: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LawForecasts:
    """What was forecast for each day.

    Attributes
    ----------
    laws : ndarray of shape (n_laws, n_scenarios)
        Forecast laws, each ascending.
    law_of : ndarray of shape (n_days,)
        Which law each day was forecast by.
    value_at_risk, shortfall : ndarray of shape (n_laws,)
        Positive losses, as forecast from each law.
    """

    laws: FloatArray
    law_of: IntArray
    value_at_risk: FloatArray
    shortfall: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallTests:
    """Z1, Z2 and Z3 and their p-values; None where the days hold no tail to test."""

    z1: float | None
    z1_p: float | None
    z2: float
    z2_p: float
    z3: float | None
    z3_p: float | None


def null_ranks(
    n_days: int,
    n_scenarios: int,
    *,
    rng: np.random.Generator,
    lowest_confidence: float = 0.95,
    n_simulations: int = SIMULATIONS,
) -> NullRanks:
    """Draw the ranks at which outcomes fall when the laws are right.

    Parameters
    ----------
    lowest_confidence : float
        The lowest confidence that will be tested: the tail kept is that much and more.
    """
    if n_days < 1 or n_scenarios < 2:
        raise InvalidInputError(f"{n_days} days of laws of {n_scenarios} outcomes hold no test")
    ranks = rng.integers(n_scenarios, size=(n_simulations, n_days), dtype=np.int32)
    tail = 1.0 - lowest_confidence
    simulation, day = np.nonzero(ranks < math.ceil(_CUT * tail * n_scenarios))
    n_lowest = max(math.floor(n_days * tail + 1e-9), 1)
    lowest = np.sort(np.partition(ranks, n_lowest - 1, axis=1)[:, :n_lowest], axis=1)
    return NullRanks(
        n_simulations=n_simulations,
        n_days=n_days,
        n_scenarios=n_scenarios,
        simulation=simulation,
        day=day,
        rank=ranks[simulation, day].astype(np.int64),
        lowest=lowest.astype(np.int64),
    )


def shortfall_tests(
    outcomes: FloatArray, forecasts: LawForecasts, *, confidence: float, null: NullRanks
) -> ShortfallTests:
    """Test expected shortfall.

    Parameters
    ----------
    outcomes : ndarray of shape (n_days,)
        What happened, a gain when positive, over the day's scale.
    null : NullRanks
        Of the same number of days and outcomes.

    Raises
    ------
    InvalidInputError
        If a shortfall forecast is not positive, or shapes do not match.
    """
    laws, shortfall = forecasts.laws, forecasts.shortfall
    if outcomes.shape != (null.n_days,) or laws.shape[1] != null.n_scenarios:
        raise InvalidInputError(
            f"{len(outcomes)} days and laws {laws.shape} do not match the simulated "
            f"{null.n_days} days of {null.n_scenarios} outcomes"
        )
    if not (shortfall > 0).all():
        raise InvalidInputError(f"ES forecasts must be positive, got {float(shortfall.min())}")
    expected = null.n_days * round(1.0 - confidence, 12)
    z1, z2 = _seen(outcomes, forecasts, expected)
    sums, counts = _simulated(forecasts, null)
    some = counts > 0
    null_z1 = sums[some] / counts[some] + 1.0
    z3, z3_p = _third(outcomes, laws, forecasts.law_of, confidence, null)
    return ShortfallTests(
        z1=z1,
        z1_p=None if z1 is None else _share_as_low(null_z1, z1),
        z2=z2,
        z2_p=_share_as_low(sums / expected + 1.0, z2),
        z3=z3,
        z3_p=z3_p,
    )


def _seen(
    outcomes: FloatArray, forecasts: LawForecasts, expected: float
) -> tuple[float | None, float]:
    ratio = outcomes / forecasts.shortfall[forecasts.law_of]
    hits = -outcomes > forecasts.value_at_risk[forecasts.law_of]
    z1 = float(ratio[hits].mean()) + 1.0 if hits.any() else None
    return z1, float(ratio[hits].sum()) / expected + 1.0


def _simulated(forecasts: LawForecasts, null: NullRanks) -> tuple[FloatArray, FloatArray]:
    """Return each simulation's sum of outcome / ES over its hits, and their number."""
    law = forecasts.law_of[null.day]
    drawn = forecasts.laws[law, null.rank]
    hits = -drawn > forecasts.value_at_risk[law]
    which = null.simulation[hits]
    ratios = drawn[hits] / forecasts.shortfall[law[hits]]
    n = null.n_simulations
    sums = np.bincount(which, weights=ratios, minlength=n).astype(np.float64)
    counts = np.bincount(which, minlength=n).astype(np.float64)
    return sums, counts


def _third(
    outcomes: FloatArray,
    laws: FloatArray,
    law_of: IntArray,
    confidence: float,
    null: NullRanks,
) -> tuple[float | None, float | None]:
    """Return Z3 and its p-value: ES through the ranks of what happened, over all laws.

    1 - mean over days of ES_hat(P_t^-1(U)) / E[ES_hat(P_t^-1(V))]: U are the realised ranks, V
    independent uniforms, ES_hat the mean of the worst [n p].
    """
    n_days, n_scenarios = null.n_days, null.n_scenarios
    worst = math.floor(n_days * round(1.0 - confidence, 12) + 1e-9)
    if worst < 1 or worst > null.lowest.shape[1]:
        return None, None
    weight = _worst_weights(n_scenarios, n_days, worst)
    expected = -(laws @ weight) / n_scenarios * n_days / worst
    if not (expected > 0).all():
        return None, None
    share = np.bincount(law_of, minlength=len(laws)) / n_days
    curve = -(share / expected) @ laws
    ranks = np.array(
        [np.searchsorted(laws[law], x) for law, x in zip(law_of, outcomes, strict=True)]
    )
    seen = np.minimum(np.sort(ranks)[:worst], n_scenarios - 1)
    z3 = 1.0 - float(curve[seen].mean())
    simulated = 1.0 - curve[null.lowest[:, :worst]].mean(axis=1)
    return z3, _share_as_low(simulated, z3)


def _worst_weights(n_scenarios: int, n_days: int, worst: int) -> FloatArray:
    """Return how often the n-th best of each outcome is among the worst of uniform draws."""
    from scipy.special import betainc

    # The mean of the k-th of n uniforms weighs each quantile by a Beta density.
    edges = np.arange(n_scenarios + 1) / n_scenarios
    share = 1.0 - betainc(worst, n_days - worst, edges) if n_days > worst else 1.0 - edges
    weight: FloatArray = (share[:-1] + share[1:]) / 2.0
    return weight


def _share_as_low(simulated: FloatArray, statistic: float) -> float:
    if len(simulated) == 0:
        raise MissingDataError("no simulation had a loss beyond VaR: simulate more")
    return (int((simulated <= statistic).sum()) + 1) / (len(simulated) + 1)
