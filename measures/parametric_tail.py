"""Value at risk and expected shortfall in closed form, from the moments of the P&L.

Every function takes arrays of moments (one per book or window) and answers losses of the same
shape: positive means a loss. Means and standard deviations are of the P&L over the horizon.
"""

import math
from statistics import NormalDist

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError

_NORMAL = NormalDist()


def normal_tail(
    mean: FloatArray, std: FloatArray, *, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return VaR and ES of normal P&L: -mean + std z, and -mean + std phi(z) / (1 - c).

    Raises
    ------
    InvalidInputError
        If `confidence` is outside (0, 1) or a standard deviation negative.
    """
    z = _quantile(std, confidence)
    density = _NORMAL.pdf(z) / (1.0 - confidence)
    return -mean + std * z, -mean + std * density


def student_t_tail(
    mean: FloatArray, std: FloatArray, degrees: FloatArray, *, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return VaR and ES of Student t P&L with that mean and standard deviation.

    With scale s = std sqrt((v - 2) / v) and t the quantile: VaR = -mean + s t and
    ES = -mean + s f(t) / (1 - c) (v + t^2) / (v - 1) (McNeil, Frey and Embrechts 2015, 2.25).

    Raises
    ------
    InvalidInputError
        If a number of degrees is not above 2, where the variance does not exist.
    """
    from scipy.special import gammaln, stdtrit

    _quantile(std, confidence)
    if not (degrees > 2.0).all():
        raise InvalidInputError(f"degrees must exceed 2, got {float(np.min(degrees))}")
    t = stdtrit(degrees, confidence)
    log_density = (
        gammaln((degrees + 1) / 2)
        - gammaln(degrees / 2)
        - 0.5 * np.log(degrees * math.pi)
        - (degrees + 1) / 2 * np.log1p(t * t / degrees)
    )
    scale = std * np.sqrt((degrees - 2.0) / degrees)
    mean_excess = np.exp(log_density) / (1.0 - confidence) * (degrees + t * t) / (degrees - 1.0)
    return -mean + scale * t, -mean + scale * mean_excess


def degrees_from_kurtosis(excess_kurtosis: FloatArray) -> FloatArray:
    """Return the degrees of freedom of the t with that excess kurtosis, 4 + 6 / k.

    Clipped to [4.2, 200]: below, the sample kurtosis says little; above, the t is normal. Rounded
    to two digits (4.2, 4.3, .. 9.9, 10, 11, .. 99, 100, 110, ..), finer than any sample can tell,
    so that many books share few quantiles.
    """
    positive = np.maximum(excess_kurtosis, 6.0 / 196.0)
    degrees = np.clip(4.0 + 6.0 / positive, 4.2, 200.0)
    step = np.where(degrees < 9.95, 0.1, np.where(degrees < 99.5, 1.0, 10.0))
    rounded: FloatArray = np.round(np.round(degrees / step) * step, 1)
    return rounded


def cornish_fisher_tail(
    mean: FloatArray,
    std: FloatArray,
    skewness: FloatArray,
    excess_kurtosis: FloatArray,
    *,
    confidence: float,
) -> tuple[FloatArray, FloatArray]:
    """Return modified VaR, and ES as the average of modified VaR over the tail.

    The quantile is w(z) = z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36
    (Cornish and Fisher 1937; Favre and Galeano 2002). ES integrates that polynomial against
    the normal density below z, which has a closed form. Where `cornish_fisher_valid` is
    false the quantile is not monotone and neither number should be trusted.
    """
    z = -_quantile(std, confidence)
    density = _NORMAL.pdf(z) / (1.0 - confidence)
    s, k = skewness / 6.0, excess_kurtosis / 24.0
    q = skewness * skewness / 36.0
    quantile = z + (z**2 - 1) * s + (z**3 - 3 * z) * k - (2 * z**3 - 5 * z) * q
    # E[z; z < q] etc.: each Hermite-like term integrates to a multiple of phi(q) / a.
    average = density * (-1.0 - z * s + (1 - z**2) * k - (1 - 2 * z**2) * q)
    return -(mean + std * quantile), -(mean + std * average)


def cornish_fisher_valid(skewness: FloatArray, excess_kurtosis: FloatArray) -> FloatArray:
    """Return where the Cornish-Fisher quantile rises everywhere (Maillard 2012), as booleans.

    Its derivative in z is a parabola; it stays positive where its discriminant is negative.
    """
    s = skewness / 6.0
    square = excess_kurtosis / 8.0 - skewness**2 / 6.0  # Coefficient of z^2 in w'(z).
    constant = 1.0 - excess_kurtosis / 8.0 + 5.0 * skewness**2 / 36.0
    rising: FloatArray = np.where(
        square > 0, s * s < square * constant, (square == 0) & (s == 0) & (constant > 0)
    )
    return rising


def _quantile(std: FloatArray, confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0, 1), got {confidence}")
    if not (np.asarray(std) >= 0).all():
        raise InvalidInputError(f"std must be >= 0, got {float(np.min(std))}")
    return _NORMAL.inv_cdf(confidence)
