"""GARCH variance forecasts by `arch`, refitted as time goes on, on the past alone."""

import warnings

import numpy as np

from basics.arrays import FloatArray, IntArray

MIN_OBSERVATIONS = 500


def garch_forecasts(
    returns: FloatArray, *, refits: IntArray, horizon: int, asymmetric: bool = False
) -> FloatArray:
    """Return the mean variance forecast of the next `horizon` sessions.

    Parameters
    ----------
    returns : ndarray of shape (n_series, n_sessions)
        Log returns, NaN where missing.
    refits : ndarray of int64
        Session positions at which the parameters are fitted anew on all returns before.
    asymmetric : bool
        GJR instead of plain GARCH(1,1): losses move the variance more than gains.

    Returns
    -------
    ndarray of shape (n_series, n_sessions)
        Known at the close of the session; NaN before the first fit on 500 observations. Where a
        fit does not converge, the parameters before stay in force.
    """
    forecasts = np.full_like(returns, np.nan)
    for row, out in zip(returns, forecasts, strict=True):
        known = np.flatnonzero(np.isfinite(row))
        parameters = None
        for position, refit in enumerate(refits):
            past = known[known < refit]
            stop = refits[position + 1] if position + 1 < len(refits) else len(row)
            if len(past) >= MIN_OBSERVATIONS:
                parameters = fit_garch(row[past], asymmetric=asymmetric) or parameters
            if parameters is None:
                continue
            seen = known[known < stop]
            variance = filter_variance(row[seen], parameters)
            ahead = _mean_ahead(variance[1:], parameters, horizon)
            fresh = seen >= refit
            out[seen[fresh]] = ahead[fresh]
    return forecasts


def fit_garch(
    returns: FloatArray, *, asymmetric: bool
) -> tuple[float, float, float, float, float] | None:
    """Return (mean, omega, alpha, gamma, beta) by quasi maximum likelihood; None if it fails.

    gamma is 0 for plain GARCH. Variances are in squared returns.
    """
    from arch import arch_model

    scaled = 100.0 * returns
    model = arch_model(scaled, mean="Constant", vol="GARCH", p=1, o=int(asymmetric), q=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model.fit(disp="off", show_warning=False)
    if fitted.convergence_flag != 0:
        return None
    found = fitted.params
    gamma = float(found["gamma[1]"]) if asymmetric else 0.0
    return (
        float(found["mu"]) / 100.0,
        float(found["omega"]) / 1e4,
        float(found["alpha[1]"]),
        gamma,
        float(found["beta[1]"]),
    )


def filter_variance(
    returns: FloatArray, parameters: tuple[float, float, float, float, float]
) -> FloatArray:
    """Return the conditional variance of each return and of the next, of length n + 1.

    v[t+1] = omega + (alpha + gamma [e < 0]) e^2 + beta v[t], started at the sample variance.
    """
    mean, omega, alpha, gamma, beta = parameters
    errors = returns - mean
    variance = np.empty(len(returns) + 1)
    variance[0] = errors[:MIN_OBSERVATIONS].var()
    for t, error in enumerate(errors):
        shock = (alpha + gamma * (error < 0.0)) * error**2
        variance[t + 1] = omega + shock + beta * variance[t]
    return variance


def _mean_ahead(
    next_variance: FloatArray,
    parameters: tuple[float, float, float, float, float],
    horizon: int,
) -> FloatArray:
    """Return the mean of the variances expected over the next `horizon` sessions."""
    _, omega, alpha, gamma, beta = parameters
    # Half of the shocks are negative when errors are symmetric.
    persistence = alpha + 0.5 * gamma + beta
    total, step = np.zeros_like(next_variance), next_variance
    for _ in range(horizon):
        total = total + step
        step = omega + persistence * step
    return np.asarray(total / horizon, dtype=np.float64)
