"""Was the forecast right? Tests of value at risk and expected shortfall against what happened.

Conventions: a realised P&L is a gain when positive; VaR and ES forecasts are positive losses,
made before the day they are held against; an exceedance is a day with -pnl > VaR. Every test
answers its statistic and the p-value of the forecast being right. 0 ln 0 is 0.
"""

import math
from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError

# FRTB, MAR99.8 and MAR33.44: the capital multiplier by exceedances in 250 days at 99%.
_FRTB_MULTIPLIER = {5: 1.70, 6: 1.76, 7: 1.83, 8: 1.88, 9: 1.92}


@dataclass(frozen=True, slots=True)
class TestResult:
    """A statistic and how likely at least that much is if the forecast is right."""

    __test__ = False  # Not a test case, whatever its name suggests to a collector.

    statistic: float
    p_value: float


def exceedances(pnl: FloatArray, value_at_risk: FloatArray) -> BoolArray:
    """Return on which days the loss was beyond the forecast.

    Raises
    ------
    InvalidInputError
        If the vectors differ in length or hold NaN.
    """
    if pnl.shape != value_at_risk.shape or pnl.ndim != 1:
        raise InvalidInputError(f"pnl {pnl.shape} and VaR {value_at_risk.shape} must match")
    if not (np.isfinite(pnl).all() and np.isfinite(value_at_risk).all()):
        raise InvalidInputError("pnl and VaR must be finite: leave days without a forecast out")
    return -pnl > value_at_risk


def kupiec(n_exceedances: int, n_days: int, *, confidence: float) -> TestResult:
    """Test unconditional coverage (Kupiec 1995), chi-square with one degree of freedom."""
    statistic = float(
        kupiec_statistic(np.array([n_exceedances]), np.array([n_days]), confidence=confidence)[0]
    )
    return TestResult(statistic, chi_square_tail(statistic, degrees=1))


def kupiec_statistic(
    n_exceedances: FloatArray, n_days: FloatArray, *, confidence: float
) -> FloatArray:
    """Return Kupiec's likelihood ratio for many books at once, of the inputs' shape.

    -2 ln [ (1-p)^(n-x) p^x / ((1-x/n)^(n-x) (x/n)^x) ].

    Raises
    ------
    MissingDataError
        If a book has no day.
    """
    p = _tail_probability(confidence)
    x, n = np.asarray(n_exceedances, dtype=np.float64), np.asarray(n_days, dtype=np.float64)
    if not (n > 0).all():
        raise MissingDataError("a coverage test needs at least one day")
    seen = x / n
    log_null = (n - x) * math.log(1 - p) + x * math.log(p)
    log_seen = _x_log_y(n - x, 1 - seen) + _x_log_y(x, seen)
    statistic: FloatArray = np.maximum(-2.0 * (log_null - log_seen), 0.0)
    return statistic


def christoffersen(hits: BoolArray) -> TestResult:
    """Test whether exceedances come independently of the day before (Christoffersen 1998).

    Likelihood ratio of a first-order Markov chain, chi-square with one degree of freedom.

    Raises
    ------
    MissingDataError
        If there are fewer than two days.
    """
    if len(hits) < 2:
        raise MissingDataError(f"independence needs two days, got {len(hits)}")
    counts = transition_counts(np.asarray(hits)[None, :])
    statistic = float(independence_statistic(counts)[0])
    return TestResult(statistic, chi_square_tail(statistic, degrees=1))


def transition_counts(hits: BoolArray) -> FloatArray:
    """Return n00, n01, n10, n11 of each series of hits, of shape (n_series, 4)."""
    before, after = hits[:, :-1], hits[:, 1:]
    n11 = (before & after).sum(axis=1)
    n10, n01 = before.sum(axis=1) - n11, after.sum(axis=1) - n11
    n00 = before.shape[1] - n01 - n10 - n11
    return np.stack([n00, n01, n10, n11], axis=1).astype(np.float64)


def independence_statistic(counts: FloatArray) -> FloatArray:
    """Return Christoffersen's likelihood ratio from `transition_counts`."""
    n00, n01, n10, n11 = counts.T
    after_quiet = n01 / np.maximum(n00 + n01, 1.0)
    after_hit = n11 / np.maximum(n10 + n11, 1.0)
    overall = (n01 + n11) / np.maximum(n00 + n01 + n10 + n11, 1.0)
    log_null = _x_log_y(n00 + n10, 1 - overall) + _x_log_y(n01 + n11, overall)
    log_chain = (
        _x_log_y(n00, 1 - after_quiet)
        + _x_log_y(n01, after_quiet)
        + _x_log_y(n10, 1 - after_hit)
        + _x_log_y(n11, after_hit)
    )
    statistic: FloatArray = np.maximum(-2.0 * (log_null - log_chain), 0.0)
    return statistic


def conditional_coverage(hits: BoolArray, *, confidence: float) -> TestResult:
    """Test coverage and independence together: LRcc = LRuc + LRind, chi-square with two."""
    coverage = kupiec(int(hits.sum()), len(hits), confidence=confidence)
    statistic = coverage.statistic + christoffersen(hits).statistic
    return TestResult(statistic, chi_square_tail(statistic, degrees=2))


def dynamic_quantile(
    hits: BoolArray, value_at_risk: FloatArray, *, confidence: float, lags: int = 4
) -> TestResult:
    """Test that exceedances cannot be foreseen (Engle and Manganelli 2004).

    Regresses hit - p on a constant, `lags` past hits and the forecast itself; the Wald
    statistic is chi-square with lags + 2 degrees of freedom (fewer where the regressors are
    linearly dependent, such as a constant forecast).

    Raises
    ------
    MissingDataError
        If the days do not outnumber the regressors.
    """
    from scipy.special import chdtrc

    p = _tail_probability(confidence)
    demeaned = hits.astype(np.float64) - p
    n = len(hits) - lags
    if n <= lags + 2:
        raise MissingDataError(f"{len(hits)} days are too few for {lags} lags")
    past = [demeaned[lags - k : len(hits) - k] for k in range(1, lags + 1)]
    design = np.column_stack([np.ones(n), *past, value_at_risk[lags:]])
    target = demeaned[lags:]
    coefficients, _, rank, _ = np.linalg.lstsq(design, target, rcond=1e-10)
    fitted = design @ coefficients
    statistic = float(fitted @ fitted / (p * (1 - p)))
    return TestResult(statistic, float(chdtrc(rank, statistic)))


@dataclass(frozen=True, slots=True)
class TrafficLight:
    """The Basel zone of a count of exceedances.

    Attributes
    ----------
    zone : str
        green, yellow or red.
    multiplier : float
        FRTB capital multiplier; by table for 250 days at 99%, else that of the count with
        the same cumulative probability.
    """

    zone: str
    multiplier: float
    cumulative_probability: float


def traffic_light(n_exceedances: int, n_days: int, *, confidence: float) -> TrafficLight:
    """Return the Basel zone: green while P(X <= K) < 0.95, yellow while < 0.9999, then red."""
    from scipy.special import bdtr

    p = _tail_probability(confidence)
    probability = float(bdtr(n_exceedances, n_days, p))
    if probability < 0.95:
        return TrafficLight("green", 1.5, probability)
    if probability >= 0.9999:
        return TrafficLight("red", 2.0, probability)
    same = next(k for k in range(5, 11) if k == 10 or float(bdtr(k, 250, 0.01)) >= probability)
    return TrafficLight("yellow", _FRTB_MULTIPLIER.get(same, 1.92), probability)


def acerbi_szekely_z2(
    pnl: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray, *, confidence: float
) -> float:
    """Return Z2 = sum(pnl hit / ES) / (n p) + 1 (Acerbi and Szekely 2014).

    Its expectation is 0 if VaR and ES are right and negative if risk is understated; near
    -0.70 is the 5% critical value for 250 days at 97.5% over many distributions.

    Raises
    ------
    InvalidInputError
        If a shortfall forecast is not positive.
    """
    hits = exceedances(pnl, value_at_risk)
    if not (shortfall > 0).all():
        raise InvalidInputError(f"ES forecasts must be positive, got {float(shortfall.min())}")
    expected = len(pnl) * _tail_probability(confidence)
    return float((pnl * hits / shortfall).sum() / expected + 1.0)


def acerbi_szekely_z1(pnl: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray) -> float:
    """Return Z1 = mean over exceedances of pnl / ES, plus 1: ES alone, given VaR is right.

    Raises
    ------
    MissingDataError
        If no day was beyond VaR, so that nothing is known about the tail's depth.
    """
    hits = exceedances(pnl, value_at_risk)
    if not hits.any():
        raise MissingDataError("no exceedance: Z1 says nothing; look at Z2")
    return float((pnl[hits] / shortfall[hits]).mean() + 1.0)


def chi_square_tail(statistic: float, *, degrees: int) -> float:
    """Return P(X > statistic) for one or two degrees, without a numerical library.

    Raises
    ------
    InvalidInputError
        For other degrees.
    """
    if degrees == 1:
        return math.erfc(math.sqrt(statistic / 2.0))
    if degrees == 2:
        return math.exp(-statistic / 2.0)
    raise InvalidInputError(f"one or two degrees have a closed form here, got {degrees}")


def _tail_probability(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0, 1), got {confidence}")
    return round(1.0 - confidence, 12)


def _x_log_y(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return x ln y with 0 ln 0 = 0."""
    product: FloatArray = x * np.log(np.where(x > 0, y, 1.0))
    return product
